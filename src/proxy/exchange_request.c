/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on their way to the upstream. Never sends a field that is for one connection only. */
#include "proxy/exchange_request.h"

#include "http/coding.h"
#include "observe/metrics.h"
#include "proxy/exchange_websocket.h"
#include "proxy/refusal.h"
#include "proxy/request_limits.h"

enum { INJECTED_MAX = 256 * 1024, HOST_TEXT_MAX = HOST_NAME_MAX_LEN + 16 };

/* Answers will be searched for values: nothing may come that cannot be decoded, or in parts. The
 * head's own storage must not move: `request` points into it. */
static enum error ask_for_readable_answer(struct exchange *exchange, struct http_head *head)
{
    http_head_remove(head, SLICE("range"));
    http_head_remove(head, SLICE("if-range"));
    http_head_remove(head, SLICE("grpc-accept-encoding"));
    const struct http_field *field = http_head_find(head, SLICE("accept-encoding"));
    if (field == NULL)
        return OK;
    TRY(coding_reduce_accept(field->value, &exchange->accepted));
    http_head_remove(head, SLICE("accept-encoding"));
    return http_head_add_borrowed(head, SLICE("Accept-Encoding"), buffer_view(&exchange->accepted));
}

static enum error prepare_head(struct exchange *exchange, struct http_head *head)
{
    bool accepts_trailers = http_head_lists(head, SLICE("te"), SLICE("trailers"));

    http_head_strip_hop_by_hop(head);
    if (accepts_trailers && exchange->upstream->speaks_h2) /* gRPC servers insist on it */
        TRY(http_head_add_borrowed(head, SLICE("te"), SLICE("trailers")));
    http_head_remove(head, SLICE("host"));
    if (exchange->request.wants_websocket)
        TRY(exchange_websocket_prepare(exchange, head));
    if (exchange->values != NULL && inject_values_redact(exchange->values))
        return ask_for_readable_answer(exchange, head);
    return OK;
}

static enum error format_host(const struct exchange *exchange, struct buffer *out)
{
    const struct authority *target = &exchange->target;
    bool is_ipv6 = target->host.literal.len == 16;
    uint16_t default_port = exchange->connection->is_tls ? 443 : 80;

    if (is_ipv6)
        TRY(buffer_append_byte(out, '['));
    TRY(buffer_append(out, host_name_view(&target->host)));
    if (is_ipv6)
        TRY(buffer_append_byte(out, ']'));
    if (target->port == default_port)
        return OK;
    TRY(buffer_append_byte(out, ':'));
    return buffer_append_u64(out, target->port);
}

static enum error write_head(struct exchange *exchange, const struct http_head *head)
{
    OWNED_STRUCT(buffer) *host = &(struct buffer){.limit = HOST_TEXT_MAX};

    TRY(format_host(exchange, host));
    struct stream_request request = {
        .method = exchange->request.method,
        .path = exchange->request.path,
        .host = buffer_view(host),
        .head = head,
        .framing = exchange->request.framing,
        .is_websocket = exchange->request.wants_websocket,
        .has_values = exchange->finding.has_tokens,
    };
    return exchange->origin->ops->send_request(exchange->origin, &request);
}

/* The key is for HTTP/1 alone, which a later attempt may need. */
static enum error write_head_without_key(struct exchange *exchange, const struct http_head *head)
{
    UNINITIALIZED struct http_head extended;

    http_head_borrow(&extended, head);
    http_head_remove(&extended, SLICE("sec-websocket-key"));
    return write_head(exchange, &extended);
}

static enum error write_any_head(struct exchange *exchange, const struct http_head *head)
{
    return exchange->request.wants_websocket && exchange->upstream->speaks_h2
               ? write_head_without_key(exchange, head)
               : write_head(exchange, head);
}

/* The values stand in `injected` alone, so the client's head can be sent again on another
 * connection. */
static enum error write_injected_head(struct exchange *exchange, const struct http_head *head)
{
    OWNED_STRUCT(buffer) *storage = &(struct buffer){.limit = INJECTED_MAX};
    UNINITIALIZED struct http_head injected;
    size_t replaced = 0;

    http_head_borrow(&injected, head);
    TRY(inject_request_head(exchange->values, &injected, storage, &replaced));
    metrics_add(METRIC_TOKENS_REPLACED, (long long)replaced);
    return write_any_head(exchange, &injected);
}

enum error exchange_request_send_head(struct exchange *exchange)
{
    struct http_head *head = exchange->client->ops->head(exchange->client);

    if (!exchange->was_retried)
        TRY(prepare_head(exchange, head));
    if (exchange->finding.has_tokens)
        TRY(exchange->values != NULL ? write_injected_head(exchange, head) : ERR_NOT_FOUND);
    else
        TRY(write_any_head(exchange, head));
    exchange->is_request_sent = exchange->request.framing.kind == HTTP_BODY_NONE;
    return OK;
}

static enum pump_result on_client_gone(struct exchange *exchange)
{
    exchange->is_client_gone = true;
    exchange_cut(exchange);
    return PUMP_ENDED;
}

