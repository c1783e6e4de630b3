/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which sandbox a source address is registered to, as control said. "None" is remembered too, until
 * a view with that address arrives or SOURCE_KEEP_MS pass. */

#include "proxy/sandbox.h"

enum { SOURCE_KEEP_MS = 10 * 1000 };

enum source_state { SOURCE_ASKED, SOURCE_REGISTERED, SOURCE_FREE, SOURCE_UNAVAILABLE };

struct source {
    struct table_entry entry;
    struct proxy *proxy;
    struct ip_address address;
    enum source_state state;
    char sandbox_id[SANDBOX_ID_MAX]; /* when registered */
    size_t sandbox_id_len;
    struct ticket ticket;
    struct waitlist waiting;
    uint64_t learned_ms;
};

/* Finds or asks control; when the state is SOURCE_ASKED `waiter` waits. NULL when out of memory. */
struct source *source_find(struct proxy *proxy, const struct ip_address *address,
                           struct waiter *waiter);
/* Forgets that control was away, so that the next look-up asks again. */
void source_forget_unavailable(struct source *source);
/* True when this was a source's ticket: control's answer to source_find(). */
bool source_on_view(struct proxy *proxy, uint64_t ticket, enum error error, struct view *view);
/* A view arrived that may register an address. */
void source_learn(struct proxy *proxy, const struct view *view);
/* What control said of it is no longer true. One that was just asked about is left: control answers
 * in order, so that answer is newer. */
void source_forget(struct proxy *proxy, const struct ip_address *address);
/* Control was away: what it would have told is not known. */
void source_forget_answered(struct proxy *proxy);
void source_forget_sandbox(struct proxy *proxy, struct slice sandbox_id);
void source_expire(struct proxy *proxy);
void source_free_all(struct proxy *proxy);
