/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the HTTP/2 codec share. Nobody else includes it. */

#include "http/h2_guard.h"
#include "http/h2_memory.h"
#include "http/h2_session.h"

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

struct h2_session {
    nghttp2_session *library;
    struct h2_memory memory;
    struct h2_guard guard;
    enum h2_role role;
    struct h2_limits limits;
    const struct h2_events *events; /* borrowed */
    void *context;                  /* borrowed */
    LIST_HEAD(, h2_stream) streams; /* that are not closed */
    size_t stream_count, wide_count;
    enum h2_code doom; /* found in a callback: what the session must end with */
    bool has_peer_settings;
    bool awaits_head;   /* a HEADERS frame has begun whose stream is not known yet */
    bool is_failed;     /* all streams were closed, nothing more is read */
    bool was_drained;   /* h2_session_drain() was called */
    struct buffer *out; /* during h2_session_pull() */
    size_t out_max;
};

enum h2_sending {
    H2_SENDING_HEAD, /* not sent yet */
    H2_SENDING_BODY,
    H2_SENDING_REST, /* the end is known, the body is not all sent */
    H2_SENDING_DONE, /* END_STREAM is with the library */
};

enum h2_receiving { H2_RECEIVING_HEAD, H2_RECEIVING_BODY, H2_RECEIVING_DONE };

struct h2_stream {
    LIST_ENTRY(h2_stream) link;
    struct h2_session *session; /* borrowed; NULL once it is closed */
    int32_t id;
    void *owner; /* borrowed */
    enum h2_sending sending;
    enum h2_receiving receiving;
    unsigned interim_count;
    size_t consumed;  /* of the body, until `is_wide` */
    bool is_wide;     /* it has the wide window */
    bool is_shown;    /* it has an owner */
    bool is_released; /* the owner has freed it; it goes when it is closed */
    bool is_reset;    /* by us: nothing that comes is looked at */
    enum h2_code reset_code;
    struct h2_head head;
    struct h2_head *trailers; /* NULL: none came */
    struct buffer out;
    struct http_head *out_trailers; /* NULL: none */
};

/* With everything set for nghttp2_session_callbacks_del(); NULL when out of memory. */
nghttp2_session_callbacks *h2_callbacks_new(void);

/* NULL when out of memory. In the session's list, not known to the library yet. */
struct h2_stream *h2_stream_new(struct h2_session *session);
/* The library has closed it, or never will: tells the owner, or frees it where there is none. */
void h2_stream_close(struct h2_stream *stream, uint32_t code);
/* The session goes without a word. */
void h2_stream_orphan(struct h2_stream *stream);
/* Whether events of it still matter to somebody. */
bool h2_stream_is_live(const struct h2_stream *stream);
/* NULL for a stream that we have closed. */
struct h2_stream *h2_stream_find(struct h2_session *session, int32_t id);
/* The head or trailers that a header block which begins now is decoded into; NULL when out of
 * memory. */
struct h2_head *h2_stream_begin_head(struct h2_stream *stream);
/* The one that it is being decoded into. */
struct h2_head *h2_stream_current_head(struct h2_stream *stream);
size_t h2_stream_memory(const struct h2_stream *stream);
/* The library's error as ours. */
enum error h2_stream_error(int library_error);
