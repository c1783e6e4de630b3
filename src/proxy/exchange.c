/* SPDX-License-Identifier: Apache-2.0 */
/* The path of a request: decide, values, upstream, forward. Never lets a request go on that one of
 * the steps refused. */
#include "proxy/exchange.h"

#include "observe/metrics.h"
#include "proxy/exchange_record.h"
#include "proxy/exchange_response.h"
#include "proxy/exchange_websocket.h"
#include "proxy/refusal.h"

#include <stdlib.h>
#include <time.h>

enum { PIECE_MAX = 512 * 1024 };

/* What a step says: the state has moved on, or there is nothing to do now (or any more). */
enum step { STEP_NEXT, STEP_WAIT };

static void on_task(void *owner)
{
    exchange_step(owner);
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void on_deadline(void *owner);
static void exchange_complete(struct exchange *exchange);

struct exchange *exchange_new(const struct connection *connection, struct stream *client,
                              const struct http_request *request,
                              const struct exchange_owner *owner)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (exchange == NULL)
        return NULL;
    exchange->connection = connection;
    exchange->owner = *owner;
    exchange->client = client;
    exchange->request = *request;
    if (request->wants_websocket) /* what follows is no body: it is for after the 101 */
        exchange->request.framing = (struct http_framing){.kind = HTTP_BODY_NONE};
    exchange->target = request->authority;
    exchange->view = view_ref(connection->sandbox->view);
    /* An HTTP/1.0 client would have to be told that we go on. */
    exchange->must_close = !request->keep_alive || request->wants_websocket ||
                           client->ops->head(client)->version_minor == 0;
    exchange->began_ms = clock_us(CLOCK_REALTIME) / 1000;
    exchange->began_us = clock_us(CLOCK_MONOTONIC);
    task_init(&exchange->task, on_task, exchange);
    exchange->waiter.task = &exchange->task;
    buffer_init(&exchange->piece, PIECE_MAX);
    buffer_init(&exchange->accepted, HTTP_HEAD_MAX);
    deadline_init(&exchange->deadline, connection->proxy->base, on_deadline, exchange);
    deadline_set(&exchange->deadline, connection->proxy->settings.idle_timeout_ms);
    sandbox_touch(connection->sandbox);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    waiter_cancel(&exchange->waiter);
    task_cancel(&exchange->connection->proxy->tasks, &exchange->task);
    deadline_clear(&exchange->deadline);
    if (exchange->is_counted)
        sandbox_end_request(exchange->connection->sandbox);
    upstream_end(exchange->upstream, exchange->origin, false);
    response_body_clear(&exchange->body);
    websocket_rewriter_free(exchange->client_frames);
    buffer_clear(&exchange->piece);
    buffer_clear(&exchange->accepted);
    inject_values_unref(exchange->values);
    view_unref(exchange->view);
    free(exchange);
}

/* Step 2: the connection was opened for one host; the request must be for the same. */
static bool is_misdirected(const struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;

    if (!connection->is_tunnel)
        return false;
    return connection->is_sni_wrong || !authority_equals(&exchange->target, &connection->tunnel);
}

/* What step 1 to 4 say. REFUSAL_NONE: go on. */
static struct decision decide(struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    struct decision_settings settings = connection->proxy->settings.decision;

    struct decision decision = decision_for_identity(exchange->view);
    if (decision.verdict != VERDICT_ALLOW)
        return decision;
    if (!exchange->is_counted)
        exchange->is_counted = sandbox_begin_request(connection->sandbox, &exchange->limit);
    if (!exchange->is_counted)
        return (struct decision){.code = REFUSAL_LIMIT_EXCEEDED};
    if (is_misdirected(exchange))
        return (struct decision){.code = REFUSAL_MISDIRECTED_REQUEST};
    decision = decision_for_host(exchange->view, &exchange->target, settings);
    if (decision.verdict != VERDICT_ALLOW)
        return decision;
    inject_check_request(
        &(struct inject_question){.view = exchange->view,
                                  .target = &exchange->target,
                                  .head = exchange->client->ops->head(exchange->client),
                                  .request = &exchange->request,
                                  .settings = settings,
                                  .is_tls = connection->is_tls},
        &exchange->finding);
    return exchange->finding.decision;
}

