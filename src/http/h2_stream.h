/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request and its response on an HTTP/2 session. A stream stays valid until its owner calls
 * h2_stream_free(), also when it was closed and when its session is gone: sending to it then is
 * ERR_CLOSED, the rest does nothing. */

#include "http/h2_code.h"
#include "http/h2_head.h"
#include "http/request.h"

struct h2_session;
struct h2_stream;

enum h2_head_flags {
    H2_HEAD_ENDS = 1,        /* no body, no trailers */
    H2_HEAD_NEVER_INDEX = 2, /* it carries values of secrets: no compression table keeps them */
};

struct h2_request_line {
    struct slice method, scheme, authority, path;
    struct slice protocol; /* of an extended CONNECT, else empty */
    struct http_framing framing;
    unsigned flags; /* h2_head_flags */
};

/* Sends a request. ERR_AGAIN when h2_session_stream_room() is 0, ERR_SYNTAX when the head cannot be
 * sent: connection-specific fields, Host and Content-Length are left out, anything else that is not
 * a field is an error. */
MUST_USE enum error h2_stream_open(struct h2_session *session, const struct h2_request_line *line,
                                   const struct http_head *head, struct h2_stream **out);
/* To be called from on_closed or after it. Earlier, it resets the stream with H2_CANCEL, drops what
 * was not sent yet, and no event follows. */
void h2_stream_free(struct h2_stream *stream);

void h2_stream_set_owner(struct h2_stream *stream, void *owner);
void *h2_stream_owner(const struct h2_stream *stream);
bool h2_stream_is_closed(const struct h2_stream *stream);

/* What was received; fields may be changed in place. */
struct http_head *h2_stream_head(struct h2_stream *stream);
const struct h2_request_pseudo *h2_stream_pseudo(const struct h2_stream *stream);
/* NULL when there were none. */
struct http_head *h2_stream_trailers(struct h2_stream *stream);
/* That many bytes of the body were passed on: the peer may send as many again. */
void h2_stream_consumed(struct h2_stream *stream, size_t len);

/* `head->status` and fields. An interim one (1xx but 101) goes before the one that counts. */
MUST_USE enum error h2_stream_send_interim(struct h2_stream *stream, const struct http_head *head);
MUST_USE enum error h2_stream_send_response(struct h2_stream *stream, const struct http_head *head,
                                            struct http_framing framing, unsigned flags);
/* How many bytes h2_stream_send_body() takes now. */
size_t h2_stream_room(const struct h2_stream *stream);
/* ERR_TOO_LARGE when there is no room for all of it: nothing is taken then. */
MUST_USE enum error h2_stream_send_body(struct h2_stream *stream, struct slice piece);
/* The end, after what was sent before; `trailers` may be NULL and are copied. Once a response is
 * complete, what is left of its request is refused with H2_NO_ERROR. */
MUST_USE enum error h2_stream_send_end(struct h2_stream *stream, const struct http_head *trailers);
/* Drops what was not sent yet. on_closed follows. */
void h2_stream_reset(struct h2_stream *stream, enum h2_code code);
