/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 streams as sides of exchanges. Never gives the peer more window than was passed on. */
#include "proxy/h2_message.h"

#include "http/h2_response.h"

#include <stdlib.h>

static struct h2_message *of(struct stream *stream)
{
    return CONTAINER_OF(stream, struct h2_message, stream);
}

static const struct h2_message *of_const(const struct stream *stream)
{
    return CONTAINER_OF(stream, struct h2_message, stream);
}

static const struct stream_ops ops;

static struct h2_message *message_new(struct h2_link *link, struct h2_stream *h2)
{
    struct h2_message *message = calloc(1, sizeof(*message));

    if (message == NULL)
        return NULL;
    message->stream.ops = &ops;
    message->link = link;
    message->h2 = h2;
    buffer_init(&message->in, H2_MESSAGE_OUT_MAX);
    buffer_init(&message->out, H2_MESSAGE_OUT_MAX);
    TAILQ_INIT(&message->interim);
    TAILQ_INSERT_TAIL(&link->messages, message, link_entry);
    link->message_count++;
    if (h2 != NULL)
        h2_stream_set_owner(h2, message);
    return message;
}

struct h2_message *h2_message_new(struct h2_link *link)
{
    return message_new(link, NULL);
}

static void drop_trailers(struct h2_message *message)
{
    if (message->trailers_after_out != NULL)
        http_head_clear(message->trailers_after_out);
    free(message->trailers_after_out);
    message->trailers_after_out = NULL;
}

static void interim_free(struct h2_message *message, struct interim_head *interim)
{
    TAILQ_REMOVE(&message->interim, interim, link);
    http_head_clear(&interim->head);
    free(interim);
}

/* The push tells the link's owner that there is one less. */
void h2_message_free(struct h2_message *message)
{
    struct h2_link *link = message->link;

    if (message->h2 != NULL)
        h2_stream_free(message->h2);
    while (!TAILQ_EMPTY(&message->interim))
        interim_free(message, TAILQ_FIRST(&message->interim));
    buffer_clear(&message->in);
    buffer_clear(&message->out);
    drop_trailers(message);
    TAILQ_REMOVE(&link->messages, message, link_entry);
    link->message_count--;
    task_schedule(&link->proxy->tasks, &link->push);
    free(message);
}

void h2_message_release(struct h2_message *message)
{
    message->owner = NULL;
    message->task = NULL;
    if (message->is_closed || !message->is_end_sent)
        h2_message_free(message);
    else
        task_schedule(&message->link->proxy->tasks, &message->link->push);
}

void h2_message_set_owner(struct h2_message *message, void *owner, struct task *task)
{
    message->owner = owner;
    message->task = task;
}

static void wake(struct h2_message *message)
{
    if (message->task != NULL)
        task_schedule(&message->link->proxy->tasks, message->task);
}

/* Events */

static void on_head(void *context, struct h2_stream *h2)
{
    struct h2_link *link = context;
    struct h2_message *message = h2_stream_owner(h2);

    if (message == NULL) {
        message = message_new(link, h2);
        if (message == NULL) {
            h2_stream_free(h2);
            return;
        }
    }
    message->has_head = true;
    if (link->on_request != NULL && message->owner == NULL)
        link->on_request(link->owner, message);
    else
        wake(message);
}

static enum error copy_head(const struct http_head *from, struct http_head *to)
{
    to->status = from->status;
    to->version_minor = from->version_minor;
    for (size_t i = 0; i < from->field_count; i++)
        TRY(http_head_add(to, from->fields[i].name, from->fields[i].value));
    return OK;
}

static void on_interim(UNUSED void *context, struct h2_stream *h2)
{
    struct h2_message *message = h2_stream_owner(h2);
    struct interim_head *interim = calloc(1, sizeof(*interim));

    if (interim == NULL)
        return;
    http_head_init(&interim->head);
    TAILQ_INSERT_TAIL(&message->interim, interim, link);
    if (copy_head(h2_stream_head(h2), &interim->head) != OK)
        interim_free(message, interim);
    wake(message);
}

static void on_body(UNUSED void *context, struct h2_stream *h2, struct slice piece)
{
    struct h2_message *message = h2_stream_owner(h2);

    if (message->owner == NULL) /* nobody wants it any more */
        h2_stream_consumed(h2, piece.len);
    else if (buffer_append(&message->in, piece) != OK)
        h2_stream_reset(h2, H2_INTERNAL_ERROR);
    wake(message);
}

