/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One direction of a WebSocket, read strictly and written anew: in the client's text messages
 * tokens become values, in the upstream's messages values are hidden (text: as their token; binary
 * and control frames: by a mask of their length). Messages stay what they are; a long one may leave
 * in other frames than it came in, because what has come of it goes on at once. Held back are an
 * incomplete control frame and a trailing partial match, until the next byte or the end of the
 * message. Bytes in, bytes out; knows no socket. */

#include "http/websocket_writer.h"
#include "inject/inject.h"

enum {
    WEBSOCKET_REWRITER_STEP = 32 * 1024
}; /* a call adds this, and at most what 512 bytes of
      tokens become */

struct websocket_rewriter;

/* Of the client's frames. `values` must be complete; `finding` is borrowed: it gets the names of
 * the secrets that were injected. */
MUST_USE enum error websocket_rewriter_new_injecting(struct inject_values *values,
                                                     struct decision_settings settings,
                                                     struct inject_finding *finding,
                                                     struct websocket_rewriter **out);
/* Of the upstream's frames. Where nothing is to be hidden they are only kept in order. */
MUST_USE enum error websocket_rewriter_new_hiding(struct inject_values *values,
                                                  struct websocket_rewriter **out);
void websocket_rewriter_free(struct websocket_rewriter *rewriter); /* wipes what was held back */
DEFINE_OWNED_STRUCT(websocket_rewriter, websocket_rewriter_free)

/* Takes one more piece; appends whole frames to `out`, which the caller has emptied. While
 * websocket_rewriter_has_more(), call again with an empty piece before the next. ERR_SYNTAX, once
 * all that came before is out: a frame is not in order. */
MUST_USE enum error websocket_rewriter_push(struct websocket_rewriter *rewriter, struct slice piece,
                                            struct buffer *out);
bool websocket_rewriter_has_more(const struct websocket_rewriter *rewriter);
/* The sender's Close has been read. */
bool websocket_rewriter_is_closed(const struct websocket_rewriter *rewriter);
/* We end it: a Close in place of all that would follow, unless the sender has closed already. */
MUST_USE enum error websocket_rewriter_close(struct websocket_rewriter *rewriter, uint16_t status,
                                             struct slice reason, struct buffer *out);
/* Tokens that became values so far, and values that were hidden. NULL is fine. */
size_t websocket_rewriter_injected(const struct websocket_rewriter *rewriter);
size_t websocket_rewriter_hidden(const struct websocket_rewriter *rewriter);
