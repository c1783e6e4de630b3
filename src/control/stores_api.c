/* SPDX-License-Identifier: Apache-2.0 */
/* /api/secret-stores. Never changes a store that the configuration declares. */

#include "control/stores_api.h"

#include "control/handlers.h"
#include "control/input.h"
#include "control/output.h"
#include "control/propagation.h"

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

static enum error stores_api_read_new(struct api_call *call, struct secret_store_new *out)
{
    struct input_list egress;
    out->org_id = call->org;
    out->redact_responses = true;
    TRY(input_name(call, "name", STORES_API_NAME_MAX, &out->name));
    TRY(input_patterns(call, "egressAllowlist", &egress));
    TRY(input_bool(call, "redactResponses", &out->redact_responses));
    out->egress = egress.texts;
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
    api_answer(call, 201, output_store(&store));
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

/* The fields of the body that are there; what they point to is in the call's arena. */
static enum error stores_api_read_change(struct api_call *call, const struct secret_store *store,
                                         struct secret_store_change *out)
{
    struct secret_store_new *next = arena_alloc(&call->arena, sizeof *next);
    uint8_t *mac = arena_alloc(&call->arena, SECRET_STORES_MAC_SIZE);
    if (next == NULL || mac == NULL)
        return ERR_NO_MEMORY;
    struct input_list egress;
    *next = (struct secret_store_new){.org_id = store->org_id, .id = store->id};
    if (input_has(call, "name")) {
        TRY(input_name(call, "name", STORES_API_NAME_MAX, &next->name));
        out->name = &next->name;
    }
    TRY(input_bool(call, "redactResponses", &next->redact_responses));
    if (input_has(call, "redactResponses"))
        out->redact_responses = &next->redact_responses;
    TRY(input_patterns(call, "egressAllowlist", &egress));
    if (egress.given) {
        next->egress = egress.texts;
        TRY(stores_api_sign(call->control, next, mac));
        out->egress = &next->egress;
        out->egress_mac = mac;
    }
    return OK;
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
    return stores_api_push(call, store.id, 200, output_store(&store));
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
