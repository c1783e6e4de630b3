/* SPDX-License-Identifier: Apache-2.0 */
/* Workers, as control sees them. Never tells one about a sandbox that it did not ask for. */
#include "observe/log.h"
#include "process/control/control_process_state.h"

static struct control_worker *worker_of(struct peer *peer)
{
    return peer->context;
}

static struct control *control_of(struct peer *peer)
{
    return worker_of(peer)->process->control;
}

static void on_view_request(struct peer *peer, struct message *message)
{
    const struct message_view_request *request = &message->view_request;

    control_on_view_request(control_of(peer), peer->index, request->ticket, request->sandbox_id,
                            &request->source);
}

static void on_view_release(struct peer *peer, struct message *message)
{
    control_on_view_release(control_of(peer), peer->index, message->view_release.sandbox_id);
}

static void on_activity(struct peer *peer, struct message *message)
{
    control_on_activity(control_of(peer), peer->index, message->activity.sandbox_id);
}

static void on_view_taken(struct peer *peer, struct message *message)
{
    control_on_view_taken(control_of(peer), peer->index, message->view_taken.push);
}

static message_handler *const handlers[MESSAGE_COUNT] = {
    [MESSAGE_VIEW_REQUEST] = on_view_request,
    [MESSAGE_VIEW_RELEASE] = on_view_release,
    [MESSAGE_ACTIVITY] = on_activity,
    [MESSAGE_VIEW_TAKEN] = on_view_taken,
};

static void on_gone(struct peer *peer)
{
    control_on_worker_gone(control_of(peer), peer->index);
    child_report_lost(worker_of(peer)->process->child, peer);
}

void control_worker_init(struct control_process *process, unsigned index)
{
    struct control_worker *worker = &process->workers[index];

    worker->process = process;
    worker->peer = (struct peer){.role = PROCESS_WORKER,
                                 .index = index,
                                 .context = worker,
                                 .handlers = handlers,
                                 .on_gone = on_gone};
}

void control_worker_connect(struct control_worker *worker, struct message_peer *message)
{
    struct control_process *process = worker->process;

    if (peer_is_open(&worker->peer))
        control_on_worker_gone(process->control, worker->peer.index);
    worker->peer.generation = message->generation;
    enum error error =
        peer_open(&worker->peer, process->child->base, message_take_fd(&message->channel));
    if (error == OK)
        control_on_worker_ready(process->control, worker->peer.index);
    else
        LOG(LEVEL_ERROR, "peer_not_connected", .error = error);
}
