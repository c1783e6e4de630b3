/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From what a caller sets to the box that is kept. */

#include "control/input.h"

struct secret_setting {
    struct secret_store store;
    struct slice name;
    struct slice value;              /* data NULL: none; borrowed from the body, radioactive */
    struct slice sealed_value;       /* data NULL: none */
    struct input_list hosts, places; /* what was given, or else what was there */
    struct secret_entry old;         /* when `exists` */
    bool exists;
};

/* Appends the box to `out`: seals the value, checks the sealed value, or seals the old box again.
 * With a sealed value the lists become what the box says. Empty places become "header". */
MUST_USE enum error secret_seal(struct api_call *call, struct secret_setting *setting,
                                struct buffer *out);
/* Why a value cannot be one: a sentence, or NULL when it can. */
const char *secret_seal_complaint(struct slice value);
