/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bytes that we own: a contiguous queue, appended at the end, consumed at the front, with a limit
 * given at birth. Storage is allocated on first use, and wiped whenever it is freed or outgrown, so
 * a buffer may carry what inject/ filled it with. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

struct buffer {
    char *data;
    size_t start; /* first byte not yet consumed */
    size_t end;   /* one past the last byte */
    size_t capacity;
    size_t limit; /* most bytes it may hold at once */
};

void buffer_init(struct buffer *buffer, size_t limit);
/* Wipes and frees the storage; the buffer stays usable with the same limit. */
void buffer_clear(struct buffer *buffer);
/* OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = 4096}; clears it on every way out. */
DEFINE_OWNED_STRUCT(buffer, buffer_clear)

/* ERR_TOO_LARGE when it would hold more than its limit; nothing is appended then. */
MUST_USE enum error buffer_append(struct buffer *buffer, struct slice bytes);
MUST_USE enum error buffer_append_byte(struct buffer *buffer, char byte);
MUST_USE enum error buffer_append_u64(struct buffer *buffer, uint64_t number);
/* printf into the buffer. Never for a value of a secret, nor for bytes that a peer chose. */
MUST_USE PRINTF_LIKE(2, 3) enum error
    buffer_append_format(struct buffer *buffer, const char *format, ...);

/* Makes room for `len` more bytes and points to it; buffer_commit() says how many were written. */
MUST_USE enum error buffer_reserve(struct buffer *buffer, size_t len, char **out);
void buffer_commit(struct buffer *buffer, size_t len);

static inline struct slice buffer_view(const struct buffer *buffer)
{
    return buffer->data == NULL
               ? SLICE_NONE
               : slice_of(buffer->data + buffer->start, buffer->end - buffer->start);
}

static inline size_t buffer_len(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

/* Drops the first `len` bytes, which are wiped later, with the storage. */
void buffer_consume(struct buffer *buffer, size_t len);
/* Drops all bytes but keeps the storage, wiping what was used of it. */
void buffer_reset(struct buffer *buffer);
/* Shortens to the first `len` bytes. */
void buffer_truncate(struct buffer *buffer, size_t len);
