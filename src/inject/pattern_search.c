/* SPDX-License-Identifier: Apache-2.0 */
/* Searches a text for all patterns of a set. Never gives an answer that more text could change. */
#include "inject/pattern_search.h"

#include "inject/pattern_filter.h"

struct search {
    const struct pattern_set *set;
    struct slice text;
    bool is_end;
};

/* The first pattern that sorts after the text; those that begin with all of the text follow here.
 */
static size_t first_after(const struct pattern_set *set, struct slice text)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_compare(pattern_bytes(set, &set->patterns[middle]), text) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The longest pattern that the text begins with, given the one that sorts just before it. */
static const struct pattern *longest_at(const struct pattern_set *set, struct slice text,
                                        uint32_t candidate)
{
    while (candidate != PATTERN_NONE) {
        const struct pattern *pattern = &set->patterns[candidate];
        if (slice_starts_with(text, pattern_bytes(set, pattern)))
            return pattern;
        candidate = pattern->shorter;
    }
    return NULL;
}

static enum pattern_search_result match_at(const struct search *search, size_t at,
                                           const struct pattern **out)
{
    const struct pattern_set *set = search->set;
    struct slice text = slice_skip(search->text, at);

    if (text.len >= FILTER_GRAM_LEN &&
        !filter_has(set->filter.starts, set->filter.start_bits, text.data))
        return PATTERN_SEARCH_NOTHING;

    size_t after = first_after(set, text);
    if (!search->is_end && after < set->count &&
        slice_starts_with(pattern_bytes(set, &set->patterns[after]), text))
        return PATTERN_SEARCH_UNDECIDED;

    *out = longest_at(set, text, after > 0 ? (uint32_t)after - 1 : PATTERN_NONE);
    return *out != NULL ? PATTERN_SEARCH_FOUND : PATTERN_SEARCH_NOTHING;
}

/* The next window of `stride` positions, from `from` on, in which a pattern may begin; or where the
 * text is too short for another sample. */
static size_t next_window(const struct pattern_filter *filter, struct slice text, size_t from)
{
    const size_t stride = filter->stride, reach = stride + FILTER_GRAM_LEN - 1;
    const uint8_t *samples = filter->samples;
    const uint32_t bits = filter->sample_bits;

    while (from + reach <= text.len && !filter_has(samples, bits, text.data + from + stride - 1))
        from += stride;
    return from;
}

/* Tries each position from `from` up to `until`. */
static enum pattern_search_result search_window(const struct search *search, size_t from,
                                                size_t until, struct pattern_match *out)
{
    for (size_t at = from; at < until; at++) {
        enum pattern_search_result result = match_at(search, at, &out->pattern);
        if (result == PATTERN_SEARCH_NOTHING)
            continue;
        out->at = at;
        return result;
    }
    return PATTERN_SEARCH_NOTHING;
}

/* How many positions a pattern may begin at: where the text ends, none that is cut off by it. */
static size_t place_count(const struct pattern_set *set, struct slice text, bool is_end)
{
    if (!is_end)
        return text.len;
    return text.len >= set->shortest ? text.len - set->shortest + 1 : 0;
}

enum pattern_search_result pattern_search(const struct pattern_set *set, struct slice text,
                                          bool is_end, struct pattern_match *out)
{
    const struct search search = {set, text, is_end};
    const size_t stride = set->filter.stride, reach = stride + FILTER_GRAM_LEN - 1;
    const size_t places = set->count > 0 ? place_count(set, text, is_end) : 0;
    size_t at = 0;

    while (at < places) {
        at = next_window(&set->filter, text, at);
        size_t until = at + reach <= text.len && at + stride < places ? at + stride : places;
        enum pattern_search_result result = search_window(&search, at, until, out);
        if (result != PATTERN_SEARCH_NOTHING)
            return result;
        at = until;
    }
    return PATTERN_SEARCH_NOTHING;
}
