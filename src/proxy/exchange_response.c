/* SPDX-License-Identifier: Apache-2.0 */
/* Responses on their way to the client. Never lets one out that was not looked at. */
#include "proxy/exchange_response.h"

#include "http/h1_writer.h"
#include "observe/metrics.h"

#include <sodium.h>

enum { PIECE_MAX = 512 * 1024 };

/* What went wrong, for exchange_refuse() or, when the client has its head already, exchange_cut().
 */
static enum pump_result fail(struct exchange *exchange, enum refusal_code code, const char *why)
{
    if (exchange->is_head_written)
        exchange_cut(exchange);
    else
        exchange_refuse(exchange, code, slice_from_string(why));
    return PUMP_ENDED;
}

static bool client_is_http10(const struct exchange *exchange)
{
    return h1_reader_head(exchange->connection->reader)->version_minor == 0;
}

static enum error redact_head(struct exchange *exchange, struct http_head *head)
{
    size_t hits = 0;

    if (exchange->values == NULL)
        return OK;
    enum error error = inject_redact_head(exchange->values, head, &hits);
    metrics_add(METRIC_VALUES_REDACTED, (long long)hits);
    return error;
}

/* Alt-Svc would invite the client to QUIC, around us. */
static void clean_head(struct http_head *head)
{
    http_head_strip_hop_by_hop(head);
    http_head_remove(head, SLICE("alt-svc"));
}

static enum error write_interim(struct exchange *exchange, struct http_head *head)
{
    struct http_framing none = {.kind = HTTP_BODY_NONE};

    clean_head(head);
    TRY(redact_head(exchange, head));
    return h1_writer_response(head, none, false, leg_out(&exchange->connection->leg));
}

static enum pump_result on_interim(struct exchange *exchange, struct http_head *head)
{
    if (++exchange->interim_count > EXCHANGE_INTERIM_MAX)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "too many interim responses");
    if (!client_is_http10(exchange) && write_interim(exchange, head) != OK)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the interim head cannot be passed on");
    h1_reader_restart(exchange->upstream->reader);
    return PUMP_DONE;
}

static bool must_close(const struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;

    return connection->close_after || !exchange->request->keep_alive ||
           !exchange->is_request_sent || connection->proxy->is_draining ||
           exchange->body.framing.kind == HTTP_BODY_UNTIL_CLOSE;
}

static enum error write_head(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    struct http_head *head = h1_reader_head(exchange->upstream->reader);

    connection->close_after = must_close(exchange);
    exchange->is_head_written = true;
    exchange->status = head->status;
    connection->has_answered = true;
    return h1_writer_response(head, exchange->body.framing, connection->close_after,
                              leg_out(&connection->leg));
}

static enum error plan_response(struct exchange *exchange, struct http_head *head)
{
    struct http_framing framing = exchange->response.framing;

    clean_head(head);
    if (exchange->values != NULL)
        TRY(response_body_plan(&exchange->body, exchange->values, head, framing,
                               client_is_http10(exchange)));
    else
        response_body_pass(&exchange->body, framing, client_is_http10(exchange));
    TRY(redact_head(exchange, head));
    /* HEAD, 304: the length that a body would have */
    if (framing.kind == HTTP_BODY_NONE && exchange->response.declared.kind == HTTP_BODY_LENGTH)
        exchange->body.framing = exchange->response.declared;
    return exchange->body.mode == RESPONSE_BODY_WHOLE ? OK : write_head(exchange);
}

static enum pump_result on_head(struct exchange *exchange)
{
    struct h1_reader *reader = exchange->upstream->reader;
    struct http_head *head = h1_reader_head(reader);

    struct http_fault fault =
        response_parse(head, exchange->request->is_head, false, &exchange->response);
    if (fault.status != 0)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, fault.why);
    h1_reader_set_framing(reader, exchange->response.framing);
    if (exchange->response.is_interim)
        return PUMP_DONE; /* its end follows at once */
    exchange->has_response_head = true;
    enum error error = plan_response(exchange, head);
    if (error == ERR_UNSUPPORTED)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL,
                    "the content coding cannot be decoded, so values could not be hidden");
    return error == OK ? PUMP_DONE
                       : fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the head cannot be passed on");
}

static enum error send_ready(struct exchange *exchange)
{
    struct leg *client = &exchange->connection->leg;
    struct slice ready = buffer_view(&exchange->piece);
    enum error error;

    exchange->bytes_out += ready.len;
    if (exchange->body.framing.kind == HTTP_BODY_CHUNKED)
        error = h1_writer_chunk(ready, leg_out(client));
    else
        error = leg_write(client, ready);
    buffer_reset(&exchange->piece);
    return error;
}

/* Bytes that nothing changes go straight from where they were read. */
static enum error send_direct(struct exchange *exchange, struct slice piece)
{
    struct leg *client = &exchange->connection->leg;

    exchange->bytes_out += piece.len;
    if (exchange->body.framing.kind == HTTP_BODY_CHUNKED)
        return h1_writer_chunk(piece, leg_out(client));
    return leg_write(client, piece);
}

static enum error pass_piece(struct exchange *exchange, struct slice piece)
{
    if (exchange->body.mode == RESPONSE_BODY_DIRECT)
        return send_direct(exchange, piece);
    TRY(response_body_push(&exchange->body, piece, &exchange->piece));
    return send_ready(exchange);
}

