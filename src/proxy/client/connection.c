/* SPDX-License-Identifier: Apache-2.0 */
/* A client connection through its states. Never runs two exchanges at once, never answers out of
 * order. */
#include "proxy/client/connection.h"

#include "observe/log.h"
#include "observe/metrics.h"
#include "proxy/client/client_h2.h"
#include "proxy/client/connection_steps.h"
#include "proxy/client/listener.h"
#include "proxy/client/original_destination.h"
#include "proxy/client/passthrough.h"
#include "proxy/exchange_record.h"
#include "proxy/exchange_websocket.h"

#include <stdlib.h>
#include <unistd.h>

#define TO(state) (1U << CONNECTION_##state)
static const unsigned allowed_next[] = {
    [CONNECTION_AWAITING_HEAD] = TO(AWAITING_SOCKS) | TO(AWAITING_IDENTITY) | TO(SNIFFING) |
                                 TO(EXCHANGING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_AWAITING_SOCKS] = TO(SNIFFING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_AWAITING_IDENTITY] = TO(SNIFFING) | TO(EXCHANGING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_SNIFFING] =
        TO(READING_HELLO) | TO(GREETING_CLIENT) | TO(AWAITING_HEAD) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_READING_HELLO] = TO(GREETING_CLIENT) | TO(PASSING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_PASSING] = TO(LINGERING) | TO(CLOSING),
    [CONNECTION_GREETING_CLIENT] =
        TO(AWAITING_HEAD) | TO(MULTIPLEXING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_MULTIPLEXING] = TO(CLOSING),
    [CONNECTION_EXCHANGING] = TO(AWAITING_HEAD) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_LINGERING] = TO(CLOSING),
    [CONNECTION_CLOSING] = 0,
};

void connection_set_state(struct connection *connection, enum connection_state next)
{
    if ((allowed_next[connection->state] & (1U << next)) == 0) {
        LOG(LEVEL_ERROR, "connection_state_illegal", .number = next, .has_number = true);
        abort();
    }
    connection->state = next;
}

static void connection_step(void *owner);
static void on_deadline(void *owner);

/* A transparent client says nothing about itself: who it is comes first. */
static void begin_transparent(struct connection *connection)
{
    connection->is_transparent = connection->is_tunnel = true;
    connection->state = CONNECTION_AWAITING_IDENTITY;
    if (!original_destination(connection->leg.fd, &connection->destination))
        connection->destination.port = 0;
    task_schedule(&connection->proxy->tasks, &connection->task);
}

void connection_await_greeting(struct connection *connection)
{
    uint32_t limit_ms = connection->proxy->settings.header_timeout_ms;

    deadline_set(&connection->deadline,
                 limit_ms < CONNECTION_GREETING_MS ? limit_ms : CONNECTION_GREETING_MS);
}

struct connection *connection_new(const struct listener *listener, int fd,
                                  const struct ip_endpoint *client)
{
    struct proxy *proxy = listener->proxy;
    struct connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL) {
        close(fd);
        return NULL;
    }
    connection->proxy = proxy;
    connection->client = *client;
    memcpy(connection->listener_sandbox, listener->sandbox_id, listener->sandbox_id_len);
    connection->listener_sandbox_len = listener->sandbox_id_len;
    leg_open(&connection->leg, proxy->base, fd, &proxy->legs);
    leg_set_owner(&connection->leg, connection_step, connection);
    h1_stream_init(&connection->h1, &connection->leg, H1_REQUESTS);
    task_init(&connection->task, connection_step, connection);
    connection->waiter.task = &connection->task;
    deadline_init(&connection->deadline, proxy->base, on_deadline, connection);
    connection_await_greeting(connection);
    TAILQ_INSERT_TAIL(&proxy->connections, connection, link);
    metrics_add(METRIC_CONNECTIONS_TOTAL, 1);
    metrics_add(METRIC_CONNECTIONS_OPEN, 1);
    if (listener->kind == PROXY_TRANSPARENT)
        begin_transparent(connection);
    else
        leg_want_read(&connection->leg, true);
    return connection;
}

void connection_free(struct connection *connection)
{
    struct proxy *proxy = connection->proxy;

    if (connection->passthrough != NULL)
        connection_record_passthrough(connection);
    passthrough_free(connection->passthrough);
    exchange_abandon(connection->exchange);
    client_h2_free(connection->h2);
    waiter_cancel(&connection->waiter);
    task_cancel(&proxy->tasks, &connection->task);
    deadline_clear(&connection->deadline);
    h1_stream_clear(&connection->h1);
    if (buffer_len(&connection->leg.out) > 0) /* an end that looked like one would be a lie */
        leg_reset_on_close(&connection->leg);
    leg_close(&connection->leg);
    if (connection->sandbox != NULL)
        sandbox_leave(connection->sandbox);
    TAILQ_REMOVE(&proxy->connections, connection, link);
    metrics_add(METRIC_CONNECTIONS_OPEN, -1);
    free(connection);
    proxy_connection_gone(proxy);
}

