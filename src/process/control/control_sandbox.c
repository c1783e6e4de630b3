/* SPDX-License-Identifier: Apache-2.0 */
/* The one sandbox of `sealgate run`, asked for by the supervisor. Never answers a worker. */
#include "process/control/control_process_state.h"

bool control_sandbox_create(struct control_process *process,
                            const struct message_create_sandbox *message)
{
    struct message answer = {.type = MESSAGE_SANDBOX_CREATED};
    struct message_sandbox_created *created = &answer.sandbox_created;
    struct private_sandbox sandbox;

    created->error = control_create_sandbox(process->control, message->stores.items,
                                            message->stores.count, &sandbox);
    if (created->error == OK) {
        created->sandbox_id = sandbox.id;
        created->environment =
            (struct message_list){sandbox.environment, sandbox.environment_count};
        created->bundle = sandbox.bundle;
        created->root = sandbox.root;
    }
    peer_post(&process->child->supervisor, &answer);
    private_sandbox_clear(&sandbox);
    return true;
}