static enum error send_last(struct exchange *exchange)
{
    struct h1_reader *reader = exchange->upstream->reader;
    struct http_head *trailers = h1_reader_trailers(reader);

    TRY(response_body_end(&exchange->body, &exchange->piece));
    if (!exchange->is_head_written)
        TRY(write_head(exchange));
    TRY(send_ready(exchange));
    if (exchange->body.framing.kind != HTTP_BODY_CHUNKED)
        return OK;
    clean_head(trailers);
    TRY(redact_head(exchange, trailers));
    return h1_writer_last_chunk(trailers, leg_out(&exchange->connection->leg));
}

static enum pump_result on_end(struct exchange *exchange)
{
    if (!exchange->has_response_head)
        return on_interim(exchange, h1_reader_head(exchange->upstream->reader));
    exchange->is_response_complete = true;
    return PUMP_DONE;
}

/* One event of the reader. PUMP_WAITING: it needs more input. */
static enum pump_result on_event(struct exchange *exchange, enum h1_event event, struct slice piece)
{
    switch (event) {
    case H1_HEAD:
        return on_head(exchange);
    case H1_BODY:
        if (pass_piece(exchange, piece) != OK)
            return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the body cannot be decoded");
        return PUMP_DONE;
    case H1_END:
        return on_end(exchange);
    case H1_NEED_MORE:
        return PUMP_WAITING;
    default:
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL,
                    h1_reader_fault(exchange->upstream->reader).why);
    }
}

/* Until the input is used up, the response complete, or the client behind. */
static enum pump_result pass_bytes(struct exchange *exchange, struct slice *rest)
{
    enum pump_result result = PUMP_DONE;
    struct slice piece = SLICE_NONE;

    while (result == PUMP_DONE && !exchange->is_response_complete && !exchange->body.has_more) {
        enum h1_event event = h1_reader_next(exchange->upstream->reader, rest, &piece);
        result = on_event(exchange, event, piece);
    }
    return result == PUMP_ENDED ? PUMP_ENDED : PUMP_DONE;
}

/* The upstream closed: that may be how the body ends. */
static enum pump_result on_upstream_end(struct exchange *exchange, bool is_orderly)
{
    enum h1_event event = is_orderly ? h1_reader_finish(exchange->upstream->reader) : H1_FAULT;

    if (event == H1_END && exchange->has_response_head) {
        exchange->is_response_complete = true;
        exchange->response.keep_alive = false;
        return PUMP_DONE;
    }
    if (exchange->has_response_head || exchange->interim_count > 0)
        return fail(exchange, REFUSAL_UPSTREAM_CLOSED, "the response is incomplete");
    return exchange_retry(exchange) ? PUMP_ENDED
                                    : fail(exchange, REFUSAL_UPSTREAM_CLOSED, "no response came");
}

static enum pump_result pump_once(struct exchange *exchange)
{
    struct leg *upstream = &exchange->upstream->leg;
    char *scratch = upstream->scratch;
    struct slice bytes, rest;

    enum leg_status status = leg_read(upstream, &bytes);
    if (status == LEG_BLOCKED)
        return PUMP_WAITING;
    if (status != LEG_READY)
        return on_upstream_end(exchange, status == LEG_EOF);
    rest = bytes;
    if (pass_bytes(exchange, &rest) == PUMP_ENDED) {
        if (bytes.data == scratch) /* the leg is gone, what was read is not */
            sodium_memzero(scratch, bytes.len);
        return PUMP_ENDED;
    }
    if (exchange->is_response_complete && rest.len > 0)
        exchange->response.keep_alive = false; /* surplus: never use it again */
    if (leg_put_back(upstream, bytes, rest) != OK)
        return fail(exchange, REFUSAL_OVERLOADED, "out of memory");
    return PUMP_DONE;
}

/* What the decoder still holds, while the client takes it. */
static enum pump_result drain_decoder(struct exchange *exchange)
{
    struct leg *client = &exchange->connection->leg;

    while (exchange->body.has_more && leg_out_room(client) > 0) {
        if (pass_piece(exchange, SLICE_NONE) != OK)
            return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the body cannot be decoded");
        if (leg_out_room(client) == 0 && leg_flush(client) == LEG_BROKEN)
            break;
    }
    return exchange->body.has_more ? PUMP_WAITING : PUMP_DONE;
}

static enum pump_result pump_bytes(struct exchange *exchange)
{
    struct leg *client = &exchange->connection->leg;
    enum pump_result result;

    for (;;) {
        if (leg_out_room(client) == 0 && leg_flush(client) != LEG_READY)
            return PUMP_WAITING;
        result = drain_decoder(exchange);
        if (result != PUMP_DONE)
            return result;
        if (exchange->is_response_complete)
            return PUMP_DONE;
        result = pump_once(exchange);
        if (result != PUMP_DONE)
            return result;
    }
}

enum pump_result exchange_response_pump(struct exchange *exchange)
{
    struct leg *client = &exchange->connection->leg;

    enum pump_result result = pump_bytes(exchange);
    if (result == PUMP_DONE && send_last(exchange) != OK)
        result = fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the body cannot be decoded");
    if (result == PUMP_ENDED)
        return PUMP_ENDED;
    if (leg_flush(client) == LEG_BROKEN) {
        exchange->is_client_gone = true;
        exchange_cut(exchange);
        return PUMP_ENDED;
    }
    leg_want_read(&exchange->upstream->leg, leg_out_room(client) > 0);
    return result;
}
