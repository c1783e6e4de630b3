/* SPDX-License-Identifier: Apache-2.0 */
/* Responses on their way to the client. Never lets one out that was not looked at. */
#include "proxy/exchange_response.h"

#include "observe/metrics.h"
#include "proxy/exchange_websocket.h"

static enum pump_result fail(struct exchange *exchange, enum refusal_code code, const char *why)
{
    exchange_refuse(exchange, code, slice_from_string(why));
    return PUMP_ENDED;
}

/* What the upstream sent is not what its head says. */
static enum pump_result fail_body(struct exchange *exchange, enum error error)
{
    if (exchange->body.mode != RESPONSE_BODY_FRAMES)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the body cannot be decoded");
    exchange_websocket_fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, error);
    return PUMP_ENDED;
}

static bool client_is_http10(const struct exchange *exchange)
{
    return exchange->client->ops->head(exchange->client)->version_minor == 0;
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
    struct stream_response response = {.head = head};

    clean_head(head);
    TRY(redact_head(exchange, head));
    return exchange->client->ops->send_response(exchange->client, &response);
}

static enum pump_result on_interim(struct exchange *exchange, struct http_head *head)
{
    if (++exchange->interim_count > EXCHANGE_INTERIM_MAX)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "too many interim responses");
    if (!client_is_http10(exchange) && write_interim(exchange, head) != OK)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the interim head cannot be passed on");
    exchange->origin->ops->restart(exchange->origin);
    return PUMP_DONE;
}

static bool must_close(const struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;

    return connection->close_after || exchange->must_close || !exchange->is_request_sent ||
           connection->proxy->is_draining || exchange->body.framing.kind == HTTP_BODY_UNTIL_CLOSE;
}

static enum error write_head(struct exchange *exchange)
{
    struct http_head *head = exchange->origin->ops->head(exchange->origin);

    exchange->must_close = must_close(exchange);
    exchange->is_head_written = true;
    exchange->status = head->status;
    struct stream_response response = {
        .head = head,
        .framing = exchange->body.framing,
        .close = exchange->must_close && head->status != 101,
    };
    return exchange->client->ops->send_response(exchange->client, &response);
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
    return response_body_may_begin(&exchange->body) ? write_head(exchange) : OK;
}

static enum error write_switch(struct exchange *exchange, struct http_head *head)
{
    clean_head(head);
    TRY(redact_head(exchange, head));
    TRY(exchange_websocket_adapt(exchange, head));
    return write_head(exchange);
}

/* From here on bytes pass both ways as they come, until either side closes. */
static enum pump_result on_switch(struct exchange *exchange, struct http_head *head)
{
    struct stream *origin = exchange->origin;

    if (!exchange_websocket_accepts(exchange, head))
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the WebSocket handshake is not right");
    enum refusal_code outdated = exchange_websocket_outdated(exchange);
    if (outdated ==
        REFUSAL_SECRET_HOST_NOT_ALLOWED) /* not refused: the next one has the new ones */
        return fail(exchange, REFUSAL_OVERLOADED, "the secrets for this host have just changed");
    if (outdated != REFUSAL_NONE)
        return fail(exchange, outdated, "what it was decided on has changed meanwhile");
    if (exchange_websocket_open(exchange) != OK)
        return fail(exchange, REFUSAL_OVERLOADED, "out of memory");
    origin->ops->set_framing(origin, (struct http_framing){.kind = HTTP_BODY_UNTIL_CLOSE});
    exchange->has_response_head = true;
    exchange->response.keep_alive = false;
    exchange->is_request_sent = false;
    if (write_switch(exchange, head) != OK)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, "the head cannot be passed on");
    task_schedule(&exchange->connection->proxy->tasks, &exchange->task);
    return PUMP_DONE;
}

static enum pump_result on_head(struct exchange *exchange)
{
    struct stream *origin = exchange->origin;
    struct http_head *head = origin->ops->head(origin);

    struct http_fault fault =
        origin->ops->parse_response(origin, &exchange->request, &exchange->response);
    if (fault.status != 0)
        return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL, fault.why);
    if (exchange_websocket_is_switch(exchange))
        return on_switch(exchange, head);
    origin->ops->set_framing(origin, exchange->response.framing);
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

static enum error pass_on(struct exchange *exchange, struct slice piece)
{
    exchange->bytes_out += piece.len;
    return exchange->client->ops->send_piece(exchange->client, piece);
}

static enum error send_filtered(struct exchange *exchange)
{
    struct slice piece = buffer_view(&exchange->piece);

    if (!exchange->is_head_written && (piece.len > 0 || response_body_may_begin(&exchange->body)))
        TRY(write_head(exchange));
    enum error error = pass_on(exchange, piece);

    buffer_reset(&exchange->piece);
    return error;
}

/* Bytes that nothing changes go straight from where they were read. */
static enum error pass_piece(struct exchange *exchange, struct slice piece)
{
    if (exchange->body.mode == RESPONSE_BODY_DIRECT)
        return pass_on(exchange, piece);
    TRY(response_body_push(&exchange->body, piece, &exchange->piece));
    return send_filtered(exchange);
}

