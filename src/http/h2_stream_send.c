/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream sends. Never hands a head to the library that was not checked. */
#include "http/h2_fields.h"
#include "http/h2_state.h"

#include <stdlib.h>

static enum error submit_trailers(struct h2_stream *stream)
{
    struct h2_fields fields;

    h2_fields_init(&fields);
    TRY(h2_fields_add_trailers(&fields, stream->out_trailers));
    return h2_stream_error(
        nghttp2_submit_trailer(stream->session->library, stream->id, fields.items, fields.count));
}

static bool mark_end(struct h2_stream *stream, uint32_t *flags)
{
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    stream->sending = H2_SENDING_DONE;
    if (stream->out_trailers == NULL)
        return true;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return submit_trailers(stream) == OK;
}

/* Says how long the next DATA frame is; its bytes are taken when it is written. */
/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static ssize_t on_read_out(nghttp2_session *library, int32_t id, uint8_t *room, size_t len,
                           uint32_t *flags, nghttp2_data_source *source, void *user_data)
{
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(library, id);

    (void)room, (void)source, (void)user_data;
    if (stream == NULL || !h2_stream_is_live(stream))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t held = buffer_len(&stream->out);
    if (held == 0 && stream->sending == H2_SENDING_BODY)
        return NGHTTP2_ERR_DEFERRED;

    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (held <= len && stream->sending == H2_SENDING_REST && !mark_end(stream, flags))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return (ssize_t)(held < len ? held : len);
}

static nghttp2_data_provider data_source(void)
{
    return (nghttp2_data_provider){.read_callback = on_read_out};
}

static enum error fill_request(struct h2_fields *fields, const struct h2_request_line *line,
                               const struct http_head *head)
{
    bool is_secret = (line->flags & H2_HEAD_NEVER_INDEX) != 0;

    h2_fields_init(fields);
    if (!http_is_token(line->method))
        return ERR_SYNTAX;
    TRY(h2_fields_add_pseudo(fields, SLICE(":method"), line->method));
    TRY(h2_fields_add_pseudo(fields, SLICE(":scheme"), line->scheme));
    TRY(h2_fields_add_pseudo(fields, SLICE(":authority"), line->authority));
    if (line->protocol.len > 0)
        TRY(h2_fields_add_pseudo(fields, SLICE(":protocol"), line->protocol));
    /* A value may stand in the path and in any field. */
    fields->flags = is_secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    TRY(h2_fields_add_pseudo(fields, SLICE(":path"), line->path));
    TRY(h2_fields_add_head(fields, head));
    return h2_fields_add_framing(fields, line->framing);
}

static enum error submit_request(struct h2_stream *stream, const struct h2_fields *fields,
                                 bool ends)
{
    nghttp2_data_provider data = data_source();
    int32_t id = nghttp2_submit_request(stream->session->library, NULL, fields->items,
                                        fields->count, ends ? NULL : &data, stream);

    if (id < 0)
        return h2_stream_error(id);
    stream->id = id;
    stream->sending = ends ? H2_SENDING_DONE : H2_SENDING_BODY;
    return OK;
}

enum error h2_stream_open(struct h2_session *session, const struct h2_request_line *line,
                          const struct http_head *head, struct h2_stream **out)
{
    struct h2_fields fields;

    if (h2_session_stream_room(session) == 0)
        return ERR_AGAIN;
    TRY(fill_request(&fields, line, head));
    struct h2_stream *stream = h2_stream_new(session);
    if (stream == NULL)
        return ERR_NO_MEMORY;

    enum error error = submit_request(stream, &fields, (line->flags & H2_HEAD_ENDS) != 0);
    if (error != OK) {
        h2_stream_orphan(stream);
        return error;
    }
    stream->is_shown = true;
    *out = stream;
    return OK;
}

static enum error fill_response(struct h2_fields *fields, const struct http_head *head,
                                struct http_framing framing, unsigned flags)
{
    h2_fields_init(fields);
    TRY(h2_fields_add_status(fields, head->status));
    if ((flags & H2_HEAD_NEVER_INDEX) != 0)
        fields->flags = NGHTTP2_NV_FLAG_NO_INDEX;
    TRY(h2_fields_add_head(fields, head));
    /* RFC 9110, 8.6: neither has a length. */
    if (head->status < 200 || head->status == 204)
        return OK;
    return h2_fields_add_framing(fields, framing);
}

