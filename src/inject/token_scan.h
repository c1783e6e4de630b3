/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Finds every "osb_sealed_" in a text and says whether it is one whole token: 32 lower-case hex
 * digits behind it and no [0-9A-Za-z_] on either side. Anything else with that prefix is a sighting
 * too, but not whole. The prefix in another case is inert text. */

#include "policy/token.h"

struct token_scan {
    struct slice text; /* borrowed */
    size_t at;         /* where the search goes on */
};

struct token_sighting {
    size_t at, len; /* what to replace when whole; else the prefix */
    bool is_whole;
    struct token token; /* when whole */
};

struct token_scan token_scan_of(struct slice text);
/* The next sighting, from left to right; false at the end. */
bool token_scan_next(struct token_scan *scan, struct token_sighting *out);
/* Whether there is any sighting. */
bool token_scan_finds(struct slice text);
/* Of a text that goes on: where its end begins that may yet become one whole token, or text.len.
 * The bytes before `from` are context only. A scan of what comes before that place gives what a
 * scan of all the text would. */
size_t token_scan_undecided(struct slice text, size_t from);
