/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Idle timeouts: collects what workers report, and hibernates sandboxes that were idle too long. */

#include "control/state.h"

struct idle;

/* Starts its timer. NULL when out of memory. `control` is borrowed. */
struct idle *idle_new(struct control *control);
void idle_free(struct idle *idle);
void idle_note_activity(struct idle *idle, struct slice sandbox_id);
