/* SPDX-License-Identifier: Apache-2.0 */
/* A client connection through its states. Never runs two exchanges at once, never answers out of
 * order. */
#include "proxy/connection.h"

#include "observe/log.h"
#include "observe/metrics.h"
#include "proxy/client_h2.h"
#include "proxy/client_leaf.h"
#include "proxy/client_tls.h"
#include "proxy/exchange.h"
#include "proxy/exchange_record.h"
#include "proxy/identify.h"
#include "proxy/listener.h"
#include "proxy/original_destination.h"
#include "proxy/refusal.h"

#include <stdlib.h>
#include <unistd.h>

enum { TLS_HANDSHAKE_RECORD = 0x16, IDLE_OUT_KEPT = 4096 };

/* What a step says: the state has moved on, or there is nothing to do now (or any more). */
enum step { STEP_NEXT, STEP_WAIT };

#define TO(state) (1U << CONNECTION_##state)
static const unsigned allowed_next[] = {
    [CONNECTION_AWAITING_HEAD] =
        TO(AWAITING_IDENTITY) | TO(SNIFFING) | TO(EXCHANGING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_AWAITING_IDENTITY] = TO(SNIFFING) | TO(EXCHANGING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_SNIFFING] = TO(GREETING_CLIENT) | TO(AWAITING_HEAD) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_GREETING_CLIENT] =
        TO(AWAITING_HEAD) | TO(MULTIPLEXING) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_MULTIPLEXING] = TO(CLOSING),
    [CONNECTION_EXCHANGING] = TO(AWAITING_HEAD) | TO(LINGERING) | TO(CLOSING),
    [CONNECTION_LINGERING] = TO(CLOSING),
    [CONNECTION_CLOSING] = 0,
};

static void set_state(struct connection *connection, enum connection_state next)
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
    leg_open(&connection->leg, proxy->base, fd, proxy->scratch);
    leg_set_owner(&connection->leg, connection_step, connection);
    h1_stream_init(&connection->h1, &connection->leg, H1_REQUESTS);
    task_init(&connection->task, connection_step, connection);
    connection->waiter.task = &connection->task;
    deadline_init(&connection->deadline, proxy->base, on_deadline, connection);
    deadline_set(&connection->deadline, CONNECTION_FIRST_HEAD_MS);
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

bool connection_is_idle(const struct connection *connection)
{
    if (connection->state == CONNECTION_MULTIPLEXING)
        return client_h2_is_idle(connection->h2);
    return connection->state == CONNECTION_AWAITING_HEAD && h1_stream_is_idle(&connection->h1);
}

