/* SPDX-License-Identifier: Apache-2.0 */
/* A floor for the speed of bodies. Never counts time in which the origin is waited for: one that
 * thinks for long is in its right. */
#include "proxy/body_pace.h"

bool body_pace_keeps_up(struct body_pace *pace, const struct body_pace_look *look,
                        struct body_pace_floor floor)
{
    if (pace->is_waiting)
        pace->waited_ms += look->now_ms - pace->at_ms;
    pace->at_ms = look->now_ms;
    pace->is_waiting = look->is_waiting;
    if (pace->waited_ms < floor.window_ms)
        return true;

    uint64_t needed = floor.bytes_per_second * (pace->waited_ms / 1000);
    bool keeps_up = look->bytes - pace->bytes >= needed;
    pace->waited_ms = 0;
    pace->bytes = look->bytes;
    return keeps_up || !look->is_waiting;
}
