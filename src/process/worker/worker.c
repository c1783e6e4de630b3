/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's life: sockets and keys in, a proxy on top. Never opens a connection itself. */
#include "process/worker/worker.h"

#include "observe/log.h"
#include "observe/metrics.h"
#include "process/worker/trust_store.h"
#include "process/worker/worker_state.h"

#include <event2/event.h>
#include <openssl/ec.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEYHOLDER_WAIT_MS = 2000 };

static struct worker *worker_of(struct child *child)
{
    return child->context;
}

static struct proxy_settings settings_of(const struct child *child)
{
    const struct config *config = child->config;

    return (struct proxy_settings){
        .decision = {.default_deny = config->default_deny},
        .hints_name_flags = config->hints_name_flags,
        .connections_per_sandbox = (uint32_t)config->connections_per_sandbox,
        .streams_per_sandbox = (uint32_t)config->streams_per_sandbox,
        .requests = {SHARED_REQUESTS, (uint32_t)config->requests_per_second,
                     (uint32_t)config->request_burst},
        .header_bytes = (uint32_t)config->header_bytes,
        .header_fields = (uint32_t)config->header_fields,
        .uri_bytes = (uint32_t)config->uri_bytes,
        .body_bytes = config->body_bytes,
        .connect_timeout_ms = (uint32_t)config->connect_timeout_ms,
        .header_timeout_ms = (uint32_t)config->header_timeout_ms,
        .idle_timeout_ms = (uint32_t)config->idle_timeout_ms,
        .drain_timeout_ms = (uint32_t)config->drain_timeout_ms,
        .upstream_idle_timeout_ms = (uint32_t)config->upstream_idle_timeout_ms,
        .body_rate = (uint32_t)config->body_rate,
        .route_tag = child->route_tag,
    };
}

/* The keyholder sends both unasked; nothing else can be done before they are there. */
static enum error await_keyholder(struct worker *worker)
{
    while (worker->own_ca.count == 0 || !session_tickets_have_key(worker->tickets)) {
        if (!peer_is_open(&worker->keyholder.peer))
            return ERR_UNAVAILABLE;
        TRY(channel_wait(worker->keyholder.peer.channel, KEYHOLDER_WAIT_MS));
    }
    return OK;
}

static enum error make_proxy(struct worker *worker)
{
    struct proxy_settings settings = settings_of(worker->child);
    struct proxy_resources resources = {
        .base = worker->child->base,
        .services = worker_request_services,
        .leaf_key = worker->leaf_key,
        .tickets = worker->tickets,
        .own_ca = &worker->own_ca,
        .audit_fd = worker->audit_fd,
        .audit_is_datagram = worker->audit_is_datagram,
        .seat = {worker->pages.counts, worker->child->worker_count, worker->child->index},
    };

    resources.services.context = worker;
    TRY(trust_store_load(worker->child->config, &resources.upstream_trust));
    resources.upstream_rules = worker_upstream_begin(worker);
    if (resources.upstream_rules == NULL) {
        X509_STORE_free(resources.upstream_trust);
        return ERR_NO_MEMORY;
    }
    enum error error = proxy_new(&settings, &resources, &worker->proxy);
    X509_STORE_free(resources.upstream_trust);
    return error;
}

static enum error listen_everywhere(struct worker *worker)
{
    enum error error = OK;

    while (worker->listener_count > 0 && error == OK) {
        struct worker_listener listener = worker->listeners[--worker->listener_count];

        error = proxy_listen(worker->proxy, listener.fd, listener.kind,
                             slice_from_string(listener.sandbox_id));
        free(listener.sandbox_id);
    }
    return error;
}

static enum error on_begin(struct child *child)
{
    struct worker *worker = worker_of(child);

    if (worker->leaf_key == NULL || worker->pages.counts == NULL)
        return ERR_NO_MEMORY;
    TRY(await_keyholder(worker));
    TRY(make_proxy(worker));
    TRY(child_confine(child));
    return listen_everywhere(worker);
}

static void on_reconfigure(struct child *child)
{
    struct proxy_settings settings = settings_of(child);

    proxy_reconfigure(worker_of(child)->proxy, &settings);
    worker_upstream_reconfigure(worker_of(child));
}

static bool on_upstream_file(struct child *child, struct message *message)
{
    return worker_upstream_take(worker_of(child), message);
}

static void on_peer(struct child *child, struct message_peer *message)
{
    struct worker *worker = worker_of(child);

    if (message->role == PROCESS_KEYHOLDER)
        worker_service_connect(&worker->keyholder, message);
    else if (message->role == PROCESS_DIALER)
        worker_service_connect(&worker->dialer, message);
    else if (message->role == PROCESS_CONTROL)
        worker_service_connect(&worker->control, message);
}

