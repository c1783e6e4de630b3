/* SPDX-License-Identifier: Apache-2.0 */
/* What the other processes tell a worker. Never hands an answer on that nobody asked for. */
#include "ca/ca.h"
#include "observe/log.h"
#include "process/worker/worker_state.h"

#include <openssl/x509.h>

static struct worker *worker_of(struct peer *peer)
{
    const struct worker_service *service = peer->context;

    return service->worker;
}

static void acknowledge(struct peer *peer, uint64_t push)
{
    peer_post(peer, &(struct message){.type = MESSAGE_VIEW_TAKEN, .view_taken = {.push = push}});
}

/* An answer to proxy_resynchronise(), which has no ticket. */
static void resynchronised(struct worker *worker, struct slice sandbox_id, enum error error,
                           struct view *view)
{
    if (error == OK)
        proxy_on_view_update(worker->proxy, view);
    if (error != ERR_NOT_FOUND)
        return;
    proxy_on_view_gone(worker->proxy, sandbox_id);
    held_views_release(&worker->views, sandbox_id);
}

static void on_view(struct peer *peer, struct message *message)
{
    struct worker *worker = worker_of(peer);
    struct message_view *answer = &message->view;
    struct worker_request *request =
        worker_request_find(worker, answer->ticket, WORKER_REQUEST_VIEW);
    struct view *view = NULL;

    if (request == NULL)
        return;
    enum error error = answer->error;
    if (error == OK)
        error = held_views_add(&worker->views, answer->view, answer->mac, &view);
    if (request->ticket == 0)
        resynchronised(worker, slice_from_string(request->sandbox_id), error, view);
    else
        proxy_on_view(worker->proxy, request->ticket, error, view);
    worker_renewal_on_view(worker, view != NULL ? view->sandbox_id
                                                : slice_from_string(request->sandbox_id));
    worker_request_free(worker, request);
    worker_service_sweep_views(worker);
}

/* The view of a sandbox that was released meanwhile is of no use to anybody. */
static enum error take_push(struct worker *worker, const struct message_view_push *push)
{
    struct view *view = NULL;

    TRY(held_views_update(&worker->views, push->view, push->mac, &view));
    if (view == NULL)
        return OK;
    proxy_on_view_update(worker->proxy, view);
    worker_renewal_on_view(worker, view->sandbox_id);
    return OK;
}

static void on_view_push(struct peer *peer, struct message *message)
{
    enum error error = take_push(worker_of(peer), &message->view_push);

    if (error != OK) {
        peer_reject(peer, "view_not_usable", error);
        return;
    }
    acknowledge(peer, message->view_push.push);
    worker_service_sweep_views(worker_of(peer));
}

static void on_view_gone(struct peer *peer, struct message *message)
{
    struct worker *worker = worker_of(peer);

    proxy_on_view_gone(worker->proxy, message->view_gone.sandbox_id);
    held_views_release(&worker->views, message->view_gone.sandbox_id);
    worker_renewal_on_view(worker, message->view_gone.sandbox_id);
    acknowledge(peer, message->view_gone.push);
    worker_service_sweep_views(worker);
}

static void on_source_changed(struct peer *peer, struct message *message)
{
    if (worker_of(peer)->proxy != NULL) /* one that has not begun remembers nothing */
        proxy_on_source_changed(worker_of(peer)->proxy, &message->source_changed.source);
    acknowledge(peer, message->source_changed.push);
}

message_handler *const worker_answers_from_control[MESSAGE_COUNT] = {
    [MESSAGE_VIEW] = on_view,
    [MESSAGE_VIEW_PUSH] = on_view_push,
    [MESSAGE_VIEW_GONE] = on_view_gone,
    [MESSAGE_SOURCE_CHANGED] = on_source_changed,
};

static void on_view_outdated(struct peer *peer, struct message *message)
{
    static const enum worker_request_kind kinds[] = {WORKER_REQUEST_DIAL, WORKER_REQUEST_LOOKUP,
                                                     WORKER_REQUEST_VALUES};
    struct worker *worker = worker_of(peer);
    struct worker_request *request = NULL;

    for (size_t i = 0; i < ARRAY_LEN(kinds) && request == NULL; i++)
        request = worker_request_find(worker, message->view_outdated.ticket, kinds[i]);
    if (request != NULL)
        worker_renewal_begin(worker, request);
}