static enum error send_last(struct exchange *exchange)
{
    struct http_head *trailers = exchange->origin->ops->trailers(exchange->origin);

    TRY(response_body_end(&exchange->body, &exchange->piece));
    if (!exchange->is_head_written)
        TRY(write_head(exchange));
    TRY(send_filtered(exchange));
    if (trailers != NULL) {
        clean_head(trailers);
        TRY(redact_head(exchange, trailers));
    }
    return exchange->client->ops->send_end(exchange->client, trailers);
}

static enum pump_result finish(struct exchange *exchange)
{
    enum error error = send_last(exchange);

    return error == OK ? PUMP_DONE : fail_body(exchange, error);
}

static enum pump_result on_end(struct exchange *exchange)
{
    if (!exchange->has_response_head)
        return on_interim(exchange, exchange->origin->ops->head(exchange->origin));
    exchange->is_response_complete = true;
    return PUMP_DONE;
}

/* It never agreed on HTTP/1.1, and does not speak it: it may take the WebSocket over HTTP/2. */
static bool repeat_over_h2(struct exchange *exchange)
{
    if (!exchange->request.wants_websocket || exchange->has_response_head ||
        exchange->interim_count > 0 || !upstream_is_unagreed(exchange->upstream))
        return false;
    sandbox_learn_h1_refusal(exchange->upstream->sandbox, &exchange->target, true);
    return exchange_repeat(exchange);
}

static enum pump_result on_upstream_closed(struct exchange *exchange)
{
    if (repeat_over_h2(exchange))
        return PUMP_ENDED;
    if (exchange_websocket_is_closed(exchange))
        return on_end(exchange);
    if (exchange->has_response_head || exchange->interim_count > 0)
        return fail(exchange, REFUSAL_UPSTREAM_CLOSED, "the response is incomplete");
    return exchange_retry(exchange) ? PUMP_ENDED
                                    : fail(exchange, REFUSAL_UPSTREAM_CLOSED, "no response came");
}

static enum pump_result on_upstream_fault(struct exchange *exchange)
{
    if (repeat_over_h2(exchange))
        return PUMP_ENDED;
    return fail(exchange, REFUSAL_UPSTREAM_PROTOCOL,
                exchange->origin->ops->fault(exchange->origin).why);
}

static enum pump_result on_upstream_refused(struct exchange *exchange)
{
    if (exchange->interim_count == 0 && exchange_repeat(exchange))
        return PUMP_ENDED;
    return fail(exchange, REFUSAL_UPSTREAM_CLOSED, "it refused the request");
}

static enum pump_result on_body(struct exchange *exchange, struct slice piece)
{
    enum error error = pass_piece(exchange, piece);

    return error == OK ? PUMP_DONE : fail_body(exchange, error);
}

static enum pump_result pass_event(struct exchange *exchange)
{
    struct slice piece = SLICE_NONE;

    switch (exchange->origin->ops->next(exchange->origin, &piece)) {
    case STREAM_HEAD:
        return on_head(exchange);
    case STREAM_BODY:
        return on_body(exchange, piece);
    case STREAM_END:
        return on_end(exchange);
    case STREAM_BLOCKED:
        return PUMP_WAITING;
    case STREAM_FAULT:
        return on_upstream_fault(exchange);
    case STREAM_REFUSED:
        return on_upstream_refused(exchange);
    default:
        return on_upstream_closed(exchange);
    }
}

static bool client_has_room(struct exchange *exchange)
{
    struct stream *client = exchange->client;

    return client->ops->room(client) > 0 || client->ops->flush(client) == LEG_READY;
}

/* What the decoder still holds comes before anything new. */
static enum pump_result pump_step(struct exchange *exchange)
{
    return exchange->body.has_more ? on_body(exchange, SLICE_NONE) : pass_event(exchange);
}

static bool is_all_passed(const struct exchange *exchange)
{
    return exchange->is_response_complete && !exchange->body.has_more;
}

enum pump_result exchange_response_pump(struct exchange *exchange)
{
    struct stream *client = exchange->client, *origin = exchange->origin;
    enum pump_result result = PUMP_DONE;
    unsigned turns = 0;

    while (result == PUMP_DONE && !is_all_passed(exchange) && client_has_room(exchange) &&
           exchange_may_go_on(exchange, &turns))
        result = pump_step(exchange);
    if (result != PUMP_ENDED && is_all_passed(exchange))
        result = finish(exchange);
    if (result == PUMP_ENDED)
        return PUMP_ENDED;
    if (origin->ops->settle(origin) != OK)
        return fail(exchange, REFUSAL_OVERLOADED, "out of memory");
    if (client->ops->flush(client) == LEG_BROKEN) {
        exchange->is_client_gone = true;
        exchange_cut(exchange);
        return PUMP_ENDED;
    }
    origin->ops->want_read(origin, client->ops->room(client) > 0);
    return is_all_passed(exchange) ? PUMP_DONE : PUMP_WAITING;
}
