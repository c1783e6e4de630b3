/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The response under way: its head, then a body with a length, in chunks, or up to the end of the
 * connection. Trusts the origin no further than its own buffers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_body_state {
    LOAD_BODY_HEAD,
    LOAD_BODY_LENGTH,
    LOAD_BODY_CHUNK_SIZE,
    LOAD_BODY_CHUNK,
    LOAD_BODY_CHUNK_END,
    LOAD_BODY_TRAILER,
    LOAD_BODY_UNTIL_CLOSE,
    LOAD_BODY_COMPLETE,
    LOAD_BODY_BROKEN,
};

enum { LOAD_LINE_MAX = 256, LOAD_HEAD_MAX = 16 * 1024 };

struct load_body {
    enum load_body_state state;
    unsigned status;
    uint64_t left; /* of the body or of the chunk */
    uint64_t received;
    size_t head_len;
    bool is_chunked, has_length;
    char line[LOAD_LINE_MAX]; /* the line under way, cut when it is longer */
    size_t line_len;
    void (*on_bytes)(void *owner, const char *bytes, size_t len); /* of the body; may be NULL */
    void *owner;
};

void load_body_begin(struct load_body *body);
/* How many bytes were used: all, unless the response is complete or broken. */
size_t load_body_feed(struct load_body *body, const char *bytes, size_t len);
/* The connection has ended: is that the end of a response? */
bool load_body_ends_here(const struct load_body *body);
