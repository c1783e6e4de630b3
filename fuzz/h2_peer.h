/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A session that is fed any bytes, with an owner that answers what it can. */

#include "fuzz/h1_rewrite.h"
#include "http/h2_request.h"
#include "http/h2_response.h"
#include "http/h2_session.h"

enum { H2_PEER_INPUT_MAX = 64 * 1024, H2_PEER_MEMORY_MAX = 4 << 20, H2_PEER_PULL_MAX = 4096 };

#define H2_PEER_PREFACE SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
/* An empty SETTINGS, and the acknowledgement of ours. */
#define H2_PEER_SETTINGS SLICE("\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0")

/* Whatever was accepted passes the checks of HTTP/1. */
static inline void h2_peer_check_fields(const struct http_head *head)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct slice value = head->fields[i].value;
        h1_rewrite_must(http_is_token(head->fields[i].name), "a name is not a token");
        h1_rewrite_must(http_is_field_value(value), "a value has a control");
        h1_rewrite_must(slice_trim(value).len == value.len, "a value has space at its ends");
    }
}

static void h2_peer_on_body(void *context, struct h2_stream *stream, struct slice piece)
{
    (void)context;
    (void)!h2_stream_send_body(stream, slice_take(piece, h2_stream_room(stream)));
    h2_stream_consumed(stream, piece.len);
}

static void h2_peer_on_end(void *context, struct h2_stream *stream)
{
    struct http_head *trailers = h2_stream_trailers(stream);

    (void)context;
    if (trailers != NULL)
        h2_peer_check_fields(trailers);
    (void)!h2_stream_send_end(stream, trailers);
}

static void h2_peer_on_closed(void *context, struct h2_stream *stream, uint32_t code)
{
    (void)context, (void)code;
    h2_stream_free(stream);
}

static inline void h2_peer_pull(struct h2_session *session)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = H2_PEER_PULL_MAX + H2_PULL_OVER};

    do {
        buffer_reset(out);
        if (h2_session_pull(session, out, H2_PEER_PULL_MAX) != OK)
            return;
    } while (buffer_len(out) > 0);
}

static inline void h2_peer_check_memory(const struct h2_session *session)
{
    h1_rewrite_must(h2_session_memory(session) <= H2_PEER_MEMORY_MAX, "too much memory");
}

/* In pieces of `piece_max`, written out after each. */
static inline void h2_peer_feed(struct h2_session *session, struct slice input, size_t piece_max)
{
    while (input.len > 0 && !h2_session_is_over(session)) {
        struct slice piece = slice_take(input, piece_max);
        enum error error = h2_session_feed(session, piece);
        h2_peer_check_memory(session);
        h2_peer_pull(session);
        if (error != OK) {
            h1_rewrite_must(h2_session_stream_count(session) == 0, "a stream is left over");
            return;
        }
        input = slice_skip(input, piece.len);
    }
}
