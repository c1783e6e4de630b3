/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* HTTP/2 (RFC 9113) in, events out, and back: nghttp2 behind limits and checks of our own. No
 * sockets, no clocks. One session is one connection; toward a client it reads requests, toward an
 * upstream responses. The streams are in http/h2_stream.h.
 *
 * Memory is bounded: nghttp2's own by H2_LIBRARY_MEMORY_MAX, what arrives by streams × stream
 * window, what is to be sent by streams × `stream_room`. The connection's window is given back at
 * once and the stream's only with h2_stream_consumed(), so a slow stream holds up no other. A long
 * body that keeps being consumed gets a wider window, as few streams may have. */

#include "http/h2_stream.h"

enum h2_role { H2_REQUESTS, H2_RESPONSES }; /* what comes in */

enum {
    H2_LIBRARY_MEMORY_MAX = 8 * 1024 * 1024,
    H2_FRAME_MAX = 9 + 16 * 1024, /* the longest frame that is sent */
    H2_PULL_OVER = 2 * H2_FRAME_MAX,
    H2_QUEUE_MAX = 256,  /* frames of about 256 bytes each: 64 KiB */
    H2_INTERIM_MAX = 10, /* responses before the one that counts */
};

struct h2_limits {
    uint32_t streams;           /* open at once */
    uint32_t stream_window;     /* bytes of a body that come unconsumed; 64 KiB */
    uint32_t wide_window;       /* the same, once as many as `stream_window` were consumed ... */
    uint32_t wide_streams;      /* ... of at most that many streams at once, */
    uint32_t *wide_shared;      /* and of wide_shared_max of all sessions that count here, */
    uint32_t wide_shared_max;   /* borrowed; NULL: it shares with none */
    uint32_t connection_window; /* 1 MiB */
    /* Of HPACK, for what comes in. What an origin echoes may stay there until the session ends; 0
     * prevents that, but there are origins that do not cope with less than 4,096. */
    uint32_t header_table_size;
    size_t stream_room;                     /* bytes of a body that wait to be sent */
    uint32_t flood_burst, flood_per_second; /* http/h2_guard.h */
    bool allows_websocket;                  /* H2_REQUESTS: announce extended CONNECT (RFC 8441) */
};

/* Called from inside of this file's functions: they may use all of http/h2_stream.h and none that
 * change the session (feed, pull, terminate, disconnect, free). */
struct h2_events {
    /* A request, or a response that is not interim: h2_stream_head(), h2_stream_pseudo(). With
     * H2_REQUESTS the stream is new, and from now on the callee's to h2_stream_free(). */
    void (*on_head)(void *context, struct h2_stream *stream);
    /* 1xx: h2_stream_head() is valid during the call. May be NULL with H2_REQUESTS. */
    void (*on_interim)(void *context, struct h2_stream *stream);
    /* `piece` is valid during the call; h2_stream_consumed() when it was passed on. */
    void (*on_body)(void *context, struct h2_stream *stream, struct slice piece);
    /* The message is complete; h2_stream_trailers(). */
    void (*on_end)(void *context, struct h2_stream *stream);
    /* h2_stream_room() has grown. May be NULL. */
    void (*on_room)(void *context, struct h2_stream *stream);
    /* The last event of a stream; `code` is that of the reset, ours or the peer's. Without on_end
     * before, what came is cut short, whatever the code says. */
    void (*on_closed)(void *context, struct h2_stream *stream, uint32_t code);
    /* The peer takes no more streams. May be NULL. */
    void (*on_goaway)(void *context, uint32_t code);
};

struct h2_session;

struct h2_limits h2_session_default_limits(void);
/* `events` and `context` are borrowed. */
MUST_USE enum error h2_session_new(enum h2_role role, const struct h2_events *events, void *context,
                                   const struct h2_limits *limits, struct h2_session **out);
/* Without events. Streams that the owner still holds are closed, and remain to be freed. */
void h2_session_free(struct h2_session *session);
DEFINE_OWNED_STRUCT(h2_session, h2_session_free)

/* Takes all of `input`. After an error (ERR_SYNTAX: the peer's fault, a flood included) nothing
 * more is read, all streams are closed, and what h2_session_pull() still gives says why. */
MUST_USE enum error h2_session_feed(struct h2_session *session, struct slice input);
/* Appends what is to be written now, until `out` holds `max` bytes or a frame or two more: its
 * limit is at least max + H2_PULL_OVER. */
MUST_USE enum error h2_session_pull(struct h2_session *session, struct buffer *out, size_t max);
/* False while too much waits to be pulled: to be obeyed, or the peer fills our memory. Besides,
 * stop feeding while 64 KiB that were pulled are not written. */
bool h2_session_wants_read(const struct h2_session *session);
bool h2_session_wants_write(const struct h2_session *session);
/* Nothing will be read or written any more: close the connection after writing what was pulled. */
bool h2_session_is_over(const struct h2_session *session);
/* Monotonic milliseconds, at least once a second while frames come: tokens come back with it. */
void h2_session_tick(struct h2_session *session, uint64_t now_ms);

/* How many more streams h2_stream_open() may open now. */
size_t h2_session_stream_room(const struct h2_session *session);
size_t h2_session_stream_count(const struct h2_session *session);
/* Whether its first SETTINGS have come. */
/* A head has begun to come, and not ended. */
bool h2_session_is_amid_head(const struct h2_session *session);
bool h2_session_has_peer_settings(const struct h2_session *session);
/* Whether the peer takes an extended CONNECT. */
bool h2_session_peer_allows_websocket(const struct h2_session *session);

/* First call: asks the peer to open no more streams. Second call, a round trip later: those that it
 * opens are refused. Open streams go on; the session is over after the last. */
MUST_USE enum error h2_session_drain(struct h2_session *session);
/* Ends the session with this code: all streams are closed. */
void h2_session_terminate(struct h2_session *session, enum h2_code code);
/* The transport is gone: all streams are closed. */
void h2_session_disconnect(struct h2_session *session);

/* Bytes of heap that it holds now, streams included, for the memory ceiling. */
size_t h2_session_memory(const struct h2_session *session);
