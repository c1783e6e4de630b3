/* SPDX-License-Identifier: Apache-2.0 */
/* /api/sandboxes/:, all but making one. Never looks a sandbox up without the caller's org. */

#include "control/sandboxes_api.h"

#include "control/environment.h"
#include "control/handlers.h"
#include "control/input.h"
#include "control/propagation.h"
#include "control/sandbox_output.h"

enum error sandboxes_api_find(struct api_call *call, struct sandbox *out)
{
    enum error error =
        sandboxes_get(call->control->store, &call->arena, call->org, call->params[0], out);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND, "there is no such sandbox");
    return error;
}

void sandboxes_api_push(struct api_call *call, struct slice id, int status, json_t *value)
{
    struct text_list ids = {&id, 1};
    propagation_push(call->control->propagation, &ids,
                     &(struct propagation_then){.call = call, .status = status, .value = value});
}

enum error sandboxes_api_list(struct api_call *call)
{
    struct sandbox_list sandboxes;
    TRY(sandboxes_list(call->control->store, &call->arena, call->org, &sandboxes));
    json_t *array = json_array();
    for (size_t i = 0; i < sandboxes.count; i++)
        output_append(&array, sandbox_output_summary(&sandboxes.items[i]));
    api_answer(call, 200, array);
    return OK;
}

/* The sandbox as it is now, to be answered once that is what workers enforce. */
static enum error answer_current(struct api_call *call, struct slice id)
{
    json_t *object;
    TRY(sandbox_output_load(call, id, &object));
    sandboxes_api_push(call, id, 200, object);
    return OK;
}

enum error sandboxes_api_get(struct api_call *call)
{
    struct sandbox sandbox;
    json_t *object;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(sandbox_output_load(call, sandbox.id, &object));
    api_answer(call, 200, object);
    return OK;
}

static enum error read_flag(struct api_call *call, const char *name, bool *out)
{
    struct slice text;
    TRY(api_query(call, name, &text));
    *out = slice_equals(text, SLICE("true"));
    if (text.data != NULL && !*out && !slice_equals(text, SLICE("false")))
        return api_refuse(call, API_BAD_REQUEST, "the parameter \"%s\" is true or false", name);
    return OK;
}

enum error sandboxes_api_delete(struct api_call *call)
{
    struct sandbox sandbox;
    bool with_store;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(read_flag(call, "deleteSecretStore", &with_store));
    enum error error = sandboxes_delete(call->control->store, call->org, sandbox.id, with_store);
    if (error == ERR_FORBIDDEN)
        return api_refuse(call, API_FORBIDDEN,
                          "its secret store is declared in the configuration and cannot be "
                          "deleted: nothing was");
    TRY(error);
    sandboxes_api_push(call, sandbox.id, 204, NULL);
    return OK;
}

enum error sandboxes_api_hibernate(struct api_call *call)
{
    struct sandbox sandbox;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(sandboxes_hibernate(call->control->store, call->org, sandbox.id));
    return answer_current(call, sandbox.id);
}

static enum error wake(struct api_call *call, struct slice id, const uint64_t *timeout_s)
{
    TRY(sandboxes_wake(call->control->store, call->org, id));
    if (timeout_s == NULL)
        return OK;
    return sandboxes_set_timeout(call->control->store, call->org, id, (uint32_t)*timeout_s);
}

enum error sandboxes_api_wake(struct api_call *call)
{
    struct sandbox sandbox;
    uint64_t timeout_s = 0;
    bool sets_timeout = input_has(call, "timeout");
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(input_integer(call, "timeout", SANDBOXES_API_TIMEOUT_MAX, &timeout_s));
    TRY(store_begin(call->control->store));
    TRY(store_end(call->control->store, wake(call, sandbox.id, sets_timeout ? &timeout_s : NULL)));
    return answer_current(call, sandbox.id);
}

enum error sandboxes_api_timeout(struct api_call *call)
{
    struct sandbox sandbox;
    uint64_t timeout_s = 0;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(input_integer(call, "timeout", SANDBOXES_API_TIMEOUT_MAX, &timeout_s));
    if (!input_has(call, "timeout"))
        return api_refuse(call, API_BAD_REQUEST, "\"timeout\" is missing");
    TRY(sandboxes_set_timeout(call->control->store, call->org, sandbox.id, (uint32_t)timeout_s));
    return answer_current(call, sandbox.id);
}

enum error sandboxes_api_env(struct api_call *call)
{
    struct sandbox sandbox;
    struct view_data data;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(view_data_load(call->control->store, &call->arena, sandbox.id, &data));
    json_t *object = json_object();
    output_set(&object, "envs", environment_build(call->control, &data));
    api_answer(call, 200, object);
    return OK;
}
