/* SPDX-License-Identifier: Apache-2.0 */
/* /api/secret-stores. Never changes a store that the configuration declares. */

#include "control/stores_api.h"

#include "control/handlers.h"
#include "control/input.h"
#include "control/output.h"
#include "control/propagation.h"
#include "control/store_lists.h"

enum error stores_api_find(struct api_call *call, struct secret_store *out)
{
    enum error error =
        secret_stores_find(call->control->store, &call->arena, call->org, call->params[0], out);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND, "there is no such secret store");
    return error;
}

enum error stores_api_find_writable(struct api_call *call, struct secret_store *out)
{
    TRY(stores_api_find(call, out));
    if (out->read_only)
        return api_refuse(call, API_FORBIDDEN,
                          "the store is declared in the configuration (stores:) and can only be "
                          "changed there");
    return OK;
}

enum error stores_api_sign(struct control *control, const struct secret_store_new *store,
                           uint8_t mac[SECRET_STORES_MAC_SIZE])
{
    const struct control_services *services = &control->services;
    return services->sign_list(services->context, store->org_id, store->id, store->egress.items,
                               store->egress.count, mac);
}

static enum error refuse_taken(struct api_call *call, enum error error)
{
    if (error == ERR_EXISTS)
        return api_refuse(call, API_CONFLICT, "there is a secret store of that name already");
    return error;
}

static json_t *describe_with_warnings(const struct secret_store *store)
{
    json_t *object = output_store(store);
    json_t *warnings = store_lists_warnings(store);
    if (warnings != NULL)
        output_set(&object, "warnings", warnings);
    return object;
}

static enum error stores_api_read_new(struct api_call *call, struct secret_store_new *out)
{
    struct store_lists lists;
    out->org_id = call->org;
    out->redact_responses = true;
    TRY(input_name(call, "name", STORES_API_NAME_MAX, &out->name));
    TRY(store_lists_read(call, &lists));
    TRY(input_bool(call, "redactResponses", &out->redact_responses));
    out->egress = lists.egress.texts;
    out->passthrough = lists.passthrough.texts;
    out->private_hosts = lists.private_hosts.texts;
    return OK;
}

enum error stores_api_create(struct api_call *call)
{
    char id[IDENTIFIER_SIZE];
    uint8_t mac[SECRET_STORES_MAC_SIZE];
    struct secret_store_new new_store = {.id = identifier_uuid(id), .egress_mac = mac};
    struct secret_store store;
    TRY(stores_api_read_new(call, &new_store));
    TRY(stores_api_sign(call->control, &new_store, mac));
    TRY(refuse_taken(call,
                     secret_stores_create(call->control->store, &call->arena, &new_store, &store)));
    api_answer(call, 201, describe_with_warnings(&store));
    return OK;
}

enum error stores_api_list(struct api_call *call)
{
    struct secret_store_list stores;
    TRY(secret_stores_list(call->control->store, &call->arena, call->org, &stores));
    json_t *array = json_array();
    for (size_t i = 0; i < stores.count; i++)
        output_append(&array, output_store(&stores.items[i]));
    api_answer(call, 200, array);
    return OK;
}

enum error stores_api_get(struct api_call *call)
{
    struct secret_store store;
    TRY(stores_api_find(call, &store));
    api_answer(call, 200, output_store(&store));
    return OK;
}

enum error stores_api_push(struct api_call *call, struct slice store_id, int status, json_t *value)
{
    struct text_list bound;
    enum error error = sandboxes_bound_to(call->control->store, &call->arena, store_id, &bound);
    if (error != OK) {
        json_decref(value);
        return error;
    }
    propagation_push(call->control->propagation, &bound,
                     &(struct propagation_then){.call = call, .status = status, .value = value});
    return OK;
}

static enum error stores_api_read_lists(struct api_call *call, struct secret_store_new *next,
                                        uint8_t *mac, struct secret_store_change *out)
{
    struct store_lists lists;
    TRY(store_lists_read(call, &lists));
    next->egress = lists.egress.texts;
    next->passthrough = lists.passthrough.texts;
    next->private_hosts = lists.private_hosts.texts;
    if (lists.egress.given) {
        TRY(stores_api_sign(call->control, next, mac));
        out->egress = &next->egress;
        out->egress_mac = mac;
    }
    if (lists.passthrough.given)
        out->passthrough = &next->passthrough;
    if (lists.private_hosts.given)
        out->private_hosts = &next->private_hosts;
    return OK;
}

static enum error stores_api_check_change(struct api_call *call, const struct secret_store *store,
                                          const struct secret_store_change *change)
{
    struct secret_entry_list secrets;
    if (change->passthrough == NULL)
        return OK;
    TRY(secrets_list(call->control->store, &call->arena, call->org, store->id, &secrets));
    return store_lists_check_secrets(call, change->passthrough, &secrets);
}

/* The fields of the body that are there; what they point to is in the call's arena. */
static enum error stores_api_read_change(struct api_call *call, const struct secret_store *store,
                                         struct secret_store_change *out)
{
    struct secret_store_new *next = arena_alloc(&call->arena, sizeof *next);
    uint8_t *mac = arena_alloc(&call->arena, SECRET_STORES_MAC_SIZE);
    if (next == NULL || mac == NULL)
        return ERR_NO_MEMORY;
    *next = (struct secret_store_new){.org_id = store->org_id, .id = store->id};
    if (input_has(call, "name")) {
        TRY(input_name(call, "name", STORES_API_NAME_MAX, &next->name));
        out->name = &next->name;
    }
    TRY(input_bool(call, "redactResponses", &next->redact_responses));
    if (input_has(call, "redactResponses"))
        out->redact_responses = &next->redact_responses;
    TRY(stores_api_read_lists(call, next, mac, out));
    return stores_api_check_change(call, store, out);
}

enum error stores_api_update(struct api_call *call)
{
    struct secret_store store;
    struct secret_store_change change = {.name = NULL};
    TRY(stores_api_find_writable(call, &store));
    TRY(stores_api_read_change(call, &store, &change));
    TRY(refuse_taken(call,
                     secret_stores_update(call->control->store, call->org, store.id, &change)));
    call->params[0] = store.id;
    TRY(stores_api_find(call, &store));
    return stores_api_push(call, store.id, 200, describe_with_warnings(&store));
}

enum error stores_api_delete(struct api_call *call)
{
    struct secret_store store;
    TRY(stores_api_find_writable(call, &store));
    TRY(secret_stores_delete(call->control->store, call->org, store.id));
    api_answer_nothing(call); /* it goes on serving: no view changes */
    return OK;
}

enum error stores_api_sealing_key(struct api_call *call)
{
    struct secret_store store;
    struct seal_public_key key;
    const struct control_services *services = &call->control->services;
    TRY(stores_api_find(call, &store));
    TRY(services->current_key(services->context, &key));
    json_t *object = output_key(&key);
    output_set(&object, "orgId", output_text(store.org_id));
    output_set(&object, "storeId", output_text(store.id));
    api_answer(call, 200, object);
    return OK;
}
