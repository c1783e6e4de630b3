/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How fast a client moves a body, counting only the time in which it is the one that is waited for.
 * No clock of its own. */

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing was looked at yet. */
struct body_pace {
    uint64_t at_ms;     /* of the last look */
    uint64_t waited_ms; /* for the client, since the window began */
    uint64_t bytes;     /* that had moved when it began */
    bool is_waiting;    /* for the client, since the last look */
};

/* What a look sees. */
struct body_pace_look {
    uint64_t now_ms; /* monotonic */
    uint64_t bytes;  /* that have moved, in all */
    bool is_waiting; /* from now on it is the client that must do something */
};
struct body_pace_floor {
    uint64_t bytes_per_second; /* 0: none */
    uint64_t window_ms;        /* over which it is an average */
};

/* False once in a whole window of waiting fewer bytes have moved than the floor asks for, and the
 * client is still waited for. */
bool body_pace_keeps_up(struct body_pace *pace, const struct body_pace_look *look,
                        struct body_pace_floor floor);
