/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The views that a worker holds, with the bytes and the MAC to present them to keyholder and
 * dialer. A superseded view stays until nobody uses it, because exchanges finish with the snapshot
 * they began with. */

#include "base/table.h"
#include "policy/view.h"
#include "process/messages.h"

enum held_view_audience { HELD_VIEW_KEYHOLDER, HELD_VIEW_DIALER, HELD_VIEW_AUDIENCES };

struct held_view {
    struct table_entry by_pointer, by_sandbox;
    struct view *view; /* a reference; the pointer is the key */
    struct buffer encoded;
    uint8_t mac[MESSAGE_KEY_SIZE];
    uint64_t handle; /* its name toward the other processes */
    bool is_presented[HELD_VIEW_AUDIENCES];
    bool is_current;         /* the one of its sandbox */
    bool is_newer_asked_for; /* from control, because this one does not count any more */
    struct held_view *next_superseded;
};

struct held_views {
    struct table by_pointer; /* all */
    struct table by_sandbox; /* the current ones */
    struct held_view *superseded;
    uint64_t last_handle;
};

void held_views_init(struct held_views *views);
void held_views_clear(struct held_views *views);
/* Decodes and makes it the current one of its sandbox; the same bytes as before give the same view
 * again. ERR_SYNTAX, ERR_NO_MEMORY. */
MUST_USE enum error held_views_add(struct held_views *views, struct slice encoded,
                                   const uint8_t *mac, struct view **out);
/* The same for a sandbox that has a current view; for any other `*out` becomes NULL. */
MUST_USE enum error held_views_update(struct held_views *views, struct slice encoded,
                                      const uint8_t *mac, struct view **out);
/* The one of this sandbox; NULL: none. */
struct held_view *held_views_current(const struct held_views *views, struct slice sandbox_id);
/* NULL when this view did not come from held_views_add(). */
struct held_view *held_views_find(const struct held_views *views, const struct view *view);
/* Nobody asks for this sandbox any more. */
void held_views_release(struct held_views *views, struct slice sandbox_id);
/* A fresh channel: nothing has been presented there. */
void held_views_unpresent(struct held_views *views, enum held_view_audience audience);
/* Takes one superseded view that nobody uses any more out of the table; NULL: there is none. The
 * caller says so to those it was presented to, then frees it. */
struct held_view *held_views_take_unused(struct held_views *views);
void held_view_free(struct held_view *held);
