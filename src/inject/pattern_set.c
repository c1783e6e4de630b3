/* SPDX-License-Identifier: Apache-2.0 */
/* Collects patterns and makes them searchable. Never leaves their bytes outside the slab. */
#include "inject/pattern_set.h"

#include "inject/pattern_filter.h"

#include <stdlib.h>

void pattern_set_init(struct pattern_set *set)
{
    *set = (struct pattern_set){.shortest = SIZE_MAX};
    buffer_init(&set->staged, PATTERN_SET_MAX_BYTES);
}

void pattern_set_clear(struct pattern_set *set)
{
    buffer_clear(&set->staged);
    free(set->patterns);
    pattern_set_init(set);
}

static enum error make_room(struct pattern_set *set)
{
    if (set->count < set->capacity)
        return OK;

    size_t capacity = set->capacity > 0 ? 2 * set->capacity : 16;
    struct pattern *patterns = reallocarray(set->patterns, capacity, sizeof(*patterns));
    if (patterns == NULL)
        return ERR_NO_MEMORY;
    set->patterns = patterns;
    set->capacity = capacity;
    return OK;
}

void pattern_set_begin_value(struct pattern_set *set)
{
    set->value_start = set->count;
}

static bool value_has(const struct pattern_set *set, struct slice bytes)
{
    struct slice staged = buffer_view(&set->staged);

    for (size_t i = set->value_start; i < set->count; i++) {
        const struct pattern *pattern = &set->patterns[i];
        if (slice_equals(bytes, slice_take(slice_skip(staged, pattern->offset), pattern->len)))
            return true;
    }
    return false;
}

enum error pattern_set_add(struct pattern_set *set, struct slice bytes, const struct token *token)
{
    if (bytes.len < PATTERN_MIN_LEN || value_has(set, bytes))
        return OK;

    TRY(make_room(set));
    uint32_t offset = (uint32_t)buffer_len(&set->staged);
    TRY(buffer_append(&set->staged, bytes));
    set->patterns[set->count++] =
        (struct pattern){offset, (uint32_t)bytes.len, PATTERN_NONE, token};
    if (bytes.len < set->shortest)
        set->shortest = bytes.len;
    if (bytes.len > set->longest)
        set->longest = bytes.len;
    return OK;
}

size_t pattern_set_slab_size(const struct pattern_set *set)
{
    if (set->count == 0)
        return 0;

    struct pattern_filter filter = pattern_filter_plan(set->count, set->shortest);
    return buffer_len(&set->staged) + pattern_filter_size(&filter);
}

/* By bytes; of equal ones first that with a token. */
static int compare(const void *left, const void *right, void *context)
{
    const struct pattern_set *set = context;
    const struct pattern *a = left, *b = right;
    int order = slice_compare(pattern_bytes(set, a), pattern_bytes(set, b));

    return order != 0 ? order : (a->token == NULL) - (b->token == NULL);
}

static void drop_equal(struct pattern_set *set)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct slice bytes = pattern_bytes(set, &set->patterns[i]);
        if (kept > 0 && slice_equals(bytes, pattern_bytes(set, &set->patterns[kept - 1])))
            continue;
        set->patterns[kept++] = set->patterns[i];
    }
    set->count = kept;
}

/* In sorted order, whatever a pattern begins with is its predecessor, or what that begins with. */
static uint32_t longest_beginning(const struct pattern_set *set, size_t index)
{
    struct slice bytes = pattern_bytes(set, &set->patterns[index]);
    uint32_t candidate = index > 0 ? (uint32_t)index - 1 : PATTERN_NONE;

    while (candidate != PATTERN_NONE &&
           !slice_starts_with(bytes, pattern_bytes(set, &set->patterns[candidate])))
        candidate = set->patterns[candidate].shorter;
    return candidate;
}

static enum error move_to_slab(struct pattern_set *set, struct secret_slab *slab)
{
    struct secret bytes;

    TRY(secret_slab_add(slab, buffer_view(&set->staged), &bytes));
    set->bytes = secret_reveal(&bytes).data;
    buffer_clear(&set->staged);
    return OK;
}

enum error pattern_set_seal(struct pattern_set *set, struct secret_slab *slab)
{
    if (set->count == 0)
        return OK;

    struct pattern_filter filter = pattern_filter_plan(set->count, set->shortest);
    TRY(move_to_slab(set, slab));
    qsort_r(set->patterns, set->count, sizeof(*set->patterns), compare, set);
    drop_equal(set);
    for (size_t i = 0; i < set->count; i++)
        set->patterns[i].shorter = longest_beginning(set, i);
    TRY(pattern_filter_build(&filter, set, slab));
    set->filter = filter;
    return OK;
}
