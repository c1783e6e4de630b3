/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the body redactor and the head redaction have in common. */

#include "inject/pattern_set.h"

struct redaction {
    const struct pattern_set *patterns; /* borrowed */
    bool keep_length;                   /* masks only */
    size_t hits;                        /* how many were hidden */
};

/* Appends `*text` to `out` with the patterns in it hidden, and leaves in `*text` what cannot be
 * decided before more is known: nothing when `is_end`. */
MUST_USE enum error redaction_apply(struct redaction *redaction, struct slice *text, bool is_end,
                                    struct buffer *out);