static void on_end(UNUSED void *context, struct h2_stream *h2)
{
    struct h2_message *message = h2_stream_owner(h2);

    message->has_ended = true;
    wake(message);
}

static void push_out(struct h2_message *message);

static void on_room(UNUSED void *context, struct h2_stream *h2)
{
    struct h2_message *message = h2_stream_owner(h2);

    push_out(message);
    wake(message);
}

static void on_closed(UNUSED void *context, struct h2_stream *h2, uint32_t code)
{
    struct h2_message *message = h2_stream_owner(h2);

    if (message == NULL)
        return;
    message->is_closed = true;
    message->code = code;
    if (message->owner == NULL)
        h2_message_free(message);
    else
        wake(message);
}

const struct h2_events h2_message_events = {
    .on_head = on_head,
    .on_interim = on_interim,
    .on_body = on_body,
    .on_end = on_end,
    .on_room = on_room,
    .on_closed = on_closed,
};

/* Pulling */

/* What the last piece showed was passed on: the peer may send as much again. */
static void give_window(struct h2_message *message)
{
    size_t lent = message->lent;

    message->lent = 0;
    if (lent == 0)
        return;
    buffer_consume(&message->in, lent);
    h2_stream_consumed(message->h2, lent);
    task_schedule(&message->link->proxy->tasks, &message->link->push);
}

/* Somebody did not speak HTTP/2 as it should be: not a mere end. */
static bool ended_by_fault(const struct h2_message *message)
{
    return message->code == H2_PROTOCOL_ERROR || message->code == H2_ENHANCE_YOUR_CALM;
}

static enum stream_event stream_next(struct stream *stream, struct slice *piece)
{
    struct h2_message *message = of(stream);

    give_window(message);
    if (message->is_interim) /* an interim response has no body */
        return STREAM_END;
    if (!TAILQ_EMPTY(&message->interim)) {
        message->is_interim = true;
        return STREAM_HEAD;
    }
    if (message->has_head && !message->is_head_pulled) {
        message->is_head_pulled = true;
        return STREAM_HEAD;
    }
    if (buffer_len(&message->in) > 0) {
        *piece = slice_take(buffer_view(&message->in), LEG_OUT_BUDGET);
        message->lent = piece->len;
        return STREAM_BODY;
    }
    if (message->has_ended)
        return STREAM_END;
    if (!message->is_closed)
        return STREAM_BLOCKED;
    /* Also what a GOAWAY left out (RFC 9113, 8.7). */
    if (message->code == H2_REFUSED_STREAM && !message->has_head)
        return STREAM_REFUSED;
    return ended_by_fault(message) ? STREAM_FAULT : STREAM_CLOSED;
}

static enum error stream_settle(struct stream *stream)
{
    give_window(of(stream));
    return OK;
}

static struct http_head *stream_head(struct stream *stream)
{
    struct h2_message *message = of(stream);

    return message->is_interim ? &TAILQ_FIRST(&message->interim)->head
                               : h2_stream_head(message->h2);
}

static struct http_head *stream_trailers(struct stream *stream)
{
    return h2_stream_trailers(of(stream)->h2);
}

static struct http_fault stream_fault(UNUSED const struct stream *stream)
{
    return (struct http_fault){400, "the stream is malformed"};
}

static struct http_fault parse_response(struct stream *stream, const struct http_request *to,
                                        struct http_response *out)
{
    struct h2_message *message = of(stream);
    bool is_complete = message->has_ended && buffer_len(&message->in) == 0;

    return h2_response_parse(stream_head(stream), to->is_head, is_complete, out);
}

/* The session knows how bodies end. */
static void stream_set_framing(UNUSED struct stream *stream, UNUSED struct http_framing framing)
{
}

static void stream_restart(struct stream *stream)
{
    struct h2_message *message = of(stream);

    if (message->is_interim)
        interim_free(message, TAILQ_FIRST(&message->interim));
    message->is_interim = false;
}

/* Windows do it. */
static void stream_want_read(UNUSED struct stream *stream, UNUSED bool wanted)
{
}

static enum leg_status stream_watch(struct stream *stream)
{
    return of(stream)->is_closed ? LEG_BROKEN : LEG_BLOCKED;
}

/* Pushing */

static void push_out(struct h2_message *message)
{
    struct slice waiting = buffer_view(&message->out);
    size_t room = h2_stream_room(message->h2);
    struct slice piece = slice_take(waiting, room);

    if (piece.len > 0 && h2_stream_send_body(message->h2, piece) == OK)
        buffer_consume(&message->out, piece.len);
    if (buffer_len(&message->out) == 0 && message->ends_after_out) {
        message->ends_after_out = false;
        if (h2_stream_send_end(message->h2, message->trailers_after_out) != OK)
            h2_stream_reset(message->h2, H2_INTERNAL_ERROR);
        drop_trailers(message);
    }
}

