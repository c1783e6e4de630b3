/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An ordered list of texts: host patterns, places, ids. At rest it is a JSON array. */

#include "store/arena.h"

struct text_list {
    struct slice *items; /* in the arena that it was read into */
    size_t count;
};

/* The JSON array. ERR_SYNTAX when a text is not UTF-8. */
MUST_USE enum error text_list_encode(struct arena *arena, const struct text_list *list,
                                     struct slice *out);
/* ERR_DATABASE for anything but a JSON array of strings: only we write them. */
MUST_USE enum error text_list_decode(struct arena *arena, struct slice json, struct text_list *out);
bool text_list_contains(const struct text_list *list, struct slice text);
