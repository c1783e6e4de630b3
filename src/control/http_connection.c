/* SPDX-License-Identifier: Apache-2.0 */
/* One client connection: a request is read whole, answered, and only then the next one is looked
 * at. Never waits without a deadline, and never keeps a request body longer than its handler runs.
 */

#include "control/http_connection.h"

#include "control/clock.h"
#include "http/h1_writer.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

enum { INPUT_MAX = 16 * 1024, OUTPUT_MAX = 256 * 1024 * 1024, STEPS_PER_ROUND = 256 };

/* Named by what is waited for. */
enum connection_state {
    CONNECTION_AWAITING_REQUEST,
    CONNECTION_READING_HEAD,
    CONNECTION_READING_BODY,
    CONNECTION_AWAITING_ANSWER,
    CONNECTION_SENDING,
    CONNECTION_LINGERING, /* so that the answer is not lost to a reset */
};

#define TO(state) (1u << CONNECTION_##state)
static const unsigned allowed_next[] = {
    [CONNECTION_AWAITING_REQUEST] = TO(READING_HEAD),
    [CONNECTION_READING_HEAD] = TO(READING_BODY) | TO(SENDING),
    [CONNECTION_READING_BODY] = TO(AWAITING_ANSWER) | TO(SENDING),
    [CONNECTION_AWAITING_ANSWER] = TO(SENDING),
    [CONNECTION_SENDING] = TO(AWAITING_REQUEST) | TO(LINGERING),
    [CONNECTION_LINGERING] = 0,
};

/* 0: others guard it. */
static const uint64_t deadline_ms[] = {
    [CONNECTION_AWAITING_REQUEST] = 60000, [CONNECTION_READING_HEAD] = 10000,
    [CONNECTION_READING_BODY] = 30000,     [CONNECTION_AWAITING_ANSWER] = 0,
    [CONNECTION_SENDING] = 60000,          [CONNECTION_LINGERING] = 2000,
};

struct http_connection {
    struct http_connection_link link;
    const struct http_connection_owner *owner; /* borrowed */
    struct http_stream stream;
    struct event event; /* armed for what the state waits for */
    enum connection_state state;
    uint64_t deadline;
    struct h1_reader *reader;
    struct http_request request; /* of the head that the reader holds */
    struct buffer input, body, output;
    void *pending; /* what on_gone() is told */
    bool is_local, closes;
};

static enum error connection_run_state(struct http_connection *connection);

static void connection_set_state(struct http_connection *connection, enum connection_state next)
{
    if ((allowed_next[connection->state] & (1u << next)) == 0)
        abort();
    connection->state = next;
    connection->deadline = clock_monotonic_ms() + deadline_ms[next];
}

static void connection_close(struct http_connection *connection)
{
    connection->owner->on_closed(connection->owner->context, connection);
}

static void connection_arm(struct http_connection *connection)
{
    event_del(&connection->event);
    if (connection->state == CONNECTION_AWAITING_ANSWER)
        return;
    uint64_t now = clock_monotonic_ms();
    uint64_t left = connection->deadline > now ? connection->deadline - now : 1;
    struct timeval timeout = {(time_t)(left / 1000), (suseconds_t)(left % 1000 * 1000)};
    event_assign(&connection->event, event_get_base(&connection->event), connection->stream.fd,
                 connection->stream.wants, event_get_callback(&connection->event), connection);
    if (event_add(&connection->event, &timeout) != 0)
        connection_close(connection);
}

/* A client that sends faster than it is answered does not keep the others waiting. */
static void connection_run(struct http_connection *connection)
{
    enum error error = OK;
    for (unsigned i = 0; i < STEPS_PER_ROUND && error == OK; i++)
        error = connection_run_state(connection);
    if (error == OK)
        event_active(&connection->event, EV_READ, 0);
    else if (error == ERR_AGAIN)
        connection_arm(connection);
    else
        connection_close(connection);
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    struct http_connection *connection = argument;
    if ((what & EV_TIMEOUT) != 0)
        connection_close(connection);
    else
        connection_run(connection);
}

static void connection_fault(struct http_connection *connection, struct http_fault fault)
{
    connection->closes = true;
    connection->owner->events->on_fault(connection->owner->events->context, connection, fault);
}