static enum pump_result on_fault(struct exchange *exchange)
{
    struct http_fault fault = exchange->client->ops->fault(exchange->client);

    exchange_refuse(exchange, refusal_for_status(fault.status), slice_from_string(fault.why));
    return PUMP_ENDED;
}

/* The upstream no longer takes the body: what it has to say is for the response side to read. */
static enum pump_result on_upstream_broken(struct exchange *exchange)
{
    exchange->must_close = true;
    exchange->client->ops->want_read(exchange->client, false);
    return PUMP_WAITING;
}

static enum pump_result send_piece(struct exchange *exchange, struct slice piece)
{
    enum error error = exchange->origin->ops->send_piece(exchange->origin, piece);

    return error == OK ? PUMP_DONE : on_upstream_broken(exchange);
}

static enum pump_result send_frames(struct exchange *exchange, struct slice piece)
{
    struct slice frames;

    enum error error = exchange_websocket_rewrite(exchange, piece, &frames);
    if (error != OK) {
        exchange_websocket_fail(exchange, REFUSAL_BAD_REQUEST, error);
        return PUMP_ENDED;
    }
    enum pump_result result = send_piece(exchange, frames);
    buffer_reset(&exchange->piece);
    return result;
}

static enum pump_result pass_piece(struct exchange *exchange, struct slice piece)
{
    exchange->bytes_in += piece.len;
    return exchange->client_frames != NULL ? send_frames(exchange, piece)
                                           : send_piece(exchange, piece);
}

/* It may still be reading: for a while. */
static void expect_end(struct exchange *exchange)
{
    exchange->is_client_gone = true;
    deadline_set(&exchange->deadline, CONNECTION_CLIENT_GONE_MS);
}

/* Trailers of a request are dropped. HTTP/1 cannot be told that a WebSocket is half closed. */
static enum error send_end(struct exchange *exchange)
{
    exchange->is_request_sent = true;
    if (exchange->request.wants_websocket && !exchange->upstream->speaks_h2)
        expect_end(exchange);
    return exchange->origin->ops->send_end(exchange->origin, NULL);
}

/* What goes upstream is visibly cut off there. */
static enum pump_result on_body_too_large(struct exchange *exchange)
{
    exchange_refuse(exchange, REFUSAL_BODY_TOO_LARGE,
                    SLICE("the body is longer than limits.body_bytes"));
    return PUMP_ENDED;
}

static bool may_send(const struct exchange *exchange, struct slice piece)
{
    return exchange->request.wants_websocket ||
           request_limits_allow_body(&exchange->connection->proxy->settings,
                                     exchange->bytes_in + piece.len);
}

static enum pump_result pass_event(struct exchange *exchange)
{
    struct slice piece = SLICE_NONE;

    if (exchange->client_frames != NULL && websocket_rewriter_has_more(exchange->client_frames))
        return send_frames(exchange, SLICE_NONE);
    switch (exchange->client->ops->next(exchange->client, &piece)) {
    case STREAM_BODY:
        return may_send(exchange, piece) ? pass_piece(exchange, piece)
                                         : on_body_too_large(exchange);
    case STREAM_END:
        return send_end(exchange) == OK ? PUMP_DONE : on_upstream_broken(exchange);
    case STREAM_BLOCKED:
        return PUMP_WAITING;
    case STREAM_FAULT:
        return on_fault(exchange);
    default:
        return on_client_gone(exchange);
    }
}

static bool upstream_has_room(struct exchange *exchange)
{
    struct stream *origin = exchange->origin;

    return origin->ops->room(origin) > 0 || origin->ops->flush(origin) == LEG_READY;
}

enum pump_result exchange_request_pump(struct exchange *exchange)
{
    struct stream *client = exchange->client, *origin = exchange->origin;
    enum pump_result result = PUMP_DONE;
    unsigned turns = 0;

    while (result == PUMP_DONE && !exchange->is_request_sent && upstream_has_room(exchange) &&
           exchange_may_go_on(exchange, &turns))
        result = pass_event(exchange);
    if (result == PUMP_ENDED)
        return PUMP_ENDED;
    if (client->ops->settle(client) != OK)
        return on_client_gone(exchange);
    if (origin->ops->flush(origin) == LEG_BROKEN)
        return on_upstream_broken(exchange);
    if (!exchange->is_request_sent)
        client->ops->want_read(client, origin->ops->room(origin) > 0);
    return exchange->is_request_sent ? PUMP_DONE : PUMP_WAITING;
}

enum pump_result exchange_watch_client(struct exchange *exchange)
{
    if (exchange->is_client_gone)
        return PUMP_WAITING;
    switch (exchange->client->ops->watch(exchange->client)) {
    case LEG_EOF: /* half-closed, perhaps */
        expect_end(exchange);
        return PUMP_WAITING;
    case LEG_BROKEN:
        return on_client_gone(exchange);
    default:
        return PUMP_WAITING;
    }
}
