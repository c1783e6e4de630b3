/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The chunked coding (RFC 9112, 7.1), stricter than its grammar: a size of 1 to 16 hexadecimal
 * digits right before CRLF or ";", CRLF and nothing else after size and data, extensions dropped
 * and at most 1 KiB of them in a message, at most 8 KiB of trailers.
 *
 * A decoder of our own rather than llhttp's: that one takes sizes of any length, white space behind
 * them, folded trailers and extensions without end, so guarding it means following every byte of
 * the framing anyway, and two state machines that must agree are worse than one. */

#include "http/h1_scan.h"

enum { H1_CHUNK_EXTENSIONS_MAX = 1024, H1_TRAILERS_MAX = 8 * 1024 };

enum h1_chunked_state {
    H1_CHUNKED_SIZE,
    H1_CHUNKED_EXTENSION,
    H1_CHUNKED_SIZE_LF,
    H1_CHUNKED_DATA,
    H1_CHUNKED_DATA_CR,
    H1_CHUNKED_DATA_LF,
    H1_CHUNKED_TRAILERS,
    H1_CHUNKED_END,
    H1_CHUNKED_FAULT,
};

struct h1_chunked {
    enum h1_chunked_state state;
    uint64_t chunk_left; /* bytes of data still to come in this chunk */
    unsigned size_digits;
    size_t extensions_len; /* in this message */
    struct h1_scan trailer_scan;
    struct http_head *trailers; /* borrowed; filled at the end */
    struct http_fault fault;
};

/* `trailers` was initialised. */
void h1_chunked_init(struct h1_chunked *chunked, struct http_head *trailers);
/* Consumes from the front of `*input` up to the end of the next piece of data, which `*piece` then
 * is (pointing into the input). An empty piece: the input is used up, or see `state`. */
void h1_chunked_next(struct h1_chunked *chunked, struct slice *input, struct slice *piece);