static enum step step_decide(struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;

    if (exchange->fault.status != 0) {
        exchange_refuse(exchange, refusal_for_status(exchange->fault.status),
                        slice_from_string(exchange->fault.why));
        return STEP_WAIT;
    }
    struct decision decision = decide(exchange);
    if (decision.verdict != VERDICT_ALLOW) {
        exchange->finding.decision = decision;
        exchange_refuse(exchange, decision.code, SLICE_NONE);
        return STEP_WAIT;
    }
    /* On its way while the keyholder works. */
    if (!exchange->request.wants_websocket)
        upstream_warm(connection->sandbox, &exchange->target, connection->is_tls);
    exchange->state = EXCHANGE_AWAITING_VALUES;
    return STEP_NEXT;
}

/* Until the exchange forwards, what the client sends stays with the kernel. */
static enum step wait_for_others(struct exchange *exchange)
{
    exchange->client->ops->want_read(exchange->client, false);
    return STEP_WAIT;
}

/* Under the view that counts by now: no byte was sent yet, and the keyholder opens nothing for the
 * one before. */
static enum step decide_anew(struct exchange *exchange)
{
    view_unref(exchange->view);
    exchange->view = view_ref(exchange->connection->sandbox->view);
    exchange->state = EXCHANGE_DECIDING;
    return STEP_NEXT;
}

static enum step step_values(struct exchange *exchange)
{
    struct host_values *values;

    if (exchange->view != exchange->connection->sandbox->view)
        return decide_anew(exchange);
    exchange->state = EXCHANGE_AWAITING_UPSTREAM;
    if (exchange->view->secret_count == 0)
        return STEP_NEXT;
    values = sandbox_values(exchange->connection->sandbox, exchange->view, &exchange->target,
                            &exchange->waiter);
    if (values != NULL && !values->is_complete) {
        exchange->state = EXCHANGE_AWAITING_VALUES;
        return wait_for_others(exchange);
    }
    if (values == NULL || values->error != OK) {
        exchange_refuse(exchange, REFUSAL_OVERLOADED, SLICE("the secrets could not be opened"));
        return STEP_WAIT;
    }
    exchange->values = inject_values_ref(values->values);
    return STEP_NEXT;
}

static void refuse_unsent(struct exchange *exchange, enum error error)
{
    if (error == ERR_NOT_FOUND)
        exchange_refuse(exchange, REFUSAL_SECRET_HOST_NOT_ALLOWED,
                        SLICE("its sealed value does not open for this host"));
    else if (error == ERR_SYNTAX || error == ERR_TOO_LARGE)
        exchange_refuse(exchange, REFUSAL_BAD_REQUEST,
                        SLICE("with its values in place the head cannot be sent"));
    else
        exchange_refuse(exchange, REFUSAL_OVERLOADED, slice_from_string(error_text(error)));
}

static enum step send_head(struct exchange *exchange)
{
    enum error error = exchange_request_send_head(exchange);

    exchange->upstream_address = exchange->upstream->address;
    if (error != OK) {
        refuse_unsent(exchange, error);
        return STEP_WAIT;
    }
    exchange->state = EXCHANGE_FORWARDING;
    return STEP_NEXT;
}

static enum step begin_forwarding(struct exchange *exchange, struct upstream *upstream)
{
    exchange->origin = upstream_begin(upstream, &exchange->task);
    if (exchange->origin == NULL) {
        exchange_refuse(exchange, REFUSAL_OVERLOADED, SLICE_NONE);
        return STEP_WAIT;
    }
    exchange->upstream = upstream;
    return send_head(exchange);
}

