/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines on the event loop. Never early, late by no more than a round of the loop. */
#include "proxy/deadline.h"

#include "base/compiler.h"

#include <time.h>

/* libevent's own cached time is the wall clock's, which may jump. The coarse clock is the one that
 * libevent's timers follow, and it is read several times for each request. */
uint64_t deadline_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void arm(struct deadline *deadline, uint64_t now)
{
    uint64_t in_ms = deadline->at_ms > now ? deadline->at_ms - now : 0;
    struct timeval delay = {(time_t)(in_ms / 1000), (suseconds_t)(in_ms % 1000 * 1000)};

    deadline->armed_ms = deadline->at_ms;
    evtimer_add(&deadline->timer, &delay);
}

static void on_timer(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    struct deadline *deadline = argument;
    uint64_t now = deadline_now_ms();

    deadline->armed_ms = 0;
    if (deadline->at_ms == 0)
        return;
    if (deadline->at_ms > now) {
        arm(deadline, now);
        return;
    }
    deadline->at_ms = 0;
    deadline->on_expired(deadline->owner);
}

void deadline_init(struct deadline *deadline, struct event_base *base,
                   void (*on_expired)(void *owner), void *owner)
{
    *deadline = (struct deadline){.on_expired = on_expired, .owner = owner};
    evtimer_assign(&deadline->timer, base, on_timer, deadline);
}

void deadline_set(struct deadline *deadline, uint64_t in_ms)
{
    uint64_t now = deadline_now_ms();

    deadline->at_ms = in_ms > 0 ? now + in_ms : 0;
    if (deadline->at_ms != 0 && (deadline->armed_ms == 0 || deadline->armed_ms > deadline->at_ms))
        arm(deadline, now);
}

void deadline_clear(struct deadline *deadline)
{
    deadline->at_ms = deadline->armed_ms = 0;
    evtimer_del(&deadline->timer);
}
