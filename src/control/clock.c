/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the clocks of the system. Never used where a decision is made. */

#include "control/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t clock_read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_now_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

uint64_t clock_monotonic_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

const char *clock_format(uint64_t time_ms, char *text)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL)
        parts = (struct tm){.tm_year = 70, .tm_mday = 1};
    char stem[24];
    strftime(stem, sizeof stem, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, CLOCK_TEXT_SIZE, "%s.%03uZ", stem, (unsigned)(time_ms % 1000));
    return text;
}