static bool can_send_head(const struct h2_stream *stream)
{
    return h2_stream_is_live(stream) && stream->sending == H2_SENDING_HEAD;
}

enum error h2_stream_send_interim(struct h2_stream *stream, const struct http_head *head)
{
    struct http_framing none = {.kind = HTTP_BODY_NONE};
    struct h2_fields fields;

    if (!can_send_head(stream))
        return ERR_CLOSED;
    if (head->status >= 200)
        return ERR_SYNTAX;
    TRY(fill_response(&fields, head, none, 0));
    return h2_stream_error(nghttp2_submit_headers(stream->session->library, NGHTTP2_FLAG_NONE,
                                                  stream->id, NULL, fields.items, fields.count,
                                                  NULL));
}

enum error h2_stream_send_response(struct h2_stream *stream, const struct http_head *head,
                                   struct http_framing framing, unsigned flags)
{
    bool ends = (flags & H2_HEAD_ENDS) != 0;
    nghttp2_data_provider data = data_source();
    struct h2_fields fields;

    if (!can_send_head(stream))
        return ERR_CLOSED;
    if (head->status < 200)
        return ERR_SYNTAX;
    TRY(fill_response(&fields, head, framing, flags));
    TRY(h2_stream_error(nghttp2_submit_response(stream->session->library, stream->id, fields.items,
                                                fields.count, ends ? NULL : &data)));
    stream->sending = ends ? H2_SENDING_DONE : H2_SENDING_BODY;
    return OK;
}

static bool can_send_body(const struct h2_stream *stream)
{
    return h2_stream_is_live(stream) && stream->sending == H2_SENDING_BODY;
}

size_t h2_stream_room(const struct h2_stream *stream)
{
    return can_send_body(stream) ? stream->out.limit - buffer_len(&stream->out) : 0;
}

/* Fails when the library is not waiting for it, which is as good. */
static void resume(struct h2_stream *stream)
{
    (void)nghttp2_session_resume_data(stream->session->library, stream->id);
}

enum error h2_stream_send_body(struct h2_stream *stream, struct slice piece)
{
    if (!can_send_body(stream))
        return ERR_CLOSED;
    TRY(buffer_append(&stream->out, piece));
    resume(stream);
    return OK;
}

static enum error copy_fields(const struct http_head *from, struct http_head *to)
{
    for (size_t i = 0; i < from->field_count; i++)
        TRY(http_head_add(to, from->fields[i].name, from->fields[i].value));
    return OK;
}

/* They go out after the body, when the caller's are gone. */
static enum error keep_trailers(struct h2_stream *stream, const struct http_head *trailers)
{
    struct h2_fields fields;

    h2_fields_init(&fields);
    TRY(h2_fields_add_trailers(&fields, trailers));
    if (fields.count == 0)
        return OK;
    stream->out_trailers = malloc(sizeof(*stream->out_trailers));
    if (stream->out_trailers == NULL)
        return ERR_NO_MEMORY;
    http_head_init(stream->out_trailers);
    return copy_fields(trailers, stream->out_trailers);
}

enum error h2_stream_send_end(struct h2_stream *stream, const struct http_head *trailers)
{
    if (!can_send_body(stream))
        return ERR_CLOSED;
    if (trailers != NULL)
        TRY(keep_trailers(stream, trailers));
    stream->sending = H2_SENDING_REST;
    resume(stream);
    return OK;
}

void h2_stream_reset(struct h2_stream *stream, enum h2_code code)
{
    if (stream->session == NULL || stream->is_reset)
        return;
    stream->is_reset = true;
    stream->reset_code = code;
    buffer_clear(&stream->out);
    /* Fails only without memory: then the session is about to end as well. */
    (void)nghttp2_submit_rst_stream(stream->session->library, NGHTTP2_FLAG_NONE, stream->id, code);
}