static void on_dialed(struct peer *peer, struct message *message)
{
    struct worker *worker = worker_of(peer);
    struct message_dialed *answer = &message->dialed;
    struct worker_request *request =
        worker_request_find(worker, answer->ticket, WORKER_REQUEST_DIAL);

    if (request == NULL)
        return;
    uint64_t ticket = request->ticket;
    worker_request_free(worker, request);
    proxy_on_dialed(worker->proxy, ticket,
                    &(struct proxy_dialed){.code = answer->code,
                                           .fd = message_take_fd(&answer->socket),
                                           .address = answer->address,
                                           .route_tag = answer->route_tag,
                                           .detail = answer->detail});
}

static void on_looked_up(struct peer *peer, struct message *message)
{
    struct worker *worker = worker_of(peer);
    const struct message_looked_up *answer = &message->looked_up;
    struct worker_request *request =
        worker_request_find(worker, answer->ticket, WORKER_REQUEST_LOOKUP);

    if (request == NULL)
        return;
    uint64_t ticket = request->ticket;
    worker_request_free(worker, request);
    proxy_on_looked_up(worker->proxy, ticket,
                       &(struct proxy_looked_up){.code = answer->code,
                                                 .exists = answer->exists,
                                                 .addresses = answer->addresses.items,
                                                 .count = answer->addresses.count,
                                                 .ttl_s = answer->ttl_s});
}

message_handler *const worker_answers_from_dialer[MESSAGE_COUNT] = {
    [MESSAGE_DIALED] = on_dialed,
    [MESSAGE_LOOKED_UP] = on_looked_up,
    [MESSAGE_VIEW_OUTDATED] = on_view_outdated,
};

static void on_minted(struct peer *peer, struct message *message)
{
    struct worker *worker = worker_of(peer);
    const struct message_minted *answer = &message->minted;
    struct worker_request *request =
        worker_request_find(worker, answer->ticket, WORKER_REQUEST_MINT);
    const unsigned char *der = (const unsigned char *)answer->certificate.data;

    if (request == NULL)
        return;
    uint64_t ticket = request->ticket;
    worker_request_free(worker, request);
    OWNED(X509) *leaf =
        answer->error != OK ? NULL : d2i_X509(NULL, &der, (long)answer->certificate.len);
    enum error error = answer->error == OK && leaf == NULL ? ERR_CRYPTO : answer->error;
    proxy_on_minted(worker->proxy, ticket, error, leaf);
}

static void on_value(struct peer *peer, struct message *message)
{
    struct worker *worker = worker_of(peer);
    const struct message_value *answer = &message->value;
    struct worker_request *request =
        worker_request_find(worker, answer->ticket, WORKER_REQUEST_VALUES);

    if (request == NULL)
        return;
    request->is_answered_in_part = true;
    proxy_on_value(worker->proxy, request->ticket, answer->secret_index, answer->value);
}

static void on_values_done(struct peer *peer, struct message *message)
{
    struct worker *worker = worker_of(peer);
    const struct message_values_done *answer = &message->values_done;
    struct worker_request *request =
        worker_request_find(worker, answer->ticket, WORKER_REQUEST_VALUES);

    if (request == NULL)
        return;
    uint64_t ticket = request->ticket;
    worker_request_free(worker, request);
    proxy_on_values_done(worker->proxy, ticket, answer->error);
}

static void on_leaves_stale(struct peer *peer, struct message *message UNUSED)
{
    if (worker_of(peer)->proxy != NULL)
        proxy_forget_leaves(worker_of(peer)->proxy);
}

/* Also of a keyholder that has restarted: its key is the same for all workers again. */
static void on_ticket_key(struct peer *peer, struct message *message)
{
    session_tickets_rotate(worker_of(peer)->tickets, message->ticket_key.key);
}

static void on_own_ca(struct peer *peer, struct message *message)
{
    enum error error = own_ca_replace(&worker_of(peer)->own_ca, message->own_ca.certificates);

    if (error != OK)
        peer_reject(peer, "own_ca_not_usable", error);
}

message_handler *const worker_answers_from_keyholder[MESSAGE_COUNT] = {
    [MESSAGE_MINTED] = on_minted,
    [MESSAGE_VALUE] = on_value,
    [MESSAGE_VALUES_DONE] = on_values_done,
    [MESSAGE_LEAVES_STALE] = on_leaves_stale,
    [MESSAGE_TICKET_KEY] = on_ticket_key,
    [MESSAGE_OWN_CA] = on_own_ca,
    [MESSAGE_VIEW_OUTDATED] = on_view_outdated,
};
