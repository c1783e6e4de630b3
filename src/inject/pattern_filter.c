/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles the filter of a pattern set. Must never miss: a set bit may lie, a clear one may not. */
#include "inject/pattern_filter.h"

/* At most one bit in sixteen is set: less than one look in two hundred is in vain. */
static uint32_t table_bits(size_t grams)
{
    uint32_t bits = FILTER_BITS_MIN;

    while (bits < FILTER_BITS_MAX && ((size_t)1 << bits) < 32 * grams)
        bits++;
    return bits;
}

struct pattern_filter pattern_filter_plan(size_t count, size_t shortest)
{
    /* Wherever an occurrence begins, one of the samples lies wholly in its first bytes. */
    size_t stride = shortest - FILTER_GRAM_LEN + 1;
    if (stride > FILTER_STRIDE_MAX)
        stride = FILTER_STRIDE_MAX;

    return (struct pattern_filter){.stride = (uint32_t)stride,
                                   .sample_bits = table_bits(count * stride),
                                   .start_bits = table_bits(count)};
}

static size_t table_size(uint32_t bits)
{
    return (size_t)1 << (bits - 3);
}

size_t pattern_filter_size(const struct pattern_filter *filter)
{
    return table_size(filter->sample_bits) + table_size(filter->start_bits);
}

static void set_bit(uint8_t *table, uint32_t index)
{
    table[index / 8] |= (uint8_t)(1u << index % 8);
}

static void add_gram(uint8_t *table, uint32_t bits, const char *gram)
{
    uint32_t word = filter_word(gram);

    set_bit(table, filter_first(word, bits));
    set_bit(table, filter_second(word, bits));
}

static enum error new_table(struct secret_slab *slab, uint32_t bits, uint8_t **out)
{
    struct secret unused;
    char *room;

    TRY(secret_slab_reserve(slab, table_size(bits), &room, &unused));
    memset(room, 0, table_size(bits));
    *out = (uint8_t *)room;
    return OK;
}

enum error pattern_filter_build(struct pattern_filter *filter, const struct pattern_set *set,
                                struct secret_slab *slab)
{
    uint8_t *samples, *starts;

    TRY(new_table(slab, filter->sample_bits, &samples));
    TRY(new_table(slab, filter->start_bits, &starts));
    for (size_t i = 0; i < set->count; i++) {
        struct slice bytes = pattern_bytes(set, &set->patterns[i]);
        add_gram(starts, filter->start_bits, bytes.data);
        for (uint32_t offset = 0; offset < filter->stride; offset++)
            add_gram(samples, filter->sample_bits, bytes.data + offset);
    }
    filter->samples = samples;
    filter->starts = starts;
    return OK;
}
