/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which authenticated views are still good: keyholder and dialer each have one. A view has a
 * generation, which is the time of the monotonic clock when control built it, in nanoseconds; so
 * what was built before a change is known by it, whoever was restarted meanwhile. */

#include "base/table.h"
#include "process/messages.h"

struct view;

/* Sandboxes whose floor is remembered; for more than that, everything is outdated at once. */
enum { VIEW_FLOOR_SANDBOXES_MAX = 100 * 1000 };

struct view_floor {
    uint64_t of_all;     /* views of this generation, or an older one, are outdated */
    uint64_t highest;    /* that was ever said */
    struct table raised; /* sandbox id → struct raised_floor: those with a higher one */
};

/* What was built before this moment is outdated: what happened then is not known here. */
void view_floor_init(struct view_floor *floor);
void view_floor_clear(struct view_floor *floor);
/* Control's word. Never fails: what cannot be remembered raises the floor of all. */
void view_floor_raise(struct view_floor *floor, const struct message_outdate_views *message);
bool view_floor_honours(const struct view_floor *floor, const struct view *view);
