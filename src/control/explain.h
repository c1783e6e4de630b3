/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Explanations that wait for the dialer to resolve a name. */

#include "control/state.h"

struct explain_waits;

/* NULL when out of memory. */
struct explain_waits *explain_waits_new(struct control *control);
/* Frees the calls that wait, unanswered. */
void explain_waits_free(struct explain_waits *waits);
/* An unknown ticket is ignored. */
void explain_on_resolved(struct explain_waits *waits, uint64_t ticket,
                         const struct control_resolution *resolution);
