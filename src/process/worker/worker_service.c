/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's channels. Never lets a request wait without end for a process that is away. */
#include "observe/log.h"
#include "process/worker/worker_state.h"

#include <event2/event.h>
#include <openssl/x509.h>

enum { PATIENCE_S = 3, SWEEP_S = 1 };

static struct worker_service *service_of(struct peer *peer)
{
    return peer->context;
}

static void on_patience_over(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct worker_service *service = argument;

    service->is_given_up = true;
    worker_request_fail_all(service);
    if (service == &service->worker->control)
        worker_renewal_give_up(service->worker);
}

static void on_gone(struct peer *peer)
{
    const struct timeval patience = {PATIENCE_S, 0};
    struct worker_service *service = service_of(peer);

    event_add(service->patience, &patience);
    child_report_lost(service->worker->child, peer);
}

enum error worker_service_init(struct worker *worker, struct worker_service *service,
                               enum process_role role, message_handler *const *handlers)
{
    service->worker = worker;
    TAILQ_INIT(&service->requests);
    service->peer =
        (struct peer){.role = role, .context = service, .handlers = handlers, .on_gone = on_gone};
    service->patience = evtimer_new(worker->child->base, on_patience_over, service);
    return service->patience == NULL ? ERR_NO_MEMORY : OK;
}

void worker_service_clear(struct worker_service *service)
{
    peer_close(&service->peer);
    if (service->patience != NULL)
        event_free(service->patience);
}

static void send_leaf_key(struct worker *worker)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(worker->leaf_key, &der);

    if (len <= 0)
        return;
    peer_post(&worker->keyholder.peer,
              &(struct message){.type = MESSAGE_LEAF_KEY,
                                .leaf_key = {.public_key = slice_of(der, (size_t)len)}});
    OPENSSL_free(der);
}

/* The other process knows nothing of us yet. */
static void introduce(struct worker_service *service)
{
    struct worker *worker = service->worker;

    if (service == &worker->keyholder) {
        held_views_unpresent(&worker->views, HELD_VIEW_KEYHOLDER);
        send_leaf_key(worker);
    } else if (service == &worker->dialer) {
        held_views_unpresent(&worker->views, HELD_VIEW_DIALER);
    } else if (worker->proxy != NULL) {
        proxy_resynchronise(worker->proxy);
    }
}

void worker_service_connect(struct worker_service *service, struct message_peer *message)
{
    service->peer.generation = message->generation;
    enum error error =
        peer_open(&service->peer, service->worker->child->base, message_take_fd(&message->channel));
    if (error != OK) {
        LOG(LEVEL_ERROR, "peer_not_connected", .error = error);
        return;
    }
    event_del(service->patience);
    service->is_given_up = false;
    uint64_t asked_before = service->worker->last_number;
    introduce(service);
    worker_request_repeat(service, asked_before);
}

static void forget_at(struct worker_service *service, const struct held_view *held,
                      enum held_view_audience audience)
{
    if (held->is_presented[audience])
        peer_post(&service->peer, &(struct message){.type = MESSAGE_FORGET_VIEW,
                                                    .forget_view = {.handle = held->handle}});
}

void worker_service_sweep_views(struct worker *worker)
{
    const struct timeval later = {SWEEP_S, 0};
    struct held_view *held;

    while ((held = held_views_take_unused(&worker->views)) != NULL) {
        forget_at(&worker->keyholder, held, HELD_VIEW_KEYHOLDER);
        forget_at(&worker->dialer, held, HELD_VIEW_DIALER);
        held_view_free(held);
    }
    if (worker->views.superseded != NULL)
        event_add(worker->sweep, &later);
}