void connection_finish(struct connection *connection)
{
    set_state(connection, CONNECTION_LINGERING);
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

/* Nothing that the client could read: closed and recorded. */
static void drop(struct connection *connection, enum refusal_code code)
{
    connection_record(connection, code);
    connection_free(connection);
}

static void await_next_request(struct connection *connection)
{
    struct leg *leg = &connection->leg;

    h1_stream_clear(&connection->h1);
    if (buffer_len(&leg->out) == 0 && leg->out.capacity > IDLE_OUT_KEPT)
        buffer_clear(&leg->out);
    connection->has_begun_head = false;
    set_state(connection, CONNECTION_AWAITING_HEAD);
    deadline_set(&connection->deadline, connection->proxy->settings.idle_timeout_ms);
    leg_want_read(leg, true);
    if (buffer_len(&leg->in) > 0 || (leg->ssl != NULL && SSL_has_pending(leg->ssl)))
        task_schedule(&connection->proxy->tasks, &connection->task);
}

static void on_exchange_ended(void *owner, bool must_close)
{
    struct connection *connection = owner;

    connection->exchange = NULL;
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

/* Moves the connection to the sandbox that this request belongs to. */
static bool belong_to(struct connection *connection, struct sandbox *sandbox)
{
    if (connection->sandbox == sandbox)
        return true;
    if (!sandbox_enter(sandbox))
        return false;
    if (connection->sandbox != NULL)
        sandbox_leave(connection->sandbox);
    connection->sandbox = sandbox;
    return true;
}

static bool is_reachable(const struct connection *connection)
{
    const struct view *view = connection->sandbox->view;
    struct decision_settings settings = connection->proxy->settings.decision;

    return decision_for_identity(view).verdict == VERDICT_ALLOW &&
           decision_for_host(view, &connection->tunnel, settings).verdict == VERDICT_ALLOW;
}

/* Both handshakes run at once: the leaf and the upstream connection are asked for before the client
 * says hello. Port 80 will hardly see TLS. */
void connection_set_tunnel(struct connection *connection, const struct authority *target)
{
    X509 *leaf;

    connection->is_tunnel = true;
    connection->tunnel = *target;
    if (target->port == 80)
        return;
    client_leaf_get(connection->proxy, &target->host, NULL, &leaf);
    if (is_reachable(connection))
        upstream_warm(connection->sandbox, target, true);
}

static enum step open_tunnel(struct connection *connection)
{
    h1_stream_clear(&connection->h1);
    set_state(connection, CONNECTION_SNIFFING);
    deadline_set(&connection->deadline, CONNECTION_HANDSHAKE_MS);
    if (leg_write(&connection->leg, SLICE("HTTP/1.1 200 Connection Established\r\n\r\n")) != OK ||
        leg_flush(&connection->leg) == LEG_BROKEN) {
        connection_free(connection);
        return STEP_WAIT;
    }
    leg_want_read(&connection->leg, true);
    connection_set_tunnel(connection, &connection->request.authority);
    return STEP_NEXT;
}

static enum step start_exchange(struct connection *connection)
{
    struct exchange_owner owner = {on_exchange_ended, connection};

    connection->exchange =
        exchange_new(connection, &connection->h1.stream, &connection->request, &owner);
    if (connection->exchange == NULL) {
        connection_refuse(connection, REFUSAL_OVERLOADED, SLICE_NONE);
        return STEP_WAIT;
    }
    set_state(connection, CONNECTION_EXCHANGING);
    deadline_set(&connection->deadline, 0);
    return STEP_NEXT;
}

static enum step refuse_head(struct connection *connection, enum refusal_code code, const char *why)
{
    connection_refuse(connection, code, slice_from_string(why));
    return STEP_WAIT;
}

static enum step route_in_tunnel(struct connection *connection)
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

static enum step route_explicit(struct connection *connection)
{
    const struct http_request *request = &connection->request;

    if (request->is_connect)
        return open_tunnel(connection);
    if (request->form != HTTP_TARGET_ABSOLUTE)
        return refuse_head(connection, REFUSAL_BAD_REQUEST,
                           "this is a proxy: send CONNECT or an absolute http URL");
    return start_exchange(connection);
}

static enum step parse_and_route(struct connection *connection)
{
    struct stream *stream = &connection->h1.stream;
    const struct http_head *head = stream->ops->head(stream);
    uint16_t default_port = connection->is_tls ? 443 : 80;

    struct http_fault fault = request_parse(head, default_port, &connection->request);
    if (fault.status == 0 && http_head_size(head) > connection->proxy->settings.header_bytes)
        fault = (struct http_fault){431, "the head is larger than limits.header_bytes"};
    if (fault.status != 0)
        return refuse_head(connection, refusal_for_status(fault.status), fault.why);
    if (!connection->request.is_connect)
        stream->ops->set_framing(stream, connection->request.wants_websocket
                                             ? (struct http_framing){.kind = HTTP_BODY_UNTIL_CLOSE}
                                             : connection->request.framing);
    return connection->is_tunnel ? route_in_tunnel(connection) : route_explicit(connection);
}

/* Where the client could not read why it is refused it is told nothing. */
static enum step refuse_identity(struct connection *connection, enum refusal_code code)
{
    if (connection->is_transparent)
        drop(connection, code);
    else
        connection_refuse(connection, code, SLICE_NONE);
    return STEP_WAIT;
}

static enum step sniff_transparent(struct connection *connection)
{
    if (connection->destination.port == 0)
        return refuse_identity(connection, REFUSAL_ADDRESS_NOT_ALLOWED);
    set_state(connection, CONNECTION_SNIFFING);
    deadline_set(&connection->deadline, CONNECTION_HANDSHAKE_MS);
    leg_want_read(&connection->leg, true);
    return STEP_NEXT;
}

static enum step step_identity(struct connection *connection)
{
    struct stream *stream = &connection->h1.stream;
    struct sandbox *sandbox;
    enum refusal_code code;

    struct http_head *head = connection->is_transparent ? NULL : stream->ops->head(stream);
    switch (identify_client(connection, head, &sandbox, &code)) {
    case IDENTIFY_WAIT:
        leg_want_read(&connection->leg, false);
        return STEP_WAIT;
    case IDENTIFY_REFUSED:
        return refuse_identity(connection, code);
    default:
        break;
    }
    if (!belong_to(connection, sandbox))
        return refuse_identity(connection, REFUSAL_LIMIT_EXCEEDED);
    return connection->is_transparent ? sniff_transparent(connection) : parse_and_route(connection);
}

static enum step on_head(struct connection *connection)
{
    if (connection->is_tunnel)
        return parse_and_route(connection);
    set_state(connection, CONNECTION_AWAITING_IDENTITY);
    return STEP_NEXT;
}

static enum step on_head_fault(struct connection *connection)
{
    struct http_fault fault = connection->h1.stream.ops->fault(&connection->h1.stream);

    return refuse_head(connection, refusal_for_status(fault.status), fault.why);
}

/* With the first byte of a head its own deadline begins to count. */
static enum step await_rest_of_head(struct connection *connection)
{
    bool is_first_byte = connection->h1.reader != NULL && !connection->has_begun_head;

    if (is_first_byte && (connection->is_tunnel || connection->has_answered))
        deadline_set(&connection->deadline, connection->proxy->settings.header_timeout_ms);
    connection->has_begun_head = connection->h1.reader != NULL;
    return STEP_WAIT;
}

/* A client that sends no more may still be reading the answers before. */
static enum step on_client_closed(struct connection *connection)
{
    if (buffer_len(&connection->leg.out) > 0 && !connection->leg.is_broken)
        connection_finish(connection);
    else
        connection_free(connection);
    return STEP_WAIT;
}

/* What is left of the answers before goes first: a client that does not read them is not read. */
static enum leg_status flush_answers(struct connection *connection)
{
    struct leg *leg = &connection->leg;
    enum leg_status status = leg_flush(leg);

    leg_want_read(leg, leg_out_room(leg) > 0);
    return status == LEG_BLOCKED && leg_out_room(leg) > 0 ? LEG_READY : status;
}

static enum step step_head(struct connection *connection)
{
    struct stream *stream = &connection->h1.stream;
    struct slice piece;

    switch (flush_answers(connection)) {
    case LEG_READY:
        break;
    case LEG_BLOCKED:
        return STEP_WAIT;
    default:
        connection_free(connection);
        return STEP_WAIT;
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

static enum step greet_client(struct connection *connection)
{
    if (client_tls_start(connection) != OK) {
        drop(connection, REFUSAL_OVERLOADED);
        return STEP_WAIT;
    }
    connection->is_tls = true;
    set_state(connection, CONNECTION_GREETING_CLIENT);
    return STEP_NEXT;
}

/* A method begins with a capital letter; nothing else than TLS and HTTP passes. */
static enum step step_sniff(struct connection *connection)
{
    struct slice bytes;

    /* What was said in the clear must be out before TLS writes to the socket. */
    enum leg_status status = leg_flush(&connection->leg);
    leg_want_read(&connection->leg, status == LEG_READY);
    if (status == LEG_READY)
        status = leg_read(&connection->leg, &bytes);
    if (status == LEG_BLOCKED)
        return STEP_WAIT;
    if (status != LEG_READY || leg_put_back(&connection->leg, bytes, bytes) != OK) {
        connection_free(connection);
        return STEP_WAIT;
    }
    unsigned char first = (unsigned char)buffer_view(&connection->leg.in).data[0];
    if (first == TLS_HANDSHAKE_RECORD)
        return greet_client(connection);
    if (first < 'A' || first > 'Z') {
        drop(connection, REFUSAL_PROTOCOL_NOT_ALLOWED);
        return STEP_WAIT;
    }
    set_state(connection, CONNECTION_AWAITING_HEAD);
    return STEP_NEXT;
}

static void check_sni(struct connection *connection)
{
    struct host_name sni;
    bool is_host = client_tls_sni(connection, &sni, &connection->has_sni);

    connection->is_sni_wrong =
        connection->has_sni && (!is_host || !host_name_equals(&sni, &connection->tunnel.host));
}

static enum step begin_multiplexing(struct connection *connection)
{
    if (client_h2_open(connection, &connection->h2) != OK) {
        connection_free(connection);
        return STEP_WAIT;
    }
    set_state(connection, CONNECTION_MULTIPLEXING);
    return STEP_NEXT;
}

static enum step step_multiplex(struct connection *connection)
{
    client_h2_step(connection->h2);
    return STEP_WAIT;
}

static enum step step_greet(struct connection *connection)
{
    switch (leg_handshake(&connection->leg)) {
    case LEG_READY:
        break;
    case LEG_BLOCKED: /* for the client, or for its leaf */
        leg_want_read(&connection->leg, SSL_want_read(connection->leg.ssl));
        return STEP_WAIT;
    default:
        LOG(LEVEL_DEBUG, "client_handshake_failed",
            .host = host_name_view(&connection->tunnel.host));
        if (connection->is_sni_wrong)
            drop(connection, REFUSAL_MISDIRECTED_REQUEST);
        else
            connection_free(connection);
        return STEP_WAIT;
    }
    leg_want_read(&connection->leg, true);
    check_sni(connection);
    metrics_add(METRIC_CLIENT_TLS_HANDSHAKES, 1);
    deadline_set(&connection->deadline, connection->proxy->settings.header_timeout_ms);
    if (client_tls_speaks_h2(connection))
        return begin_multiplexing(connection);
    set_state(connection, CONNECTION_AWAITING_HEAD);
    return STEP_NEXT;
}

static enum step step_exchange(struct connection *connection)
{
    exchange_step(connection->exchange);
    return STEP_WAIT;
}

/* Closing with unread bytes would reset the connection and lose the answer. */
static enum step step_linger(struct connection *connection)
{
    struct leg *leg = &connection->leg;
    struct slice bytes;

    enum leg_status status = leg_flush(leg);
    leg_want_read(leg, status == LEG_READY);
    if (status == LEG_BLOCKED) { /* a slow reader, who gets the time that any reader gets */
        deadline_set(&connection->deadline, connection->proxy->settings.idle_timeout_ms);
        return STEP_WAIT;
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
        set_state(connection, CONNECTION_CLOSING);
        connection_free(connection);
    }
    return STEP_WAIT;
}

static void connection_step(void *owner)
{
    static enum step (*const steps[])(struct connection * connection) = {
        [CONNECTION_AWAITING_HEAD] = step_head,  [CONNECTION_AWAITING_IDENTITY] = step_identity,
        [CONNECTION_SNIFFING] = step_sniff,      [CONNECTION_GREETING_CLIENT] = step_greet,
        [CONNECTION_EXCHANGING] = step_exchange, [CONNECTION_MULTIPLEXING] = step_multiplex,
        [CONNECTION_LINGERING] = step_linger,
    };
    struct connection *connection = owner;

    while (steps[connection->state](connection) == STEP_NEXT)
        ;
}

static void on_deadline(void *owner)
{
    struct connection *connection = owner;

    switch (connection->state) {
    case CONNECTION_AWAITING_IDENTITY:
        refuse_identity(connection, REFUSAL_OVERLOADED);
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
