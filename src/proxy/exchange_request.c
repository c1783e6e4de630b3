/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on their way to the upstream. Never sends a field that is for one connection only. */
#include "proxy/exchange_request.h"

#include "http/coding.h"
#include "http/h1_writer.h"
#include "observe/metrics.h"
#include "proxy/refusal.h"

enum { INJECTED_MAX = 256 * 1024, HOST_TEXT_MAX = HOST_NAME_MAX_LEN + 16 };

/* Answers will be searched for values: nothing may come that cannot be decoded, or in parts. */
static enum error ask_for_readable_answer(struct http_head *head)
{
    struct buffer accepted __attribute__((cleanup(buffer_clear)));
    const struct http_field *field = http_head_find(head, SLICE("accept-encoding"));

    http_head_remove(head, SLICE("range"));
    http_head_remove(head, SLICE("if-range"));
    if (field == NULL)
        return OK;
    buffer_init(&accepted, HTTP_HEAD_MAX);
    TRY(coding_reduce_accept(field->value, &accepted));
    http_head_remove(head, SLICE("accept-encoding"));
    return http_head_add(head, SLICE("Accept-Encoding"), buffer_view(&accepted));
}

static enum error prepare_head(const struct exchange *exchange, struct http_head *head)
{
    http_head_strip_hop_by_hop(head);
    http_head_remove(head, SLICE("host"));
    if (exchange->values != NULL && inject_values_redact(exchange->values))
        return ask_for_readable_answer(head);
    return OK;
}

static enum error format_host(const struct exchange *exchange, struct buffer *out)
{
    const struct authority *target = &exchange->target;
    bool is_ipv6 = target->host.literal.len == 16;
    uint16_t default_port = exchange->connection->is_tls ? 443 : 80;

    TRY(buffer_append_format(out, is_ipv6 ? "[%s]" : "%s", target->host.text));
    return target->port != default_port ? buffer_append_format(out, ":%u", target->port) : OK;
}

static enum error write_head(struct exchange *exchange, const struct http_head *head)
{
    struct buffer host __attribute__((cleanup(buffer_clear)));

    buffer_init(&host, HOST_TEXT_MAX);
    TRY(format_host(exchange, &host));
    struct h1_request_line line = {
        .method = exchange->request->method,
        .path = exchange->request->path,
        .host = buffer_view(&host),
    };
    return h1_writer_request(&line, head, exchange->request->framing,
                             leg_out(&exchange->upstream->leg));
}

/* The values stand in `injected` alone, so the client's head can be sent again on another
 * connection. */
static enum error write_injected_head(struct exchange *exchange, const struct http_head *head)
{
    struct buffer storage __attribute__((cleanup(buffer_clear)));
    struct http_head injected = *head;
    size_t replaced = 0;

    buffer_init(&storage, INJECTED_MAX);
    TRY(inject_request_head(exchange->values, &injected, &storage, &replaced));
    metrics_add(METRIC_TOKENS_REPLACED, (long long)replaced);
    return write_head(exchange, &injected);
}

enum error exchange_request_send_head(struct exchange *exchange)
{
    struct http_head *head = h1_reader_head(exchange->connection->reader);

    if (!exchange->was_retried)
        TRY(prepare_head(exchange, head));
    if (exchange->finding.has_tokens)
        TRY(exchange->values != NULL ? write_injected_head(exchange, head) : ERR_NOT_FOUND);
    else
        TRY(write_head(exchange, head));
    exchange->is_request_sent = exchange->request->framing.kind == HTTP_BODY_NONE;
    return OK;
}

static enum error send_piece(struct exchange *exchange, struct slice piece)
{
    struct leg *leg = &exchange->upstream->leg;

    exchange->bytes_in += piece.len;
    if (exchange->request->framing.kind == HTTP_BODY_CHUNKED)
        return h1_writer_chunk(piece, leg_out(leg));
    return leg_write(leg, piece);
}

static enum error send_end(struct exchange *exchange)
{
    exchange->is_request_sent = true;
    if (exchange->request->framing.kind == HTTP_BODY_CHUNKED)
        return h1_writer_last_chunk(NULL, leg_out(&exchange->upstream->leg));
    return OK;
}

enum step_result { STEP_MORE, STEP_SENT, STEP_FAULT, STEP_BROKEN };

/* What one read brought: body pieces until the message ends. */
static enum step_result send_bytes(struct exchange *exchange, struct slice *rest)
{
    struct h1_reader *reader = exchange->connection->reader;
    struct slice piece;

    for (;;) {
        switch (h1_reader_next(reader, rest, &piece)) {
        case H1_BODY:
            if (send_piece(exchange, piece) != OK)
                return STEP_BROKEN;
            break;
        case H1_END:
            return send_end(exchange) == OK ? STEP_SENT : STEP_BROKEN;
        case H1_NEED_MORE:
            return STEP_MORE;
        default:
            return STEP_FAULT;
        }
    }
}

static enum pump_result on_client_end(struct exchange *exchange)
{
    exchange->is_client_gone = true;
    exchange_cut(exchange);
    return PUMP_ENDED;
}

static enum pump_result on_fault(struct exchange *exchange)
{
    struct http_fault fault = h1_reader_fault(exchange->connection->reader);

    exchange_refuse(exchange, refusal_for_status(fault.status), slice_from_string(fault.why));
    return PUMP_ENDED;
}

/* The upstream no longer takes the body: what it has to say is read by the response side. */
static enum pump_result on_upstream_broken(struct exchange *exchange)
{
    exchange->connection->close_after = true;
    leg_want_read(&exchange->connection->leg, false);
    return PUMP_WAITING;
}

static enum pump_result pump_once(struct exchange *exchange)
{
    struct leg *client = &exchange->connection->leg;
    struct slice bytes, rest;

    enum leg_status status = leg_read(client, &bytes);
    if (status == LEG_BLOCKED)
        return PUMP_WAITING;
    if (status != LEG_READY)
        return on_client_end(exchange);
    rest = bytes;
    enum step_result step = send_bytes(exchange, &rest);
    if (leg_put_back(client, bytes, rest) != OK)
        return on_client_end(exchange);
    if (step == STEP_FAULT)
        return on_fault(exchange);
    if (step == STEP_BROKEN)
        return on_upstream_broken(exchange);
    return PUMP_DONE;
}

enum pump_result exchange_request_pump(struct exchange *exchange)
{
    struct leg *upstream = &exchange->upstream->leg;
    struct leg *client = &exchange->connection->leg;

    while (!exchange->is_request_sent && !upstream->is_broken) {
        if (leg_out_room(upstream) == 0 && leg_flush(upstream) != LEG_READY)
            break;
        enum pump_result result = pump_once(exchange);
        if (result == PUMP_ENDED)
            return PUMP_ENDED;
        if (result == PUMP_WAITING)
            break;
    }
    if (leg_flush(upstream) == LEG_BROKEN)
        return on_upstream_broken(exchange);
    if (!exchange->is_request_sent)
        leg_want_read(client, leg_out_room(upstream) > 0);
    return exchange->is_request_sent ? PUMP_DONE : PUMP_WAITING;
}
