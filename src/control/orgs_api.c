/* SPDX-License-Identifier: Apache-2.0 */
/* /api/orgs and /api/api-keys. A key is shown once, when it is made, and never again. */

#include "control/auth.h"
#include "control/handlers.h"
#include "control/input.h"
#include "control/output.h"

#include <sodium.h>

enum { ORG_NAME_MAX = 128 };

static json_t *describe_org(const struct org *org)
{
    json_t *object = json_object();
    output_set(&object, "id", output_text(org->id));
    output_set(&object, "name", output_text(org->name));
    output_set(&object, "createdAt", output_time(org->created_at_ms));
    return object;
}

enum error orgs_api_list(struct api_call *call)
{
    struct org_list orgs;
    TRY(orgs_list(call->control->store, &call->arena, &orgs));
    json_t *array = json_array();
    for (size_t i = 0; i < orgs.count; i++)
        output_append(&array, describe_org(&orgs.items[i]));
    api_answer(call, 200, array);
    return OK;
}

enum error orgs_api_create(struct api_call *call)
{
    struct slice name;
    struct org org;
    TRY(input_name(call, "name", ORG_NAME_MAX, &name));
    enum error error = orgs_create(call->control->store, &call->arena, name, &org);
    if (error == ERR_EXISTS)
        return api_refuse(call, API_CONFLICT, "there is an organization of that name already");
    TRY(error);
    api_answer(call, 201, describe_org(&org));
    return OK;
}

static json_t *describe_key(const struct api_key *key)
{
    json_t *object = json_object();
    output_set(&object, "id", output_text(key->id));
    output_set(&object, "orgId", output_text(key->org_id));
    output_set(&object, "name", output_text(key->name));
    output_set(&object, "prefix", output_text(key->prefix));
    output_set(&object, "admin", json_boolean(key->is_admin));
    output_set(&object, "createdAt", output_time(key->created_at_ms));
    if (key->revoked_at_ms != 0)
        output_set(&object, "revokedAt", output_time(key->revoked_at_ms));
    return object;
}

enum error orgs_api_list_keys(struct api_call *call)
{
    struct api_key_list keys;
    TRY(api_keys_list(call->control->store, &call->arena, SLICE_NONE, &keys));
    json_t *array = json_array();
    for (size_t i = 0; i < keys.count; i++)
        output_append(&array, describe_key(&keys.items[i]));
    api_answer(call, 200, array);
    return OK;
}

/* The org that the body names (by id or name), as "org" or, as answers have it, "orgId"; or else
 * the caller's. */
static enum error read_org(struct api_call *call, struct slice *out)
{
    struct slice name;
    struct org org;
    TRY(input_string(call, input_has(call, "orgId") ? "orgId" : "org", &name));
    *out = call->org;
    if (name.data == NULL)
        return OK;
    enum error error = orgs_find(call->control->store, &call->arena, name, &org);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND, "there is no such organization");
    TRY(error);
    *out = org.id;
    return OK;
}

static enum error read_new_key(struct api_call *call, struct api_key_new *out)
{
    out->name = SLICE("key");
    if (input_has(call, "name"))
        TRY(input_name(call, "name", ORG_NAME_MAX, &out->name));
    TRY(input_bool(call, "admin", &out->is_admin));
    return read_org(call, &out->org_id);
}

enum error orgs_api_create_key(struct api_call *call)
{
    char text[AUTH_KEY_SIZE];
    struct api_key_new new_key = {.is_admin = false};
    struct api_key key;
    TRY(read_new_key(call, &new_key));
    new_key.text = auth_make_key(text);
    enum error error = api_keys_create(call->control->store, &call->arena, &new_key, &key);
    json_t *object = error == OK ? describe_key(&key) : NULL;
    if (error == OK)
        output_set(&object, "key", output_text(new_key.text));
    sodium_memzero(text, sizeof text);
    TRY(error);
    api_answer(call, 201, object);
    return OK;
}

enum error orgs_api_revoke_key(struct api_call *call)
{
    enum error error = api_keys_revoke(call->control->store, SLICE_NONE, call->params[0]);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND, "there is no such API key");
    TRY(error);
    api_answer_nothing(call);
    return OK;
}
