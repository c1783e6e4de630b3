/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The views that one worker has presented, by the handle it chose: keyholder and dialer have such a
 * table per worker, and it goes with the worker's channel. Only authenticated views get in. */

#include "base/table.h"
#include "process/view_mac.h"

enum { PRESENTED_VIEWS_MAX = 200 * 1000 };
#define PRESENTED_VIEWS_BYTES_MAX ((size_t)1 << 30)

struct presented_view {
    struct table_entry entry;
    uint64_t handle;
    struct view *view;
    size_t encoded_len;
    /* For the owner's use: its lists, and the sandbox itself, were checked already. */
    bool is_vouched, is_known;
};

struct presented_views {
    struct table by_handle;
    size_t encoded_bytes;
};

void presented_views_init(struct presented_views *views);
void presented_views_clear(struct presented_views *views);
/* Replaces what the handle stood for. ERR_FORBIDDEN: not made by control; ERR_TOO_LARGE: the worker
 * holds too much; ERR_SYNTAX. The worker is not to be trusted after any of these. */
MUST_USE enum error presented_views_add(struct presented_views *views,
                                        const struct view_mac_key *key,
                                        const struct message_present_view *message);
/* NULL when there is none. Borrowed until it is removed: take a reference of the view to keep it.
 */
struct presented_view *presented_views_find(const struct presented_views *views, uint64_t handle);
void presented_views_remove(struct presented_views *views, uint64_t handle);
