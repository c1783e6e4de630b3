/* SPDX-License-Identifier: Apache-2.0 */
/* /api/secret-stores. Never changes a store that the configuration declares. */

#include "control/stores_api.h"

#include "control/handlers.h"
#include "control/input.h"
#include "control/output.h"
#include "control/propagation.h"
#include "control/store_lists.h"
#include "control/store_signature.h"

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
    struct secret_store_new new_store = {.id = identifier_uuid(id), .mac = mac};
    struct secret_store store;
    TRY(stores_api_read_new(call, &new_store));
    const struct seal_store claim = store_signature_of_new(&new_store);
    TRY(store_signature_make(call->control, &claim, mac));
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

/* What the lists are, where the body does not give them: as they are when they were signed like
 * this; else nobody knows who wrote them, and they begin anew. */
static enum error stores_api_former(struct api_call *call, const struct secret_store *store,
                                    struct secret_store_new *out)
{
    const struct seal_store claim = store_signature_of_store(store);
    enum error error = store->is_damaged ? ERR_FORBIDDEN
                                         : store_signature_check(call->control, &claim, store->mac);
    if (error == OK) {
        out->egress = store->egress;
        out->passthrough = store->passthrough;
        out->private_hosts = store->private_hosts;
        out->redact_responses = store->redact_responses;
    } else if (error == ERR_FORBIDDEN && !input_has(call, "egressAllowlist")) {
        return api_refuse(call, API_CONFLICT,
                          "the lists of this store were not written by sealgate: set "
                          "\"egressAllowlist\", and what else it is to have, anew");
    } else if (error == ERR_FORBIDDEN) {
        out->redact_responses = true;
        return OK;
    }
    return error;
}

/* All that is signed changes together: into `next`, which begins as what was there. */
static enum error stores_api_read_signed(struct api_call *call, struct secret_store_new *next,
                                         uint8_t *mac, struct secret_store_change *out)
{
    struct store_lists lists;
    TRY(store_lists_read(call, &lists));
    TRY(input_bool(call, "redactResponses", &next->redact_responses));
    if (lists.egress.given)
        next->egress = lists.egress.texts;
    if (lists.passthrough.given)
        next->passthrough = lists.passthrough.texts;
    if (lists.private_hosts.given)
        next->private_hosts = lists.private_hosts.texts;
    const struct seal_store claim = store_signature_of_new(next);
    TRY(store_signature_make(call->control, &claim, mac));
    out->egress = &next->egress;
    out->passthrough = &next->passthrough;
    out->private_hosts = &next->private_hosts;
    out->redact_responses = &next->redact_responses;
    out->mac = mac;
    return OK;
}

static bool stores_api_changes_signed(const struct api_call *call)
{
    return input_has(call, "egressAllowlist") || input_has(call, "passthroughHosts") ||
           input_has(call, "privateHosts") || input_has(call, "redactResponses");
}

static enum error stores_api_check_change(struct api_call *call, const struct secret_store *store,
                                          const struct secret_store_change *change)
{
    struct secret_entry_list secrets;
    if (!input_has(call, "passthroughHosts"))
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
    if (stores_api_changes_signed(call)) {
        TRY(stores_api_former(call, store, next));
        TRY(stores_api_read_signed(call, next, mac, out));
    }
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
