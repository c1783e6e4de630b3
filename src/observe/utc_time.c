/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people and machines read them. Never in local time. */
#include "observe/utc_time.h"

#include <string.h>
#include <time.h>

static const uint64_t last_ms = 253402300799999; /* 9999-12-31T23:59:59.999Z */

void utc_time_format(uint64_t time_ms, char out[UTC_TIME_LEN + 1])
{
    uint64_t clamped_ms = time_ms < last_ms ? time_ms : last_ms;
    time_t seconds = (time_t)(clamped_ms / 1000);
    unsigned ms = (unsigned)(clamped_ms % 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(out, UTC_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%S.", &utc);
    char *tail = out + strlen(out);
    *tail++ = (char)('0' + ms / 100);
    *tail++ = (char)('0' + ms / 10 % 10);
    *tail++ = (char)('0' + ms % 10);
    *tail++ = 'Z';
    *tail = '\0';
}
