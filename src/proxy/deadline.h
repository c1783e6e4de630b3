/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A point in time at which something is given up. Moving it later costs nothing: the timer notices
 * when it fires. */

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>

struct deadline {
    struct event timer;
    uint64_t at_ms;    /* 0: none */
    uint64_t armed_ms; /* what the timer is set to; 0: not set */
    void (*on_expired)(void *owner);
    void *owner;
};

void deadline_init(struct deadline *deadline, struct event_base *base,
                   void (*on_expired)(void *owner), void *owner);
/* From now; 0 clears it. */
void deadline_set(struct deadline *deadline, uint64_t in_ms);
/* To be called before the owner goes away. */
void deadline_clear(struct deadline *deadline);

/* Milliseconds of the monotonic clock, in steps of the kernel's tick (at most 10). */
uint64_t deadline_now_ms(void);