void connection_free_lost(struct proxy *proxy)
{
    struct connection *next;

    for (struct connection *connection = TAILQ_FIRST(&proxy->connections); connection != NULL;
         connection = next) {
        next = TAILQ_NEXT(connection, link);
        if (!leg_is_lost(&connection->leg))
            continue;
        if (connection->exchange != NULL)
            connection->exchange->is_client_gone = true;
        connection_free(connection);
    }
}

void connection_follow_view(struct connection *connection)
{
    if (connection->state == CONNECTION_PASSING)
        connection_passthrough_follow_view(connection);
    else if (connection->h2 != NULL)
        client_h2_follow_view(connection->h2);
    else if (connection->exchange != NULL)
        exchange_websocket_follow_view(connection->exchange);
}

bool connection_is_idle(const struct connection *connection)
{
    if (connection->state == CONNECTION_MULTIPLEXING)
        return client_h2_is_idle(connection->h2);
    if (connection->state == CONNECTION_SNIFFING)
        return buffer_len(&connection->leg.in) == 0;
    return connection->state == CONNECTION_AWAITING_HEAD && h1_stream_is_idle(&connection->h1);
}

void connection_finish(struct connection *connection)
{
    connection_set_state(connection, CONNECTION_LINGERING);
    deadline_set(&connection->deadline, connection->proxy->settings.idle_timeout_ms);
    task_schedule(&connection->proxy->tasks, &connection->task);
}

void connection_refuse(struct connection *connection, enum refusal_code code, struct slice detail)
{
    connection->close_after = true;
    connection_record(connection, code);
    if (connection_write_refusal(connection, code, detail) != OK) {
        connection_free(connection);
        return;
    }
    connection_finish(connection);
}

enum connection_step connection_drop(struct connection *connection, enum refusal_code code)
{
    connection_record(connection, code);
    connection_free(connection);
    return CONNECTION_WAIT;
}

/* Closing with unread bytes would reset the connection and lose the answer. */
static enum connection_step step_linger(struct connection *connection)
{
    struct leg *leg = &connection->leg;
    struct slice bytes;

    enum leg_status status = leg_flush(leg);
    leg_want_read(leg, status == LEG_READY);
    if (status == LEG_BLOCKED) { /* a slow reader, who gets the time that any reader gets */
        deadline_set(&connection->deadline, connection->proxy->settings.idle_timeout_ms);
        return CONNECTION_WAIT;
    }
    if (status == LEG_READY && connection->lingered == 0) {
        leg_finish_writing(leg);
        deadline_set(&connection->deadline, CONNECTION_LINGER_MS);
    }
    connection->lingered++; /* so that the goodbye is said once */
    while (status == LEG_READY && (status = leg_read(leg, &bytes)) == LEG_READY) {
        connection->lingered += bytes.len;
        if (leg_put_back(leg, bytes, SLICE_NONE) != OK ||
            connection->lingered > CONNECTION_LINGER_BYTES)
            status = LEG_BROKEN;
    }
    if (status != LEG_BLOCKED) {
        connection_set_state(connection, CONNECTION_CLOSING);
        connection_free(connection);
    }
    return CONNECTION_WAIT;
}

static void connection_step(void *owner)
{
    static enum connection_step (*const steps[])(struct connection * connection) = {
        [CONNECTION_AWAITING_HEAD] = connection_request_step,
        [CONNECTION_AWAITING_SOCKS] = connection_socks_step,
        [CONNECTION_AWAITING_IDENTITY] = connection_identity_step,
        [CONNECTION_SNIFFING] = connection_tunnel_sniff_step,
        [CONNECTION_READING_HELLO] = connection_hello_step,
        [CONNECTION_GREETING_CLIENT] = connection_tunnel_greet_step,
        [CONNECTION_PASSING] = connection_passthrough_step,
        [CONNECTION_EXCHANGING] = connection_request_exchange_step,
        [CONNECTION_MULTIPLEXING] = connection_tunnel_multiplex_step,
        [CONNECTION_LINGERING] = step_linger,
    };
    struct connection *connection = owner;

    while (steps[connection->state](connection) == CONNECTION_NEXT)
        ;
}

static void on_deadline(void *owner)
{
    struct connection *connection = owner;

    switch (connection->state) {
    case CONNECTION_AWAITING_IDENTITY:
        connection_identity_refuse(connection, REFUSAL_OVERLOADED);
        return;
    case CONNECTION_AWAITING_HEAD:
        if (connection->h1.reader != NULL)
            connection_refuse(connection, REFUSAL_REQUEST_TIMEOUT, SLICE_NONE);
        else
            connection_free(connection);
        return;
    default:
        connection_free(connection);
    }
}
