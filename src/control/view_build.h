/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From the database to what is enforced: one function for the workers, `allowed-hosts` and
 * `explain`, so that they cannot disagree. */

#include "control/state.h"

/* Appends the encoding (policy/view.h) of the sandbox's view, under a new generation.
 * ERR_NOT_FOUND. */
MUST_USE enum error view_build_encoded(struct control *control, struct slice sandbox_id,
                                       struct buffer *out);
/* The same, decoded; the caller has one reference. */
MUST_USE enum error view_build(struct control *control, struct slice sandbox_id, struct view **out);