static void on_listener(struct child *child, struct message_listener *message)
{
    static const enum proxy_listener_kind kinds[LISTENER_KIND_COUNT] = {
        [LISTENER_PROXY] = PROXY_EXPLICIT,
        [LISTENER_TRANSPARENT] = PROXY_TRANSPARENT,
        [LISTENER_DNS_UDP] = PROXY_DNS_UDP,
        [LISTENER_DNS_TCP] = PROXY_DNS_TCP,
    };
    struct worker *worker = worker_of(child);
    char *sandbox_id = slice_dup(message->sandbox_id);

    if (worker->listener_count == WORKER_LISTENERS_MAX || sandbox_id == NULL) {
        LOG(LEVEL_ERROR, "listener_not_kept");
        free(sandbox_id);
        return;
    }
    worker->listeners[worker->listener_count++] = (struct worker_listener){
        message_take_fd(&message->socket), kinds[message->kind], sandbox_id};
    if (child->has_begun && listen_everywhere(worker) != OK)
        LOG(LEVEL_ERROR, "listener_not_kept");
}

static void on_shared_pages(struct child *child, struct message_shared_pages *message)
{
    struct worker *worker = worker_of(child);
    enum error error = shared_pages_map(child->worker_count, message_take_fd(&message->metrics),
                                        message_take_fd(&message->counts), &worker->pages);

    if (error == OK)
        metrics_attach(worker->pages.metrics, shared_pages_rows(child->worker_count), child->index);
}

static void on_audit(struct child *child, struct message_audit *message)
{
    struct worker *worker = worker_of(child);
    int former = worker->audit_fd;

    worker->audit_fd = message_take_fd(&message->file);
    worker->audit_is_datagram = message->is_datagram;
    if (worker->proxy != NULL)
        proxy_set_audit(worker->proxy, worker->audit_fd, worker->audit_is_datagram);
    if (former >= 0)
        close(former);
}

static void on_drained(void *argument)
{
    child_drained(argument);
}

static void on_drain(struct child *child)
{
    proxy_drain(worker_of(child)->proxy, on_drained, child);
    LOG(LEVEL_INFO, "listening_no_more");
}

static void on_sweep(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    worker_service_sweep_views(argument);
}

static enum error worker_init(struct worker *worker)
{
    held_views_init(&worker->views);
    table_init(&worker->requests);
    worker->audit_fd = -1;
    worker->leaf_key = EVP_EC_gen("P-256");
    worker->sweep = evtimer_new(worker->child->base, on_sweep, worker);
    if (worker->leaf_key == NULL || worker->sweep == NULL)
        return ERR_NO_MEMORY;
    TRY(session_tickets_new(&worker->tickets));
    TRY(worker_service_init(worker, &worker->control, PROCESS_CONTROL,
                            worker_answers_from_control));
    TRY(worker_service_init(worker, &worker->dialer, PROCESS_DIALER, worker_answers_from_dialer));
    return worker_service_init(worker, &worker->keyholder, PROCESS_KEYHOLDER,
                               worker_answers_from_keyholder);
}

static enum error on_created(struct child *child)
{
    worker_of(child)->child = child;
    return worker_init(worker_of(child));
}

static void on_end(struct child *child)
{
    struct worker *worker = worker_of(child);

    proxy_free(worker->proxy);
    session_tickets_free(worker->tickets);
    own_ca_clear(&worker->own_ca);
    worker_service_clear(&worker->control);
    worker_service_clear(&worker->dialer);
    worker_service_clear(&worker->keyholder);
    worker_request_clear(worker);
    worker_upstream_clear(worker);
    held_views_clear(&worker->views);
    EVP_PKEY_free(worker->leaf_key);
    if (worker->sweep != NULL)
        event_free(worker->sweep);
    if (worker->audit_fd >= 0)
        close(worker->audit_fd);
}

int worker_main(unsigned index)
{
    static const struct child_role role = {.role = PROCESS_WORKER,
                                           .on_created = on_created,
                                           .on_begin = on_begin,
                                           .on_reconfigure = on_reconfigure,
                                           .on_peer = on_peer,
                                           .on_listener = on_listener,
                                           .on_shared_pages = on_shared_pages,
                                           .on_audit = on_audit,
                                           .on_upstream_file = on_upstream_file,
                                           .on_drain = on_drain,
                                           .on_end = on_end};
    static struct worker worker;

    return child_run(&role, index, &worker);
}
