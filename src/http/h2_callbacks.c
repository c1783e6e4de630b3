/* SPDX-License-Identifier: Apache-2.0 */
/* What nghttp2 tells us, made into events. Never ends the session from inside of the library: it is
 * marked as doomed, and ends when the library has returned. */
#include "http/h2_state.h"

#include <stdlib.h>

static const nghttp2_extpri shared_line = {NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};

static struct slice slice_of_rcbuf(nghttp2_rcbuf *rcbuf)
{
    nghttp2_vec bytes = nghttp2_rcbuf_get_buf(rcbuf);

    return slice_of(bytes.base, bytes.len);
}

static void doom(struct h2_session *session, enum h2_code code)
{
    if (session->doom == H2_NO_ERROR)
        session->doom = code;
}

/* For what the peer made us answer with a reset. */
static void reset_for_fault(struct h2_stream *stream, enum h2_code code)
{
    if (!h2_guard_spend(&stream->session->guard))
        doom(stream->session, H2_ENHANCE_YOUR_CALM);
    h2_stream_reset(stream, code);
}

/* The library passes over a head of a stream that is no more without a word. */
static int on_begin_frame(nghttp2_session *library, const nghttp2_frame_hd *frame, void *user_data)
{
    struct h2_session *session = user_data;

    (void)library;
    if (session->awaits_head && !h2_guard_take_stray(&session->guard))
        doom(session, H2_ENHANCE_YOUR_CALM);
    session->awaits_head = frame->type == NGHTTP2_HEADERS;
    return 0;
}

