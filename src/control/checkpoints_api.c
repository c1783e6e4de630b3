/* SPDX-License-Identifier: Apache-2.0 */
/* /api/sandboxes/:/checkpoints. Never tells a checkpoint of another org from one that is not there.
 */

#include "control/handlers.h"
#include "control/input.h"
#include "control/output.h"
#include "control/sandboxes_api.h"

enum { CHECKPOINT_NAME_MAX = 128 };

static enum error refuse_absent(struct api_call *call, enum error error, const char *what)
{
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND, "there is no such %s", what);
    return error;
}

enum error checkpoints_api_create(struct api_call *call)
{
    struct slice name;
    struct checkpoint checkpoint;
    TRY(input_name(call, "name", CHECKPOINT_NAME_MAX, &name));
    enum error error = checkpoints_create(call->control->store, &call->arena, call->org,
                                          call->params[0], name, &checkpoint);
    if (error == ERR_EXISTS)
        return api_refuse(call, API_CONFLICT, "the sandbox has a checkpoint of that name already");
    TRY(refuse_absent(call, error, "sandbox"));
    api_answer(call, 201, output_checkpoint(&checkpoint));
    return OK;
}

enum error checkpoints_api_list(struct api_call *call)
{
    struct checkpoint_list checkpoints;
    TRY(refuse_absent(call,
                      checkpoints_list(call->control->store, &call->arena, call->org,
                                       call->params[0], &checkpoints),
                      "sandbox"));
    json_t *array = json_array();
    for (size_t i = 0; i < checkpoints.count; i++)
        output_append(&array, output_checkpoint(&checkpoints.items[i]));
    api_answer(call, 200, array);
    return OK;
}

enum error checkpoints_api_delete(struct api_call *call)
{
    TRY(refuse_absent(
        call, checkpoints_delete(call->control->store, call->org, call->params[0], call->params[1]),
        "checkpoint"));
    api_answer_nothing(call);
    return OK;
}

enum error checkpoints_api_restore(struct api_call *call)
{
    struct sandbox sandbox;
    struct checkpoint checkpoint;
    struct store *store = call->control->store;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(refuse_absent(call, checkpoints_restore(store, call->org, sandbox.id, call->params[1]),
                      "checkpoint"));
    TRY(checkpoints_get(store, &call->arena, call->org, call->params[1], &checkpoint));
    sandboxes_api_push(call, sandbox.id, 200, output_checkpoint(&checkpoint));
    return OK;
}