static enum step step_upstream(struct exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    const struct upstream_wish wish = {
        .target = exchange->target,
        .is_tls = connection->is_tls,
        .fresh_only = exchange->was_retried,
        .is_websocket = exchange->request.wants_websocket,
    };
    struct upstream *upstream = upstream_find(connection->sandbox, &wish, &exchange->waiter);

    if (upstream == NULL) {
        exchange_refuse(exchange, REFUSAL_OVERLOADED, SLICE_NONE);
        return STEP_WAIT;
    }
    switch (upstream->state) {
    case UPSTREAM_OPEN:
        return begin_forwarding(exchange, upstream);
    case UPSTREAM_FAILED:
        exchange_refuse(exchange, upstream->failure, slice_from_string(upstream->detail));
        return STEP_WAIT;
    default:
        return wait_for_others(exchange);
    }
}

bool exchange_may_go_on(struct exchange *exchange, unsigned *turns)
{
    if (++*turns <= EXCHANGE_TURNS_MAX)
        return true;
    task_schedule(&exchange->connection->proxy->tasks, &exchange->task);
    return false;
}

/* Not when it is the upstream that takes no more of the body. */
static bool waits_for_client(const struct exchange *exchange)
{
    return exchange->state == EXCHANGE_FORWARDING && !exchange->is_request_sent &&
           exchange->origin->ops->room(exchange->origin) > 0;
}

/* What goes through a WebSocket, or is uploaded without a length, may be a conversation, which has
 * its pauses. A response that lies ready and is not taken is none. */
static bool is_client_awaited(const struct exchange *exchange)
{
    if (exchange->request.wants_websocket)
        return false;
    return exchange->client->ops->room(exchange->client) == 0 ||
           (exchange->request.framing.kind == HTTP_BODY_LENGTH && waits_for_client(exchange));
}

static bool keeps_up(struct exchange *exchange)
{
    const struct proxy_settings *settings = &exchange->connection->proxy->settings;
    const struct body_pace_floor floor = {settings->body_rate, settings->idle_timeout_ms};
    const struct body_pace_look look = {.now_ms = deadline_now_ms(),
                                        .bytes = exchange->bytes_in + exchange->bytes_out,
                                        .is_waiting = is_client_awaited(exchange)};

    return body_pace_keeps_up(&exchange->pace, &look, floor);
}

static enum step step_forward(struct exchange *exchange)
{
    if (!exchange->is_client_gone)
        deadline_set(&exchange->deadline, exchange->connection->proxy->settings.idle_timeout_ms);
    if (!exchange->is_request_sent && exchange_request_pump(exchange) == PUMP_ENDED)
        return STEP_WAIT;
    if (exchange->is_request_sent) {
        exchange->origin->ops->flush(exchange->origin);
        if (exchange_watch_client(exchange) == PUMP_ENDED)
            return STEP_WAIT;
    }
    enum pump_result result = exchange_response_pump(exchange);
    if (result == PUMP_DONE)
        exchange_complete(exchange);
    else if (result == PUMP_WAITING && !keeps_up(exchange))
        on_deadline(exchange);
    return STEP_WAIT;
}

void exchange_step(struct exchange *exchange)
{
    static enum step (*const steps[])(struct exchange * exchange) = {
        [EXCHANGE_DECIDING] = step_decide,
        [EXCHANGE_AWAITING_VALUES] = step_values,
        [EXCHANGE_AWAITING_UPSTREAM] = step_upstream,
        [EXCHANGE_FORWARDING] = step_forward,
    };

    while (steps[exchange->state](exchange) == STEP_NEXT)
        ;
}

