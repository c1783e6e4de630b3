/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 messages on a leg. Never pulls a byte past the end of a message. */
#include "proxy/h1_stream.h"

#include "http/h1_writer.h"

#include <sodium.h>

static struct h1_stream *of(struct stream *stream)
{
    return CONTAINER_OF(stream, struct h1_stream, stream);
}

static const struct h1_stream *of_const(const struct stream *stream)
{
    return CONTAINER_OF(stream, struct h1_stream, stream);
}

static enum error put_back(struct h1_stream *stream)
{
    struct slice bytes = stream->bytes, rest = stream->rest;

    if (bytes.len == 0)
        return OK;
    stream->bytes = stream->rest = SLICE_NONE;
    return leg_put_back(stream->leg, bytes, rest);
}

static enum stream_event event_of(struct h1_stream *stream, enum h1_event event)
{
    switch (event) {
    case H1_HEAD:
        return STREAM_HEAD;
    case H1_BODY:
        return STREAM_BODY;
    case H1_END:
        stream->has_ended = true;
        return STREAM_END;
    case H1_FAULT:
        return STREAM_FAULT;
    default:
        return STREAM_BLOCKED;
    }
}

/* The peer closed, in good order: that may be how the message ends. */
static enum stream_event on_close(struct h1_stream *stream, bool is_orderly)
{
    if (!is_orderly || stream->reader == NULL || h1_reader_finish(stream->reader) != H1_END)
        return STREAM_CLOSED;
    stream->has_ended = true;
    return STREAM_END;
}

/* Gets more bytes. STREAM_BODY stands for "there are some". */
static enum stream_event refill(struct h1_stream *stream)
{
    if (put_back(stream) != OK)
        return STREAM_CLOSED;
    switch (leg_read(stream->leg, &stream->bytes)) {
    case LEG_READY:
        stream->rest = stream->bytes;
        return STREAM_BODY;
    case LEG_BLOCKED:
        return STREAM_BLOCKED;
    case LEG_EOF:
        return on_close(stream, true);
    default:
        return on_close(stream, false);
    }
}

static enum stream_event stream_next(struct stream *base, struct slice *piece)
{
    struct h1_stream *stream = of(base);

    for (;;) {
        if (stream->reader != NULL) { /* an end may need no bytes */
            enum h1_event event = h1_reader_next(stream->reader, &stream->rest, piece);
            if (event != H1_NEED_MORE)
                return event_of(stream, event);
        }
        enum stream_event event = refill(stream);
        if (event != STREAM_BODY)
            return event;
        if (stream->reader == NULL)
            stream->reader = h1_reader_new(stream->role);
        if (stream->reader == NULL)
            return STREAM_CLOSED;
    }
}

static enum error stream_settle(struct stream *stream)
{
    return put_back(of(stream));
}

static struct http_head *stream_head(struct stream *stream)
{
    return h1_reader_head(of(stream)->reader);
}

static struct http_head *stream_trailers(struct stream *stream)
{
    return h1_reader_trailers(of(stream)->reader);
}

static struct http_fault stream_fault(const struct stream *stream)
{
    return h1_reader_fault(of_const(stream)->reader);
}

static struct http_fault parse_response(struct stream *stream, const struct http_request *to,
                                        struct http_response *out)
{
    return response_parse(stream_head(stream), to->is_head, to->wants_websocket, out);
}

static void stream_set_framing(struct stream *stream, struct http_framing framing)
{
    h1_reader_set_framing(of(stream)->reader, framing);
}

static void stream_restart(struct stream *stream)
{
    of(stream)->has_ended = false;
    h1_reader_restart(of(stream)->reader);
}

static void stream_want_read(struct stream *stream, bool wanted)
{
    leg_want_read(of(stream)->leg, wanted);
}

/* Bytes that come are the next message's: they are kept, and no more are taken. */
static enum leg_status stream_watch(struct stream *base)
{
    struct leg *leg = of(base)->leg;
    struct slice bytes;
    enum leg_status status = LEG_READY;

    if (buffer_len(&leg->in) == 0)
        status = leg_read(leg, &bytes);
    if (status == LEG_READY && buffer_len(&leg->in) == 0 && leg_put_back(leg, bytes, bytes) != OK)
        status = LEG_BROKEN;
    leg_want_read(leg, status == LEG_BLOCKED);
    return status;
}

static size_t stream_room(const struct stream *stream)
{
    return leg_out_room(of_const(stream)->leg);
}

static enum error send_request(struct stream *base, const struct stream_request *request)
{
    struct h1_stream *stream = of(base);
    struct h1_request_line line = {
        .method = request->method,
        .path = request->path,
        .host = request->host,
        .is_websocket = request->is_websocket,
    };

    stream->sending = request->framing;
    return h1_writer_request(&line, request->head, request->framing, leg_out(stream->leg));
}

static enum error send_response(struct stream *base, const struct stream_response *response)
{
    struct h1_stream *stream = of(base);

    stream->sending = response->framing;
    return h1_writer_response(response->head, response->framing, response->close,
                              leg_out(stream->leg));
}

static enum error send_piece(struct stream *base, struct slice piece)
{
    struct h1_stream *stream = of(base);

    if (stream->sending.kind == HTTP_BODY_CHUNKED)
        return h1_writer_chunk(piece, leg_out(stream->leg));
    return leg_write(stream->leg, piece);
}

static enum error send_end(struct stream *base, const struct http_head *trailers)
{
    struct h1_stream *stream = of(base);

    if (stream->sending.kind == HTTP_BODY_CHUNKED)
        return h1_writer_last_chunk(trailers, leg_out(stream->leg));
    return OK;
}

static enum leg_status stream_flush(struct stream *stream)
{
    return leg_flush(of(stream)->leg);
}

static void stream_cut(struct stream *stream)
{
    struct leg *leg = of(stream)->leg;

    leg_flush(leg);
    leg_reset_on_close(leg);
    leg_close(leg);
}

static bool stream_is_clean(const struct stream *base)
{
    const struct h1_stream *stream = of_const(base);
    const struct leg *leg = stream->leg;

    return stream->has_ended && stream->rest.len == 0 && leg_is_open(leg) && !leg->is_broken &&
           !leg->is_unwritable && buffer_len(&leg->in) == 0 && buffer_len(&leg->out) == 0;
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

void h1_stream_init(struct h1_stream *stream, struct leg *leg, enum h1_role role)
{
    *stream = (struct h1_stream){.stream = {&ops}, .leg = leg, .role = role};
}

void h1_stream_clear(struct h1_stream *stream)
{
    if (stream->bytes.len > 0 && stream->bytes.data == stream->leg->scratch)
        sodium_memzero(stream->leg->scratch, stream->bytes.len); /* may hold a value */
    h1_reader_free(stream->reader);
    stream->reader = NULL;
    stream->bytes = stream->rest = SLICE_NONE;
    stream->has_ended = false;
}

bool h1_stream_is_idle(const struct h1_stream *stream)
{
    return stream->reader == NULL && buffer_len(&stream->leg->in) == 0 &&
           buffer_len(&stream->leg->out) == 0;
}
