/* SPDX-License-Identifier: Apache-2.0 */
/* One stream. Never holds more of a body than its room, nor a byte of one that it gave up. */
#include "http/h2_stream.h"

#include "http/h2_fields.h"
#include "http/h2_state.h"

#include <stdlib.h>

enum error h2_stream_error(int library_error)
{
    if (library_error >= 0)
        return OK;
    return library_error == NGHTTP2_ERR_NOMEM ? ERR_NO_MEMORY : ERR_CLOSED;
}

struct h2_stream *h2_stream_new(struct h2_session *session)
{
    /* Not zeroed as a whole: most of a head is room for fields. */
    struct h2_stream *stream = malloc(sizeof(*stream));

    if (stream == NULL)
        return NULL;
    stream->session = session;
    stream->id = 0;
    stream->owner = NULL;
    stream->sending = H2_SENDING_HEAD;
    stream->receiving = H2_RECEIVING_HEAD;
    stream->interim_count = 0;
    stream->consumed = 0;
    stream->is_wide = false;
    stream->is_shown = stream->is_released = stream->is_reset = false;
    stream->reset_code = H2_NO_ERROR;
    stream->trailers = NULL;
    stream->out_trailers = NULL;
    h2_head_init(&stream->head, session->role == H2_REQUESTS ? H2_HEAD_REQUEST : H2_HEAD_RESPONSE);
    buffer_init(&stream->out, session->limits.stream_room);
    LIST_INSERT_HEAD(&session->streams, stream, link);
    session->stream_count++;
    return stream;
}

static void free_out_trailers(struct h2_stream *stream)
{
    if (stream->out_trailers != NULL)
        http_head_clear(stream->out_trailers);
    free(stream->out_trailers);
    stream->out_trailers = NULL;
}

static void destroy(struct h2_stream *stream)
{
    if (stream->trailers != NULL)
        h2_head_clear(stream->trailers);
    free(stream->trailers);
    h2_head_clear(&stream->head);
    buffer_clear(&stream->out);
    free_out_trailers(stream);
    free(stream);
}

static void count_wide(struct h2_session *session, int change)
{
    session->wide_count += (size_t)change;
    if (session->limits.wide_shared != NULL)
        *session->limits.wide_shared += (uint32_t)change;
}

static void unlink_from_session(struct h2_stream *stream)
{
    LIST_REMOVE(stream, link);
    stream->session->stream_count--;
    if (stream->is_wide)
        count_wide(stream->session, -1);
    stream->session = NULL;
    buffer_clear(&stream->out);
    free_out_trailers(stream);
}

void h2_stream_orphan(struct h2_stream *stream)
{
    unlink_from_session(stream);
    if (!stream->is_shown || stream->is_released)
        destroy(stream);
}

void h2_stream_close(struct h2_stream *stream, uint32_t code)
{
    struct h2_session *session = stream->session;

    /* Fails where the library does not know it, which is as good. */
    (void)nghttp2_session_set_stream_user_data(session->library, stream->id, NULL);
    unlink_from_session(stream);
    if (!stream->is_shown || stream->is_released)
        destroy(stream);
    else
        session->events->on_closed(session->context, stream,
                                   stream->is_reset ? stream->reset_code : code);
}

bool h2_stream_is_live(const struct h2_stream *stream)
{
    return stream->session != NULL && !stream->is_reset && !stream->is_released;
}

struct h2_stream *h2_stream_find(struct h2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session->library, id);
}

struct h2_head *h2_stream_current_head(struct h2_stream *stream)
{
    return stream->receiving == H2_RECEIVING_HEAD ? &stream->head : stream->trailers;
}

struct h2_head *h2_stream_begin_head(struct h2_stream *stream)
{
    if (stream->receiving != H2_RECEIVING_HEAD && stream->trailers == NULL) {
        stream->trailers = malloc(sizeof(*stream->trailers));
        if (stream->trailers != NULL)
            h2_head_init(stream->trailers, H2_HEAD_TRAILERS);
    }
    return h2_stream_current_head(stream);
}

size_t h2_stream_memory(const struct h2_stream *stream)
{
    size_t total = sizeof(*stream) + stream->head.head.storage.capacity +
                   stream->head.pseudo_text.capacity + stream->out.capacity;

    if (stream->trailers != NULL)
        total += sizeof(*stream->trailers) + stream->trailers->head.storage.capacity;
    if (stream->out_trailers != NULL)
        total += sizeof(*stream->out_trailers) + stream->out_trailers->storage.capacity;
    return total;
}

void h2_stream_free(struct h2_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->session == NULL) {
        destroy(stream);
        return;
    }
    stream->is_released = true;
    h2_stream_reset(stream, H2_CANCEL);
}

void h2_stream_set_owner(struct h2_stream *stream, void *owner)
{
    stream->owner = owner;
}

void *h2_stream_owner(const struct h2_stream *stream)
{
    return stream->owner;
}

bool h2_stream_is_closed(const struct h2_stream *stream)
{
    return stream->session == NULL;
}

struct http_head *h2_stream_head(struct h2_stream *stream)
{
    return &stream->head.head;
}

const struct h2_request_pseudo *h2_stream_pseudo(const struct h2_stream *stream)
{
    return &stream->head.pseudo;
}

struct http_head *h2_stream_trailers(struct h2_stream *stream)
{
    return stream->trailers != NULL ? &stream->trailers->head : NULL;
}

static bool has_wide_left(const struct h2_session *session)
{
    const struct h2_limits *limits = &session->limits;

    return session->wide_count < limits->wide_streams &&
           (limits->wide_shared == NULL || *limits->wide_shared < limits->wide_shared_max);
}

/* A long body would wait for us each time that a short window is full. */
static void widen(struct h2_stream *stream)
{
    struct h2_session *session = stream->session;

    if (stream->is_wide || stream->consumed < session->limits.stream_window ||
        !has_wide_left(session))
        return;
    stream->is_wide =
        nghttp2_session_set_local_window_size(session->library, NGHTTP2_FLAG_NONE, stream->id,
                                              (int32_t)session->limits.wide_window) == 0;
    if (stream->is_wide)
        count_wide(session, 1);
}

void h2_stream_consumed(struct h2_stream *stream, size_t len)
{
    if (!h2_stream_is_live(stream) || stream->receiving == H2_RECEIVING_DONE)
        return;
    /* Fails for a stream that the library has already closed: no window then. */
    (void)nghttp2_session_consume_stream(stream->session->library, stream->id, len);
    stream->consumed += len;
    widen(stream);
}