static void on_deadline(void *owner)
{
    struct exchange *exchange = owner;

    exchange->cut_reason =
        is_client_awaited(exchange) ? REFUSAL_REQUEST_TIMEOUT : REFUSAL_UPSTREAM_TIMEOUT;
    if (exchange->is_client_gone || exchange->is_head_written)
        exchange_cut(exchange);
    else if (waits_for_client(exchange))
        exchange_refuse(exchange, REFUSAL_REQUEST_TIMEOUT, SLICE_NONE);
    else if (exchange->state == EXCHANGE_AWAITING_VALUES)
        exchange_refuse(exchange, REFUSAL_OVERLOADED, SLICE("the keyholder does not answer"));
    else
        exchange_refuse(exchange, REFUSAL_UPSTREAM_TIMEOUT, SLICE_NONE);
}

static bool is_idempotent(struct slice method)
{
    static const struct slice methods[] = {SLICE_INIT("GET"), SLICE_INIT("HEAD"),
                                           SLICE_INIT("OPTIONS"), SLICE_INIT("PUT"),
                                           SLICE_INIT("DELETE")};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (slice_equals(method, methods[i]))
            return true;
    return false;
}

static bool has_body(const struct exchange *exchange)
{
    return exchange->request.framing.kind != HTTP_BODY_NONE;
}

bool exchange_repeat(struct exchange *exchange)
{
    bool is_body_whole = !exchange->is_request_sent && exchange->bytes_in == 0;

    if (exchange->was_retried || (has_body(exchange) && !is_body_whole))
        return false;
    upstream_end(exchange->upstream, exchange->origin, false);
    exchange->upstream = NULL;
    exchange->origin = NULL;
    exchange->was_retried = true;
    exchange->state = EXCHANGE_AWAITING_UPSTREAM;
    task_schedule(&exchange->connection->proxy->tasks, &exchange->task);
    return true;
}

bool exchange_retry(struct exchange *exchange)
{
    return exchange->upstream->exchanges > 0 && !has_body(exchange) &&
           is_idempotent(exchange->request.method) && exchange_repeat(exchange);
}

static void record(struct exchange *exchange)
{
    exchange->state = EXCHANGE_ENDED;
    exchange_record(exchange, clock_us(CLOCK_MONOTONIC) - exchange->began_us);
}

void exchange_abandon(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    exchange->was_cut = true;
    record(exchange);
    exchange_free(exchange);
}

static void end(struct exchange *exchange)
{
    struct exchange_owner owner = exchange->owner;
    bool must_close = exchange->must_close;

    record(exchange);
    exchange_free(exchange);
    owner.on_ended(owner.owner, must_close);
}

void exchange_refuse(struct exchange *exchange, enum refusal_code code, struct slice detail)
{
    if (exchange->is_head_written) { /* too late to say anything but to the audit */
        exchange->cut_reason = code;
        exchange_cut(exchange);
        return;
    }
    exchange->refusal = code;
    exchange->status = (uint16_t)refusal_code_status(code);
    /* The body is not read; and who means another host must not go on here. */
    if (exchange->request.framing.kind != HTTP_BODY_NONE || code == REFUSAL_MISDIRECTED_REQUEST)
        exchange->must_close = true;
    if (exchange_write_refusal(exchange, detail) != OK)
        exchange_cut(exchange);
    else
        end(exchange);
}

void exchange_cut(struct exchange *exchange)
{
    exchange->was_cut = exchange->must_close = true;
    exchange->client->ops->cut(exchange->client);
    end(exchange);
}

void exchange_break_off(struct exchange *exchange)
{
    exchange->was_cut = exchange->must_close = true;
    end(exchange);
}

/* Both directions are done. */
static void exchange_complete(struct exchange *exchange)
{
    bool is_reusable = exchange->response.keep_alive && exchange->is_request_sent;

    if (exchange->request.wants_websocket)
        exchange_websocket_end_request(exchange);
    upstream_end(exchange->upstream, exchange->origin, is_reusable);
    exchange->upstream = NULL;
    exchange->origin = NULL;
    end(exchange);
}
