/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Looks for the patterns of a set in a text: the leftmost first, at one position the longest. */

#include "inject/pattern_set.h"

enum pattern_search_result {
    PATTERN_SEARCH_NOTHING,   /* no pattern begins in the text */
    PATTERN_SEARCH_FOUND,     /* `at`, `pattern` */
    PATTERN_SEARCH_UNDECIDED, /* the text from `at` on is the beginning of some pattern */
};

struct pattern_match {
    size_t at;
    const struct pattern *pattern;
};

/* `is_end`: nothing follows the text, so nothing is undecided. The answer up to `at` does not
 * depend on what follows; so a stream gives the same matches however it is cut. */
enum pattern_search_result pattern_search(const struct pattern_set *set, struct slice text,
                                          bool is_end, struct pattern_match *out);
