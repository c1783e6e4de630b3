/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages written anew. Framing fields come from `framing` alone: Content-Length,
 * Transfer-Encoding, Connection, Keep-Alive and Upgrade among the head's fields are not written.
 * Every name and value is checked once more: ERR_SYNTAX rather than a second line. `out` is as it
 * was after any error. */

#include "http/head.h"
#include "http/request.h"

/* Request line, Host first (as given, authority text), fields, framing. `path` is origin-form. */
struct h1_request_line {
    struct slice method, path, host;
    bool is_websocket; /* writes Connection: upgrade and Upgrade: websocket */
};
MUST_USE enum error h1_writer_request(const struct h1_request_line *line,
                                      const struct http_head *head, struct http_framing framing,
                                      struct buffer *out);
/* Status line, fields, framing; "Connection: close" when `close`. The reason is dropped when it is
 * not a valid phrase. A 101 is always that of a WebSocket and says so; 1xx and 204 get no framing.
 * For an answer to HEAD, and 304, pass what it declared: no body follows in any case. */
MUST_USE enum error h1_writer_response(const struct http_head *head, struct http_framing framing,
                                       bool close, struct buffer *out);
/* Nothing for an empty piece (that would end the body). */
MUST_USE enum error h1_writer_chunk(struct slice piece, struct buffer *out);
/* The last chunk and the trailer section; `trailers` may be NULL. Fields that must not come there
 * (RFC 9110, 6.5.1: framing, routing, credentials, content) are not written. */
MUST_USE enum error h1_writer_last_chunk(const struct http_head *trailers, struct buffer *out);