static size_t stream_room(const struct stream *stream)
{
    const struct h2_message *message = of_const(stream);

    if (message->is_closed || buffer_len(&message->out) > 0)
        return 0;
    return message->is_head_sent ? h2_stream_room(message->h2) : LEG_OUT_BUDGET;
}

static enum error send_request(struct stream *stream, const struct stream_request *request)
{
    struct h2_message *message = of(stream);
    bool ends = request->framing.kind == HTTP_BODY_NONE && !request->is_websocket;
    unsigned flags = (ends ? H2_HEAD_ENDS : 0) | (request->has_values ? H2_HEAD_NEVER_INDEX : 0);
    struct h2_request_line line = {
        .method = request->is_websocket ? SLICE("CONNECT") : request->method,
        .protocol = request->is_websocket ? SLICE("websocket") : SLICE_NONE,
        .scheme = SLICE("https"),
        .authority = request->host,
        .path = request->path,
        .framing = request->framing,
        .flags = flags,
    };
    TRY(h2_stream_open(message->link->session, &line, request->head, &message->h2));
    h2_stream_set_owner(message->h2, message);
    message->is_head_sent = true;
    message->is_end_sent = ends;
    return OK;
}

static enum error send_response(struct stream *stream, const struct stream_response *response)
{
    struct h2_message *message = of(stream);
    uint16_t status = response->head->status;

    if (status < 200)
        return h2_stream_send_interim(message->h2, response->head);
    message->is_head_sent = true;
    return h2_stream_send_response(message->h2, response->head, response->framing, 0);
}

static enum error send_piece(struct stream *stream, struct slice piece)
{
    struct h2_message *message = of(stream);

    if (message->is_closed)
        return ERR_CLOSED;
    TRY(buffer_append(&message->out, piece));
    push_out(message);
    return OK;
}

static enum error keep_trailers(struct h2_message *message, const struct http_head *trailers)
{
    message->trailers_after_out = calloc(1, sizeof(*trailers));
    if (message->trailers_after_out == NULL)
        return ERR_NO_MEMORY;
    http_head_init(message->trailers_after_out);
    return copy_head(trailers, message->trailers_after_out);
}

/* What waits in `out` goes first. */
static enum error send_end(struct stream *stream, const struct http_head *trailers)
{
    struct h2_message *message = of(stream);
    bool has_trailers = trailers != NULL && trailers->field_count > 0;

    if (message->is_end_sent)
        return OK;
    message->is_end_sent = true;
    if (buffer_len(&message->out) == 0)
        return h2_stream_send_end(message->h2, has_trailers ? trailers : NULL);
    message->ends_after_out = true;
    return has_trailers ? keep_trailers(message, trailers) : OK;
}

static enum leg_status stream_flush(struct stream *stream)
{
    struct h2_message *message = of(stream);

    enum leg_status status = h2_link_flush(message->link);

    if (message->is_closed)
        return message->is_end_sent || message->has_ended ? LEG_READY : LEG_BROKEN;
    if (status == LEG_BROKEN)
        return LEG_BROKEN;
    if (message->is_end_sent && buffer_len(&message->out) == 0)
        return LEG_READY;
    return stream_room(stream) > 0 ? LEG_READY : LEG_BLOCKED;
}

static void stream_cut(struct stream *stream)
{
    struct h2_message *message = of(stream);

    if (message->h2 != NULL)
        h2_stream_reset(message->h2, H2_INTERNAL_ERROR);
    message->is_end_sent = false;
    task_schedule(&message->link->proxy->tasks, &message->link->push);
}

static bool stream_is_clean(const struct stream *stream)
{
    return of_const(stream)->has_ended;
}

static const struct stream_ops ops = {
    .next = stream_next,
    .settle = stream_settle,
    .head = stream_head,
    .trailers = stream_trailers,
    .fault = stream_fault,
    .parse_response = parse_response,
    .set_framing = stream_set_framing,
    .restart = stream_restart,
    .want_read = stream_want_read,
    .watch = stream_watch,
    .room = stream_room,
    .send_request = send_request,
    .send_response = send_response,
    .send_piece = send_piece,
    .send_end = send_end,
    .flush = stream_flush,
    .cut = stream_cut,
    .is_clean = stream_is_clean,
};