static enum error connection_fill_input(struct http_connection *connection)
{
    char *room;
    size_t count;
    TRY(buffer_reserve(&connection->input, INPUT_MAX, &room));
    TRY(http_stream_read(&connection->stream, room, INPUT_MAX, &count));
    buffer_commit(&connection->input, count);
    if (connection->state == CONNECTION_AWAITING_REQUEST)
        connection_set_state(connection, CONNECTION_READING_HEAD);
    return OK;
}

static enum error connection_on_head(struct http_connection *connection)
{
    struct http_fault fault =
        request_parse(h1_reader_head(connection->reader), 80, &connection->request);
    const struct http_framing *framing = &connection->request.framing;
    if (fault.status == 0 && framing->kind == HTTP_BODY_LENGTH &&
        framing->length > HTTP_SERVER_BODY_MAX)
        fault = (struct http_fault){413, "the request body is larger than 1 MiB"};
    if (fault.status == 0 && connection->request.is_connect)
        fault = (struct http_fault){405, "this is the control API: it is no proxy"};
    if (fault.status != 0) {
        connection_fault(connection, fault);
        return OK;
    }
    h1_reader_set_framing(connection->reader, *framing);
    connection_set_state(connection, CONNECTION_READING_BODY);
    if (connection->request.expects_continue)
        return buffer_append(&connection->output, SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    return OK;
}

static enum error connection_on_body(struct http_connection *connection, struct slice piece)
{
    enum error error = buffer_append(&connection->body, piece);
    if (error != ERR_TOO_LARGE)
        return error;
    connection_fault(connection, (struct http_fault){413, "the request body is larger than 1 MiB"});
    return OK;
}

static enum error connection_on_request(struct http_connection *connection)
{
    const struct http_server_events *events = connection->owner->events;
    const struct http_message message = {
        .head = h1_reader_head(connection->reader),
        .method = connection->request.method,
        .path = connection->request.path,
        .body = buffer_view(&connection->body),
        .is_local = connection->is_local,
    };
    connection->closes = !connection->request.keep_alive;
    connection_set_state(connection, CONNECTION_AWAITING_ANSWER);
    events->on_request(events->context, connection, &message);
    buffer_clear(&connection->body);
    return OK;
}

static enum error connection_on_event(struct http_connection *connection, enum h1_event event,
                                      struct slice piece)
{
    switch (event) {
    case H1_HEAD:
        return connection_on_head(connection);
    case H1_BODY:
        return connection_on_body(connection, piece);
    case H1_END:
        return connection_on_request(connection);
    case H1_FAULT:
        connection_fault(connection, h1_reader_fault(connection->reader));
        return OK;
    case H1_NEED_MORE:
        break;
    }
    return OK;
}

static enum error connection_flush(struct http_connection *connection)
{
    while (buffer_len(&connection->output) > 0) {
        size_t count;
        TRY(http_stream_write(&connection->stream, buffer_view(&connection->output), &count));
        buffer_consume(&connection->output, count);
    }
    buffer_clear(&connection->output);
    return OK;
}

static enum error connection_read(struct http_connection *connection)
{
    TRY(connection_flush(connection)); /* 100 Continue */
    if (buffer_len(&connection->input) > 0 && connection->state == CONNECTION_AWAITING_REQUEST)
        connection_set_state(connection, CONNECTION_READING_HEAD); /* pipelined */
    struct slice input = buffer_view(&connection->input), piece = SLICE_NONE;
    size_t before = input.len;
    enum h1_event event = h1_reader_next(connection->reader, &input, &piece);
    enum error error = connection_on_event(connection, event, piece);
    buffer_consume(&connection->input, before - input.len);
    if (input.len == 0)
        buffer_reset(&connection->input); /* it may have held a value */
    if (error == OK && event == H1_NEED_MORE)
        return connection_fill_input(connection);
    return error;
}

static enum error connection_send(struct http_connection *connection)
{
    TRY(connection_flush(connection));
    if (connection->closes) {
        http_stream_finish(&connection->stream);
        connection_set_state(connection, CONNECTION_LINGERING);
        return OK;
    }
    h1_reader_restart(connection->reader);
    connection->request = (struct http_request){.method = SLICE_NONE};
    connection_set_state(connection, CONNECTION_AWAITING_REQUEST);
    return OK;
}

static enum error connection_linger(struct http_connection *connection)
{
    char discarded[4096];
    size_t count;
    enum error error = http_stream_read(&connection->stream, discarded, sizeof discarded, &count);
    if (error == OK && clock_monotonic_ms() >= connection->deadline)
        return ERR_TIMEOUT;
    return error;
}

static enum error connection_run_state(struct http_connection *connection)
{
    switch (connection->state) {
    case CONNECTION_AWAITING_REQUEST:
    case CONNECTION_READING_HEAD:
    case CONNECTION_READING_BODY:
        return connection_read(connection);
    case CONNECTION_AWAITING_ANSWER:
        return ERR_AGAIN;
    case CONNECTION_SENDING:
        return connection_send(connection);
    case CONNECTION_LINGERING:
        return connection_linger(connection);
    }
    return ERR_CLOSED;
}

static enum error answer_add_fields(const struct http_answer *answer, struct http_head *head)
{
    if (answer->content_type.len > 0)
        TRY(http_head_add(head, SLICE("Content-Type"), answer->content_type));
    if (answer->allow.len > 0)
        TRY(http_head_add(head, SLICE("Allow"), answer->allow));
    if (answer->status == 401)
        TRY(http_head_add(head, SLICE("WWW-Authenticate"), SLICE("Bearer")));
    TRY(http_head_add(head, SLICE("Cache-Control"), SLICE("no-store")));
    return http_head_add(head, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
}

static enum error connection_write_answer(struct http_connection *connection,
                                          const struct http_answer *answer)
{
    bool has_body = answer->status != 204;
    struct http_framing framing = {has_body ? HTTP_BODY_LENGTH : HTTP_BODY_NONE, answer->body.len};
    struct http_head head;
    http_head_init(&head);
    head.status = (uint16_t)answer->status;
    enum error error = answer_add_fields(answer, &head);
    if (error == OK)
        error = h1_writer_response(&head, framing, connection->closes, &connection->output);
    if (error == OK && has_body && !connection->request.is_head)
        error = buffer_append(&connection->output, answer->body);
    http_head_clear(&head);
    return error;
}

void http_connection_expect(struct http_connection *connection, void *pending)
{
    connection->pending = pending;
}

void http_connection_answer(struct http_connection *connection, const struct http_answer *answer)
{
    if (*connection->owner->draining)
        connection->closes = true;
    connection->pending = NULL;
    connection_set_state(connection, CONNECTION_SENDING);
    connection->stream.wants = EV_WRITE;
    if (connection_write_answer(connection, answer) != OK) {
        buffer_clear(&connection->output);
        connection->closes = true;
    }
    /* Never from here: the caller may be inside connection_run(). */
    event_active(&connection->event, EV_WRITE, 0);
}

struct http_connection *http_connection_new(struct event_base *base, struct http_stream stream,
                                            const struct http_connection_owner *owner,
                                            bool is_local)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (connection != NULL)
        connection->reader = h1_reader_new(H1_REQUESTS);
    if (connection == NULL || connection->reader == NULL) {
        free(connection);
        http_stream_close(&stream);
        return NULL;
    }
    connection->owner = owner;
    connection->stream = stream;
    connection->is_local = is_local;
    buffer_init(&connection->input, INPUT_MAX);
    buffer_init(&connection->body, HTTP_SERVER_BODY_MAX);
    buffer_init(&connection->output, OUTPUT_MAX);
    event_assign(&connection->event, base, stream.fd, EV_READ, on_ready, connection);
    connection->deadline = clock_monotonic_ms() + deadline_ms[CONNECTION_AWAITING_REQUEST];
    event_active(&connection->event, EV_READ, 0);
    return connection;
}

void http_connection_free(struct http_connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->pending != NULL)
        connection->owner->events->on_gone(connection->owner->events->context, connection->pending);
    event_del(&connection->event);
    http_stream_close(&connection->stream);
    h1_reader_free(connection->reader);
    buffer_clear(&connection->input);
    buffer_clear(&connection->body);
    buffer_clear(&connection->output);
    free(connection);
}

bool http_connection_is_idle(const struct http_connection *connection)
{
    return connection->state == CONNECTION_AWAITING_REQUEST;
}

bool http_connection_is_local(const struct http_connection *connection)
{
    return connection->is_local;
}

struct http_connection_link *http_connection_link(struct http_connection *connection)
{
    return &connection->link;
}

struct http_connection *http_connection_of_link(struct http_connection_link *link)
{
    return CONTAINER_OF(link, struct http_connection, link);
}
