/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The tables of a pattern_filter: bit sets of hashed four-byte strings. */

#include "inject/pattern_set.h"

enum {
    FILTER_GRAM_LEN = 4,
    FILTER_STRIDE_MAX = 24,
    FILTER_BITS_MIN = 10,
    FILTER_BITS_MAX = 20,
};

static inline uint32_t filter_word(const char *gram)
{
    uint32_t word;

    memcpy(&word, gram, sizeof(word));
    return word;
}

/* Two bits a gram: the second is only looked at when the first is set. */
static inline uint32_t filter_first(uint32_t word, uint32_t bits)
{
    return word * 0x9E3779B1u >> (32 - bits);
}

static inline uint32_t filter_second(uint32_t word, uint32_t bits)
{
    return word * 0x85EBCA77u >> (32 - bits);
}

static inline bool filter_bit(const uint8_t *table, uint32_t index)
{
    return table[index / 8] >> index % 8 & 1;
}

static inline bool filter_has(const uint8_t *table, uint32_t bits, const char *gram)
{
    uint32_t word = filter_word(gram);

    return filter_bit(table, filter_first(word, bits)) &&
           filter_bit(table, filter_second(word, bits));
}

/* The sizes for these patterns; the tables are not there yet. */
struct pattern_filter pattern_filter_plan(size_t count, size_t shortest);
/* Bytes of both tables. */
size_t pattern_filter_size(const struct pattern_filter *filter);
/* Makes the tables in the slab. */
MUST_USE enum error pattern_filter_build(struct pattern_filter *filter,
                                         const struct pattern_set *set, struct secret_slab *slab);
