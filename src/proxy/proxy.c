/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's data path: its parts, its clock, its end. Never decides about a request. */
#include "proxy/proxy.h"

#include "http/h1_reader.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "proxy/client/client_h2.h"
#include "proxy/client/client_leaf.h"
#include "proxy/client/client_tls.h"
#include "proxy/client/connection.h"
#include "proxy/client/listener.h"
#include "proxy/client/passthrough.h"
#include "proxy/dns_gate/dns_gate.h"
#include "proxy/upstream/upstream_match.h"
#include "proxy/upstream/upstream_rules.h"
#include "proxy/upstream/upstream_tls.h"

#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

enum { AUDIT_FLUSH_MS = 20, AUDIT_RETRY_MS = 200, QUIET_MS = 500 };

uint64_t proxy_now_ms(UNUSED const struct proxy *proxy)
{
    return deadline_now_ms();
}

static void flush_audit(void *owner)
{
    struct proxy *proxy = owner;

    enum error error = audit_flush(&proxy->audit);
    if (error == ERR_AGAIN) /* its reader is slow: the lines are kept */
        deadline_set(&proxy->audit_flush, AUDIT_RETRY_MS);
    else if (error != OK) {
        metrics_add(METRIC_AUDIT_LOST, 1);
        LOG(LEVEL_ERROR, "audit_write_failed");
    }
}

void proxy_write_audit(struct proxy *proxy, const struct audit_record *record)
{
    if (audit_write(&proxy->audit, record) != OK) {
        metrics_add(METRIC_AUDIT_LOST, 1);
        return;
    }
    if (proxy->audit_flush.at_ms == 0)
        deadline_set(&proxy->audit_flush, AUDIT_FLUSH_MS);
}

/* What handshakes and messages have left free in the heap. Not while connections end one after
 * the other: the next ones would only fetch it again. */
static void give_memory_back(UNUSED void *owner)
{
    malloc_trim(0);
}

static void on_tick(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    struct proxy *proxy = argument;

    sandbox_expire_idle(proxy);
    source_expire(proxy);
    connection_free_lost(proxy);
}

static enum error start_tick(struct proxy *proxy)
{
    struct timeval second = {1, 0};

    deadline_init(&proxy->audit_flush, proxy->base, flush_audit, proxy);
    deadline_init(&proxy->quiet, proxy->base, give_memory_back, proxy);
    proxy->tick = event_new(proxy->base, -1, EV_PERSIST, on_tick, proxy);
    return proxy->tick != NULL && event_add(proxy->tick, &second) == 0 ? OK : ERR_NO_MEMORY;
}

static void take_resources(struct proxy *proxy, const struct proxy_resources *resources)
{
    proxy->base = resources->base;
    proxy->services = resources->services;
    proxy->seat = resources->seat;
    EVP_PKEY_up_ref(resources->leaf_key);
    proxy->leaf_key = resources->leaf_key;
    proxy->upstream_rules = resources->upstream_rules;
    proxy->own_ca = resources->own_ca;
    TAILQ_INIT(&proxy->connections);
    audit_writer_init(&proxy->audit, resources->audit_fd, resources->audit_is_datagram);
}

static enum error open_parts(struct proxy *proxy, const struct proxy_resources *resources)
{
    if (!h1_reader_self_test())
        return ERR_UNSUPPORTED;
    h1_reader_keep_spares();
    proxy->leaves = leaf_cache_new(PROXY_LEAF_CACHE);
    if (proxy->leaves == NULL)
        return ERR_NO_MEMORY;
    TRY(leg_pool_open(&proxy->legs));
    TRY(task_queue_open(&proxy->tasks, proxy->base));
    TRY(client_tls_context(proxy->leaf_key, resources->tickets, &proxy->client_tls));
    TRY(upstream_tls_context(resources->upstream_trust, &proxy->upstream_tls));
    return start_tick(proxy);
}

enum error proxy_new(const struct proxy_settings *settings, const struct proxy_resources *resources,
                     struct proxy **out)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));

    if (proxy == NULL) {
        upstream_rules_free(resources->upstream_rules);
        return ERR_NO_MEMORY;
    }
    proxy->settings = *settings;
    take_resources(proxy, resources);
    enum error error = open_parts(proxy, resources);
    if (error != OK) {
        proxy_free(proxy);
        return error;
    }
    *out = proxy;
    return OK;
}

