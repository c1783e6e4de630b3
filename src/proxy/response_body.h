/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What happens to the body of a response between the upstream's framing and ours: nothing, or
 * decoding and redaction. Bytes in, bytes out; knows no socket. */

#include "http/coding.h"
#include "http/response.h"
#include "inject/inject.h"
#include "inject/websocket_rewriter.h"

enum {
    RESPONSE_BODY_WHOLE_MAX = 64 * 1024, /* a body up to this long is completed first */
    RESPONSE_BODY_STEP = 32 * 1024,      /* decoded bytes that one call adds, about */
};

enum response_body_mode {
    RESPONSE_BODY_DIRECT,   /* bytes pass as they are */
    RESPONSE_BODY_FILTERED, /* decoded if need be, redacted, passed on */
    RESPONSE_BODY_WHOLE,    /* redacted, collected, passed on with its new length */
    RESPONSE_BODY_FRAMES,   /* of a WebSocket: its messages are redacted, its frames written anew */
};

struct response_body {
    enum response_body_mode mode;
    struct http_framing framing; /* toward the client; of WHOLE: known at the end */
    struct coding_decoder *decoder;
    struct redactor *redactor;
    struct buffer coded;   /* arrived, not yet decoded because the client is slow */
    struct buffer decoded; /* between decoder and redactor */
    struct buffer whole;
    struct websocket_rewriter *frames; /* of FRAMES */
    size_t coded_seen;                 /* bytes for the decoder so far */
    bool has_more;                     /* the decoder has output left, or `coded` has bytes */
};

/* Decides from the final response head, and changes the head accordingly (Content-Encoding goes
 * when the body is decoded). `is_http10_client`: no chunks. ERR_UNSUPPORTED: a coding that cannot
 * be decoded. */
MUST_USE enum error response_body_plan(struct response_body *body, struct inject_values *values,
                                       struct http_head *head, struct http_framing upstream_framing,
                                       bool is_http10_client);
/* What follows the handshake of a WebSocket: the frames of the upstream. */
MUST_USE enum error response_body_plan_frames(struct response_body *body,
                                              struct inject_values *values);
/* The plan where there is nothing to hide. */
void response_body_pass(struct response_body *body, struct http_framing upstream_framing,
                        bool is_http10_client);
void response_body_clear(struct response_body *body);
/* Takes one more piece; appends what may go to the client to `out`. While body->has_more, call
 * again with an empty piece before the next. ERR_SYNTAX: the coding is corrupt, or a frame is not
 * in order. */
MUST_USE enum error response_body_push(struct response_body *body, struct slice piece,
                                       struct buffer *out);
/* Whether the head may go out: not before a body that is completed first, nor before the decoder
 * has taken enough to have refused what is not in its coding. */
bool response_body_may_begin(const struct response_body *body);
/* The upstream's body is complete and has_more is false. */
MUST_USE enum error response_body_end(struct response_body *body, struct buffer *out);
/* Values hidden so far. */
size_t response_body_hits(const struct response_body *body);
