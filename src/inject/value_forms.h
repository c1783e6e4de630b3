/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The forms in which an origin may echo a value: as it is, base64 (at each of the three alignments
 * the characters that depend on the value alone), percent-encoded, JSON-escaped, hex. */

#include "inject/pattern_set.h"

/* Adds all forms that are different. `token` (may be NULL) stands for the value as it is. */
MUST_USE enum error value_forms_add(struct pattern_set *set, struct slice value,
                                    const struct token *token);