static void stop_listening(struct proxy *proxy)
{
    while (proxy->listener_count > 0)
        listener_free(proxy->listeners[--proxy->listener_count]);
    dns_gate_free(proxy->dns_gate);
}

void proxy_free(struct proxy *proxy)
{
    if (proxy == NULL)
        return;
    proxy->on_drained = NULL;
    stop_listening(proxy);
    if (proxy->is_draining)
        deadline_clear(&proxy->drain_deadline);
    while (!TAILQ_EMPTY(&proxy->connections))
        connection_free(TAILQ_FIRST(&proxy->connections));
    source_free_all(proxy);
    sandbox_free_all(proxy);
    client_leaf_free_all(proxy);
    table_clear(&proxy->tickets);
    if (audit_flush(&proxy->audit) != OK)
        metrics_add(METRIC_AUDIT_LOST, 1);
    audit_writer_clear(&proxy->audit);
    if (proxy->tick != NULL) {
        event_free(proxy->tick);
        deadline_clear(&proxy->audit_flush);
        deadline_clear(&proxy->quiet);
    }
    task_queue_close(&proxy->tasks);
    SSL_CTX_free(proxy->client_tls);
    SSL_CTX_free(proxy->upstream_tls);
    upstream_rules_free(proxy->upstream_rules);
    leaf_cache_free(proxy->leaves);
    EVP_PKEY_free(proxy->leaf_key);
    leg_pool_close(&proxy->legs);
    free(proxy);
}

enum error proxy_listen(struct proxy *proxy, int fd, enum proxy_listener_kind kind,
                        struct slice sandbox_id)
{
    if (kind == PROXY_DNS_UDP)
        return dns_gate_listen(proxy, fd, sandbox_id);
    if (proxy->listener_count == PROXY_LISTENERS_MAX) {
        close(fd);
        return ERR_TOO_LARGE;
    }
    struct listener *listener = listener_new(proxy, fd, kind, sandbox_id);
    if (listener == NULL)
        return ERR_NO_MEMORY;
    proxy->listeners[proxy->listener_count++] = listener;
    return OK;
}

/* Spare connections that were made under other rules or settings than hold for this sandbox now;
 * those in use are closed when they are free. */
static void close_outdated(struct sandbox *sandbox)
{
    struct upstream *upstream = TAILQ_FIRST(&sandbox->spare_upstreams), *next;

    for (; upstream != NULL; upstream = next) {
        next = TAILQ_NEXT(upstream, link);
        if (upstream->h2.message_count == 0 && !upstream_match_is_current(upstream))
            upstream_free(upstream);
    }
}

static void close_outdated_upstreams(struct proxy *proxy)
{
    struct table_entry *entry;

    for (entry = table_first(&proxy->sandboxes); entry != NULL;
         entry = table_next(&proxy->sandboxes, entry))
        close_outdated(CONTAINER_OF(entry, struct sandbox, entry));
}

void proxy_reconfigure(struct proxy *proxy, const struct proxy_settings *settings)
{
    proxy->settings = *settings;
    close_outdated_upstreams(proxy);
}

void proxy_set_upstream_rules(struct proxy *proxy, struct upstream_rules *rules)
{
    upstream_rules_free(proxy->upstream_rules);
    proxy->upstream_rules = rules;
    close_outdated_upstreams(proxy);
}

void proxy_set_audit(struct proxy *proxy, int fd, bool is_datagram)
{
    flush_audit(proxy);
    audit_writer_clear(&proxy->audit);
    audit_writer_init(&proxy->audit, fd, is_datagram);
}

void proxy_forget_leaves(struct proxy *proxy)
{
    leaf_cache_reset(proxy->leaves);
}

static void on_drain_over(void *owner)
{
    struct proxy *proxy = owner;
    void (*done)(void *argument) = proxy->on_drained;

    flush_audit(proxy);
    proxy->on_drained = NULL;
    if (done != NULL)
        done(proxy->on_drained_argument);
}

static void on_drain_task(void *owner)
{
    struct proxy *proxy = owner;

    if (TAILQ_EMPTY(&proxy->connections))
        on_drain_over(proxy);
}