static bool is_new_request(const struct h2_session *session, const nghttp2_frame *frame)
{
    return session->role == H2_REQUESTS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

static struct h2_stream *stream_of_head(struct h2_session *session, const nghttp2_frame *frame)
{
    struct h2_stream *stream;

    if (!is_new_request(session, frame))
        return h2_stream_find(session, frame->hd.stream_id);
    stream = h2_stream_new(session);
    if (stream == NULL)
        return NULL;
    stream->id = frame->hd.stream_id;
    (void)nghttp2_session_set_stream_user_data(session->library, stream->id, stream);
    return stream;
}

/* Its fields are decoded, as the table of the connection needs, and kept nowhere. */
static int refuse_stream(struct h2_session *session, int32_t id)
{
    return nghttp2_submit_rst_stream(session->library, NGHTTP2_FLAG_NONE, id, H2_REFUSED_STREAM);
}

static int on_begin_headers(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct h2_session *session = user_data;

    (void)library;
    session->awaits_head = false;
    if (is_new_request(session, frame) && session->stream_count >= session->limits.streams)
        return refuse_stream(session, frame->hd.stream_id);
    struct h2_stream *stream = stream_of_head(session, frame);
    if (stream == NULL || h2_stream_begin_head(stream) == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return 0;
}

static int keep_field(struct h2_stream *stream, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
    struct h2_head *head = h2_stream_current_head(stream);
    enum error error = h2_head_add(head, slice_of_rcbuf(name), slice_of_rcbuf(value));

    if (error == ERR_TOO_LARGE)
        doom(stream->session, H2_ENHANCE_YOUR_CALM);
    return error == OK ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_header(nghttp2_session *library, const nghttp2_frame *frame, nghttp2_rcbuf *name,
                     nghttp2_rcbuf *value, uint8_t flags, void *user_data)
{
    struct h2_stream *stream = h2_stream_find(user_data, frame->hd.stream_id);

    (void)library, (void)flags;
    if (stream == NULL || !h2_stream_is_live(stream))
        return 0;
    return keep_field(stream, name, value);
}

/* The library would go on without it. */
static int on_invalid_header(nghttp2_session *library, const nghttp2_frame *frame,
                             nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
                             void *user_data)
{
    struct h2_stream *stream = h2_stream_find(user_data, frame->hd.stream_id);

    (void)library, (void)name, (void)value, (void)flags;
    if (stream != NULL && h2_stream_current_head(stream) != NULL)
        h2_stream_current_head(stream)->is_malformed = true;
    return 0;
}

static void on_request_head(struct h2_session *session, struct h2_stream *stream)
{
    /* A client that says nothing of priorities gets its responses side by side. */
    if (http_head_find(&stream->head.head, SLICE("priority")) == NULL)
        (void)nghttp2_session_change_extpri_stream_priority(session->library, stream->id,
                                                            &shared_line, 0);
    stream->is_shown = true;
    stream->receiving = H2_RECEIVING_BODY;
    session->events->on_head(session->context, stream);
}

static void on_interim_head(struct h2_session *session, struct h2_stream *stream)
{
    if (++stream->interim_count > H2_INTERIM_MAX) {
        reset_for_fault(stream, H2_ENHANCE_YOUR_CALM);
        return;
    }
    if (session->events->on_interim != NULL)
        session->events->on_interim(session->context, stream);
    h2_head_clear(&stream->head);
}

static void on_response_head(struct h2_session *session, struct h2_stream *stream)
{
    if (stream->head.head.status < 200) {
        on_interim_head(session, stream);
        return;
    }
    stream->receiving = H2_RECEIVING_BODY;
    session->events->on_head(session->context, stream);
}

/* A request over a limit can be answered; all else that is over a limit or wrong cannot. */
static bool is_usable(const struct h2_head *head)
{
    return !head->is_malformed && (head->pseudo.fault.status == 0 || head->kind == H2_HEAD_REQUEST);
}

static void on_block(struct h2_session *session, struct h2_stream *stream, bool is_complete)
{
    struct h2_head *head = h2_stream_current_head(stream);

    head->pseudo.is_complete = is_complete;
    enum error error = h2_head_finish(head);
    if (error != OK || !is_usable(head))
        reset_for_fault(stream, error != OK ? H2_INTERNAL_ERROR : H2_PROTOCOL_ERROR);
    else if (head->kind == H2_HEAD_REQUEST)
        on_request_head(session, stream);
    else if (head->kind == H2_HEAD_RESPONSE)
        on_response_head(session, stream);
}

static void on_message_end(struct h2_session *session, struct h2_stream *stream)
{
    if (!h2_stream_is_live(stream) || stream->receiving != H2_RECEIVING_BODY)
        return;
    stream->receiving = H2_RECEIVING_DONE;
    session->events->on_end(session->context, stream);
}

static void on_stream_frame(struct h2_session *session, const nghttp2_frame *frame)
{
    struct h2_stream *stream = h2_stream_find(session, frame->hd.stream_id);
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    if (stream == NULL || !h2_stream_is_live(stream))
        return;
    if (frame->hd.type == NGHTTP2_HEADERS)
        on_block(session, stream, ends);
    if (ends)
        on_message_end(session, stream);
}

static int on_frame_recv(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct h2_session *session = user_data;

    (void)library;
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
        on_stream_frame(session, frame);
    else if (frame->hd.type == NGHTTP2_GOAWAY && session->events->on_goaway != NULL)
        session->events->on_goaway(session->context, frame->goaway.error_code);
    else if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        session->has_peer_settings = true;
    return 0;
}

static int on_data_chunk(nghttp2_session *library, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *user_data)
{
    struct h2_session *session = user_data;
    struct h2_stream *stream = h2_stream_find(session, id);

    (void)flags;
    /* The connection's window is only a ceiling: each stream's own bounds what is held. */
    if (nghttp2_session_consume_connection(library, len) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (stream != NULL && h2_stream_is_live(stream) && stream->receiving == H2_RECEIVING_BODY)
        session->events->on_body(session->context, stream, slice_of(data, len));
    return 0;
}

static int on_stream_close(nghttp2_session *library, int32_t id, uint32_t code, void *user_data)
{
    struct h2_stream *stream = h2_stream_find(user_data, id);

    (void)library;
    if (stream != NULL)
        h2_stream_close(stream, code);
    return 0;
}

/* RFC 9113, 8.1: what is left of the request is not wanted. */
static void refuse_rest_of_request(struct h2_session *session, int32_t id)
{
    struct h2_stream *stream = h2_stream_find(session, id);

    if (session->role == H2_REQUESTS && stream != NULL && h2_stream_is_live(stream) &&
        stream->receiving != H2_RECEIVING_DONE)
        h2_stream_reset(stream, H2_NO_ERROR);
}

/* Those that the library sends by itself were the peer's doing. */
static void pay_for_reset(struct h2_session *session, int32_t id)
{
    struct h2_stream *stream = h2_stream_find(session, id);

    h2_guard_expect_strays(&session->guard);
    if ((stream == NULL || !stream->is_reset) && !h2_guard_spend(&session->guard))
        doom(session, H2_ENHANCE_YOUR_CALM);
}

static int on_frame_send(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    bool is_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;

    (void)library;
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        pay_for_reset(user_data, frame->hd.stream_id);
    else if (is_message && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        refuse_rest_of_request(user_data, frame->hd.stream_id);
    return 0;
}

static int write_data(struct h2_session *session, struct h2_stream *stream, const uint8_t *header,
                      size_t len)
{
    struct slice body = slice_take(buffer_view(&stream->out), len);

    if (buffer_append(session->out, slice_of(header, H2_FRAME_HEADER_LEN)) != OK ||
        buffer_append(session->out, body) != OK)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    buffer_consume(&stream->out, len);
    h2_guard_expect_answers(&session->guard, len);
    if (stream->sending == H2_SENDING_BODY && session->events->on_room != NULL)
        session->events->on_room(session->context, stream);
    return 0;
}

static int on_send_data(nghttp2_session *library, nghttp2_frame *frame, const uint8_t *header,
                        size_t len, nghttp2_data_source *source, void *user_data)
{
    struct h2_session *session = user_data;
    struct h2_stream *stream = h2_stream_find(session, frame->hd.stream_id);

    (void)library, (void)source;
    if (stream == NULL || !h2_stream_is_live(stream) || buffer_len(&stream->out) < len)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (buffer_len(session->out) >= session->out_max)
        return NGHTTP2_ERR_WOULDBLOCK;
    return write_data(session, stream, header, len);
}

nghttp2_session_callbacks *h2_callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    return callbacks;
}
