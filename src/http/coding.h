/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Content codings, decoded as a stream (RFC 9110, 8.4.1): gzip, deflate (with and without the zlib
 * wrapper), br, zstd. Bounded: no window over 8 MiB. It is memory that is bounded: a stream that
 * announces more and never needs it may pass. */

#include "base/buffer.h"

enum coding_kind {
    CODING_IDENTITY,
    CODING_GZIP,
    CODING_DEFLATE,
    CODING_BROTLI,
    CODING_ZSTD,
    CODING_UNKNOWN
};

struct coding_decoder;

/* Of one Content-Encoding element, case ignored; "x-gzip" is gzip. */
enum coding_kind coding_parse(struct slice name);
/* What an Accept-Encoding sent upstream may say: keeps only the elements (with their weights) that
 * are decoded here, "identity" when none is left. */
MUST_USE enum error coding_reduce_accept(struct slice accept_encoding, struct buffer *out);

MUST_USE enum error coding_decoder_new(enum coding_kind kind, struct coding_decoder **out);
void coding_decoder_free(struct coding_decoder *decoder); /* wipes its window */
DEFINE_OWNED_STRUCT(coding_decoder, coding_decoder_free)
/* Decodes from the front of `*input` into `out` until the input is used up (OK) or `out` is at its
 * limit (ERR_AGAIN: empty `out` and call again, also with no input). ERR_SYNTAX for corrupt data, a
 * window too large, or bytes after the end. */
MUST_USE enum error coding_decode(struct coding_decoder *decoder, struct slice *input,
                                  struct buffer *out);
/* ERR_SYNTAX when the stream is not complete. No byte at all is complete: origins label empty
 * bodies as well. */
MUST_USE enum error coding_decoder_finish(const struct coding_decoder *decoder);