void proxy_drain(struct proxy *proxy, void (*done)(void *argument), void *argument)
{
    struct connection *connection, *next;

    if (proxy->is_draining)
        return;
    proxy->is_draining = true;
    proxy->on_drained = done;
    proxy->on_drained_argument = argument;
    task_init(&proxy->drain_task, on_drain_task, proxy);
    deadline_init(&proxy->drain_deadline, proxy->base, on_drain_over, proxy);
    stop_listening(proxy);
    for (connection = TAILQ_FIRST(&proxy->connections); connection != NULL; connection = next) {
        next = TAILQ_NEXT(connection, link);
        if (connection_is_idle(connection))
            connection_free(connection);
        else if (connection->h2 != NULL)
            client_h2_drain(connection->h2);
    }
    task_schedule(&proxy->tasks, &proxy->drain_task);
    deadline_set(&proxy->drain_deadline, proxy->settings.drain_timeout_ms);
}

void proxy_connection_gone(struct proxy *proxy)
{
    deadline_set(&proxy->quiet, QUIET_MS);
    if (proxy->is_draining && proxy->on_drained != NULL && TAILQ_EMPTY(&proxy->connections))
        task_schedule(&proxy->tasks, &proxy->drain_task);
}

void proxy_on_view(struct proxy *proxy, uint64_t ticket, enum error error, struct view *view)
{
    if (!source_on_view(proxy, ticket, error, view))
        sandbox_on_view(proxy, ticket, error, view);
}

/* `end` may free the connection. */
static void end_connections_of(struct proxy *proxy, const struct sandbox *sandbox,
                               void (*end)(struct connection *connection))
{
    struct connection *connection = TAILQ_FIRST(&proxy->connections), *next;

    for (; connection != NULL; connection = next) {
        next = TAILQ_NEXT(connection, link);
        if (connection->sandbox == sandbox)
            end(connection);
    }
}

void proxy_on_view_update(struct proxy *proxy, struct view *view)
{
    struct sandbox *sandbox = sandbox_find_known(proxy, view->sandbox_id);

    if (sandbox != NULL)
        sandbox_set_view(sandbox, view);
    else if (sandbox_learn(proxy, view) == NULL)
        LOG(LEVEL_WARN, "view_not_kept", .sandbox = view->sandbox_id);
    source_learn(proxy, view);
    if (sandbox != NULL)
        end_connections_of(proxy, sandbox, connection_follow_view);
}

void proxy_on_view_gone(struct proxy *proxy, struct slice sandbox_id)
{
    struct sandbox *sandbox = sandbox_find_known(proxy, sandbox_id);

    source_forget_sandbox(proxy, sandbox_id);
    if (sandbox == NULL)
        return;
    end_connections_of(proxy, sandbox, connection_free);
    sandbox_gone(sandbox);
}

void proxy_on_source_changed(struct proxy *proxy, const struct ip_address *address)
{
    source_forget(proxy, address);
}

void proxy_on_dialed(struct proxy *proxy, uint64_t ticket, const struct proxy_dialed *answer)
{
    bool is_taken =
        passthrough_on_dialed(proxy, ticket, answer) || upstream_on_dialed(proxy, ticket, answer);

    if (!is_taken && answer->fd >= 0)
        close(answer->fd);
}

void proxy_on_looked_up(struct proxy *proxy, uint64_t ticket, const struct proxy_looked_up *answer)
{
    dns_gate_on_looked_up(proxy, ticket, answer);
}

void proxy_on_minted(struct proxy *proxy, uint64_t ticket, enum error error, X509 *leaf)
{
    client_leaf_on_minted(proxy, ticket, error, leaf);
}

void proxy_on_value(struct proxy *proxy, uint64_t ticket, uint32_t secret_index, struct slice value)
{
    sandbox_on_value(proxy, ticket, secret_index, value);
}

void proxy_on_values_done(struct proxy *proxy, uint64_t ticket, enum error error)
{
    sandbox_on_values_done(proxy, ticket, error);
}

void proxy_resynchronise(struct proxy *proxy)
{
    struct table_entry *entry = table_first(&proxy->sandboxes);

    source_forget_answered(proxy);
    for (; entry != NULL; entry = table_next(&proxy->sandboxes, entry)) {
        struct sandbox *sandbox = CONTAINER_OF(entry, struct sandbox, entry);
        if (sandbox->state == SANDBOX_KNOWN)
            proxy->services.request_view(proxy->services.context, 0,
                                         slice_of(sandbox->id, sandbox->id_len), NULL);
    }
}
