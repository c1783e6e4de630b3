/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Two sessions back to back: what one writes the other reads. Each end notes what happens to it. */

#include "http/h2_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { H2_PAIR_STREAMS_MAX = 256, H2_PAIR_BODY_MAX = 4 << 20, H2_PAIR_PULL_MAX = 64 * 1024 };

/* What one end saw of one stream. */
struct h2_seen {
    struct h2_stream *stream;
    struct buffer body;
    size_t unconsumed;
    int heads, interims, ends, closes;
    uint16_t interim_status;
    uint32_t code;
};

struct h2_end {
    struct h2_session *session;
    struct h2_seen seen[H2_PAIR_STREAMS_MAX];
    size_t count;
    bool holds_back; /* does not consume what comes */
    int goaways;
    uint32_t goaway_code;
    size_t written; /* bytes that it has sent */
};

struct h2_pair {
    struct h2_end client, upstream; /* the latter reads requests */
};

static inline struct h2_seen *h2_pair_see(struct h2_end *end, struct h2_stream *stream)
{
    assert_true(end->count < H2_PAIR_STREAMS_MAX);
    struct h2_seen *seen = &end->seen[end->count++];

    *seen = (struct h2_seen){.stream = stream};
    buffer_init(&seen->body, H2_PAIR_BODY_MAX);
    h2_stream_set_owner(stream, seen);
    return seen;
}

static void h2_pair_on_head(void *context, struct h2_stream *stream)
{
    struct h2_seen *seen = h2_stream_owner(stream);

    if (seen == NULL)
        seen = h2_pair_see(context, stream);
    seen->heads++;
}

static void h2_pair_on_interim(void *context, struct h2_stream *stream)
{
    struct h2_seen *seen = h2_stream_owner(stream);

    (void)context;
    seen->interims++;
    seen->interim_status = h2_stream_head(stream)->status;
}

static void h2_pair_on_body(void *context, struct h2_stream *stream, struct slice piece)
{
    struct h2_end *end = context;
    struct h2_seen *seen = h2_stream_owner(stream);

    assert_int_equal(buffer_append(&seen->body, piece), OK);
    if (end->holds_back)
        seen->unconsumed += piece.len;
    else
        h2_stream_consumed(stream, piece.len);
}

static void h2_pair_on_end(void *context, struct h2_stream *stream)
{
    struct h2_seen *seen = h2_stream_owner(stream);

    (void)context;
    seen->ends++;
}

static void h2_pair_on_closed(void *context, struct h2_stream *stream, uint32_t code)
{
    struct h2_seen *seen = h2_stream_owner(stream);

    (void)context;
    assert_true(h2_stream_is_closed(stream));
    seen->closes++;
    seen->code = code;
}

static void h2_pair_on_goaway(void *context, uint32_t code)
{
    struct h2_end *end = context;

    end->goaways++;
    end->goaway_code = code;
}

static const struct h2_events h2_pair_events = {
    .on_head = h2_pair_on_head,
    .on_interim = h2_pair_on_interim,
    .on_body = h2_pair_on_body,
    .on_end = h2_pair_on_end,
    .on_closed = h2_pair_on_closed,
    .on_goaway = h2_pair_on_goaway,
};

static inline void h2_end_init(struct h2_end *end, enum h2_role role,
                               const struct h2_limits *limits)
{
    memset(end, 0, sizeof(*end));
    assert_int_equal(h2_session_new(role, &h2_pair_events, end, limits, &end->session), OK);
}

static inline void h2_end_clear(struct h2_end *end)
{
    h2_session_free(end->session);
    for (size_t i = 0; i < end->count; i++) {
        buffer_clear(&end->seen[i].body);
        h2_stream_free(end->seen[i].stream);
    }
}

/* Gives the owner's reference back, so that h2_end_clear() does not. */
static inline void h2_seen_free(struct h2_seen *seen)
{
    h2_stream_free(seen->stream);
    seen->stream = NULL;
}

/* What `from` writes now goes to `to`, in pieces of at most `piece_max`. */
static inline size_t h2_pair_move(struct h2_end *from, struct h2_end *to, size_t piece_max)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = H2_PAIR_PULL_MAX + H2_PULL_OVER};

    assert_int_equal(h2_session_pull(from->session, wire, H2_PAIR_PULL_MAX), OK);
    size_t len = buffer_len(wire);
    from->written += len;
    while (buffer_len(wire) > 0) {
        struct slice piece = slice_take(buffer_view(wire), piece_max);
        (void)!h2_session_feed(to->session, piece);
        buffer_consume(wire, piece.len);
    }
    return len;
}

static inline void h2_pair_pump_pieces(struct h2_pair *pair, size_t piece_max)
{
    size_t moved;

    do {
        moved = h2_pair_move(&pair->client, &pair->upstream, piece_max);
        moved += h2_pair_move(&pair->upstream, &pair->client, piece_max);
    } while (moved > 0);
}

static inline void h2_pair_pump(struct h2_pair *pair)
{
    h2_pair_pump_pieces(pair, SIZE_MAX);
}

static inline struct h2_pair *h2_pair_new_limited(const struct h2_limits *client,
                                                  const struct h2_limits *upstream)
{
    struct h2_pair *pair = malloc(sizeof(*pair));

    assert_non_null(pair);
    h2_end_init(&pair->client, H2_RESPONSES, client);
    h2_end_init(&pair->upstream, H2_REQUESTS, upstream);
    h2_pair_pump(pair);
    return pair;
}

static inline struct h2_pair *h2_pair_new(void)
{
    struct h2_limits limits = h2_session_default_limits();

    return h2_pair_new_limited(&limits, &limits);
}

static inline void h2_pair_free(struct h2_pair *pair)
{
    h2_end_clear(&pair->client);
    h2_end_clear(&pair->upstream);
    free(pair);
}

static inline struct h2_request_line h2_pair_line(const char *method, const char *path)
{
    return (struct h2_request_line){
        .method = slice_from_string(method),
        .scheme = SLICE("https"),
        .authority = SLICE("api.example.com"),
        .path = slice_from_string(path),
    };
}

static inline struct h2_seen *h2_pair_open_line(struct h2_pair *pair,
                                                const struct h2_request_line *line,
                                                const struct http_head *head)
{
    struct h2_stream *stream = NULL;

    assert_int_equal(h2_stream_open(pair->client.session, line, head, &stream), OK);
    return h2_pair_see(&pair->client, stream);
}

/* A request without fields of its own. */
static inline struct h2_seen *h2_pair_open(struct h2_pair *pair, const char *method, bool ends)
{
    struct h2_request_line line = h2_pair_line(method, "/v1");
    struct http_head head;

    http_head_init(&head);
    line.flags = ends ? H2_HEAD_ENDS : 0;
    return h2_pair_open_line(pair, &line, &head);
}

static inline void h2_pair_respond(struct h2_seen *seen, uint16_t status, unsigned flags)
{
    struct http_head head;

    http_head_init(&head);
    head.status = status;
    assert_int_equal(h2_stream_send_response(seen->stream, &head,
                                             (struct http_framing){.kind = HTTP_BODY_CHUNKED},
                                             flags),
                     OK);
}
