/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on an HTTP/1 client connection. Never begins one before the one before is answered. */
#include "http/request.h"
#include "proxy/client/connection_steps.h"
#include "proxy/client/socks5.h"
#include "proxy/exchange.h"
#include "proxy/refusal.h"
#include "proxy/request_limits.h"

enum { IDLE_OUT_KEPT = 4096 };

static void await_next_request(struct connection *connection)
{
    struct leg *leg = &connection->leg;

    h1_stream_clear(&connection->h1);
    if (buffer_len(&leg->out) == 0 && leg->out.capacity > IDLE_OUT_KEPT)
        buffer_clear(&leg->out);
    connection->has_begun_head = false;
    connection_set_state(connection, CONNECTION_AWAITING_HEAD);
    deadline_set(&connection->deadline, connection->proxy->settings.idle_timeout_ms);
    leg_want_read(leg, true);
    if (buffer_len(&leg->in) > 0 || (leg->ssl != NULL && SSL_has_pending(leg->ssl)))
        task_schedule(&connection->proxy->tasks, &connection->task);
}

static void on_exchange_ended(void *owner, bool must_close)
{
    struct connection *connection = owner;

    connection->exchange = NULL;
    connection->has_answered = true;
    connection->close_after |= must_close;
    if (!leg_is_open(&connection->leg))
        connection_free(connection);
    else if (connection->close_after || connection->proxy->is_draining)
        connection_finish(connection);
    else if (leg_flush(&connection->leg) == LEG_BROKEN)
        connection_free(connection);
    else
        await_next_request(connection);
}

static enum connection_step start_exchange(struct connection *connection)
{
    struct exchange_owner owner = {on_exchange_ended, connection};

    connection->exchange =
        exchange_new(connection, &connection->h1.stream, &connection->request, &owner);
    if (connection->exchange == NULL) {
        connection_refuse(connection, REFUSAL_OVERLOADED, SLICE_NONE);
        return CONNECTION_WAIT;
    }
    connection_set_state(connection, CONNECTION_EXCHANGING);
    deadline_set(&connection->deadline, 0);
    return CONNECTION_NEXT;
}

static enum connection_step refuse_head(struct connection *connection, enum refusal_code code,
                                        const char *why)
{
    connection_refuse(connection, code, slice_from_string(why));
    return CONNECTION_WAIT;
}

static enum connection_step route_in_tunnel(struct connection *connection)
{
    const struct http_request *request = &connection->request;

    if (connection->tunnel.port == 0) { /* transparent and without TLS: Host says where to */
        connection->tunnel = request->authority;
        connection->tunnel.port = connection->destination.port;
    }
    if (request->is_connect)
        return refuse_head(connection, REFUSAL_METHOD_NOT_ALLOWED, "CONNECT inside a tunnel");
    if (request->form == HTTP_TARGET_ABSOLUTE &&
        !authority_equals(&request->authority, &connection->tunnel))
        return refuse_head(connection, REFUSAL_BAD_REQUEST, "the target is not the tunnel's");
    return start_exchange(connection);
}

static enum connection_step route_explicit(struct connection *connection)
{
    const struct http_request *request = &connection->request;

    if (request->is_connect)
        return connection_tunnel_open(connection, &request->authority,
                                      SLICE("HTTP/1.1 200 Connection Established\r\n\r\n"));
    if (request->form != HTTP_TARGET_ABSOLUTE)
        return refuse_head(connection, REFUSAL_BAD_REQUEST,
                           "this is a proxy: send CONNECT or an absolute http URL");
    return start_exchange(connection);
}

enum connection_step connection_request_route(struct connection *connection)
{
    struct stream *stream = &connection->h1.stream;
    const struct http_head *head = stream->ops->head(stream);
    uint16_t default_port = connection->is_tls ? 443 : 80;

    struct http_fault fault = request_parse(head, default_port, &connection->request);
    if (fault.status == 0)
        fault = request_limits_check(&connection->proxy->settings, head, &connection->request);
    if (fault.status != 0)
        return refuse_head(connection, refusal_for_status(fault.status), fault.why);
    if (!connection->request.is_connect)
        stream->ops->set_framing(stream, connection->request.wants_websocket
                                             ? (struct http_framing){.kind = HTTP_BODY_UNTIL_CLOSE}
                                             : connection->request.framing);
    return connection->is_tunnel ? route_in_tunnel(connection) : route_explicit(connection);
}

static enum connection_step on_head(struct connection *connection)
{
    if (connection->is_tunnel)
        return connection_request_route(connection);
    connection_set_state(connection, CONNECTION_AWAITING_IDENTITY);
    return CONNECTION_NEXT;
}

static enum connection_step on_head_fault(struct connection *connection)
{
    struct http_fault fault = connection->h1.stream.ops->fault(&connection->h1.stream);

    return refuse_head(connection, refusal_for_status(fault.status), fault.why);
}

/* With the first byte of a head its own deadline begins to count. */
static enum connection_step await_rest_of_head(struct connection *connection)
{
    bool is_first_byte = connection->h1.reader != NULL && !connection->has_begun_head;

    if (is_first_byte && (connection->is_tunnel || connection->has_answered))
        deadline_set(&connection->deadline, connection->proxy->settings.header_timeout_ms);
    connection->has_begun_head = connection->h1.reader != NULL;
    return CONNECTION_WAIT;
}

/* A client that sends no more may still be reading the answers before. */
static enum connection_step on_client_closed(struct connection *connection)
{
    if (buffer_len(&connection->leg.out) > 0 && !connection->leg.is_broken)
        connection_finish(connection);
    else
        connection_free(connection);
    return CONNECTION_WAIT;
}

/* What is left of the answers before goes first: a client that does not read them is not read. */
static enum leg_status flush_answers(struct connection *connection)
{
    struct leg *leg = &connection->leg;
    enum leg_status status = leg_flush(leg);

    leg_want_read(leg, leg_out_room(leg) > 0);
    return status == LEG_BLOCKED && leg_out_room(leg) > 0 ? LEG_READY : status;
}

static bool is_first_of_explicit(const struct connection *connection)
{
    return !connection->is_tunnel && !connection->has_answered && connection->h1.reader == NULL;
}

/* No method begins with that byte. */
static bool speaks_socks(struct connection *connection)
{
    struct slice bytes;

    if (leg_read(&connection->leg, &bytes) != LEG_READY)
        return false;
    bool is_socks = bytes.data[0] == SOCKS5_VERSION;
    return leg_put_back(&connection->leg, bytes, bytes) == OK && is_socks;
}

enum connection_step connection_request_step(struct connection *connection)
{
    struct stream *stream = &connection->h1.stream;
    struct slice piece;

    switch (flush_answers(connection)) {
    case LEG_READY:
        break;
    case LEG_BLOCKED:
        return CONNECTION_WAIT;
    default:
        connection_free(connection);
        return CONNECTION_WAIT;
    }
    if (is_first_of_explicit(connection) && speaks_socks(connection)) {
        connection_set_state(connection, CONNECTION_AWAITING_SOCKS);
        return CONNECTION_NEXT;
    }
    enum stream_event event = stream->ops->next(stream, &piece);
    if (event == STREAM_CLOSED || stream->ops->settle(stream) != OK)
        return on_client_closed(connection);
    switch (event) {
    case STREAM_HEAD:
        return on_head(connection);
    case STREAM_FAULT:
        return on_head_fault(connection);
    default:
        return await_rest_of_head(connection);
    }
}

enum connection_step connection_request_exchange_step(struct connection *connection)
{
    exchange_step(connection->exchange);
    return CONNECTION_WAIT;
}
