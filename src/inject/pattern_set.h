/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Byte strings to look for, all at once, and what stands for each. Filled, then sealed; immutable
 * from then on. The strings are forms of values: they lie in guarded memory, as does every table
 * that is made of their bytes. */

#include "base/secret.h"
#include "policy/token.h"

#include "base/buffer.h"

/* Every pattern has at least so many bytes; the filter needs them. */
enum { PATTERN_MIN_LEN = 8, PATTERN_SET_MAX_BYTES = 256 * 1024 * 1024 };

struct pattern {
    uint32_t offset, len;
    uint32_t shorter;          /* the longest other pattern that this one begins with, or NONE */
    const struct token *token; /* what stands for it; NULL: a mask. Borrowed */
};

enum { PATTERN_NONE = UINT32_MAX };

/* Skips text that cannot hold a pattern: one look at four bytes every `stride` bytes. */
struct pattern_filter {
    uint32_t stride;
    uint32_t sample_bits, start_bits; /* sizes of the two tables, as powers of two */
    const uint8_t *samples;           /* four bytes at any of the first `stride` offsets */
    const uint8_t *starts;            /* the first four bytes */
};

struct pattern_set {
    struct buffer staged; /* the bytes, until sealed */
    const char *bytes;    /* the bytes, in the slab, once sealed */
    struct pattern *patterns;
    size_t count, capacity;
    size_t value_start;       /* the first pattern of the value that is being added */
    size_t shortest, longest; /* lengths */
    struct pattern_filter filter;
};

void pattern_set_init(struct pattern_set *set);
void pattern_set_clear(struct pattern_set *set);
/* The patterns that follow are forms of one value. */
void pattern_set_begin_value(struct pattern_set *set);
/* Copies. Skips what is shorter than PATTERN_MIN_LEN, and what this value has already. When two
 * values have a pattern in common, one with a token is kept. ERR_TOO_LARGE past
 * PATTERN_SET_MAX_BYTES. */
MUST_USE enum error pattern_set_add(struct pattern_set *set, struct slice bytes,
                                    const struct token *token);
/* Bytes of a slab that pattern_set_seal() takes. */
size_t pattern_set_slab_size(const struct pattern_set *set);
/* Moves all bytes to the slab, which must outlive the set, and compiles. */
MUST_USE enum error pattern_set_seal(struct pattern_set *set, struct secret_slab *slab);

static inline struct slice pattern_bytes(const struct pattern_set *set,
                                         const struct pattern *pattern)
{
    return slice_of(set->bytes + pattern->offset, pattern->len);
}
