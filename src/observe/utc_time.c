/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people and machines read them. Never in local time. */
#include "observe/utc_time.h"

#include <stddef.h>
#include <time.h>

static const uint64_t last_ms = 253402300799999; /* 9999-12-31T23:59:59.999Z */

/* `number` with leading zeros; the place behind it. */
static char *put_digits(char *at, unsigned number, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        at[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + count;
}

static char *put_date(char *at, const struct tm *utc)
{
    at = put_digits(at, (unsigned)utc->tm_year + 1900, 4);
    *at++ = '-';
    at = put_digits(at, (unsigned)utc->tm_mon + 1, 2);
    *at++ = '-';
    return put_digits(at, (unsigned)utc->tm_mday, 2);
}

static char *put_time(char *at, const struct tm *utc)
{
    at = put_digits(at, (unsigned)utc->tm_hour, 2);
    *at++ = ':';
    at = put_digits(at, (unsigned)utc->tm_min, 2);
    *at++ = ':';
    return put_digits(at, (unsigned)utc->tm_sec, 2);
}

/* Without strftime(), which costs more than the rest of an audit line. */
void utc_time_format(uint64_t time_ms, char out[UTC_TIME_LEN + 1])
{
    uint64_t clamped_ms = time_ms < last_ms ? time_ms : last_ms;
    time_t seconds = (time_t)(clamped_ms / 1000);
    char *at = out;
    struct tm utc;

    gmtime_r(&seconds, &utc);
    at = put_date(at, &utc);
    *at++ = 'T';
    at = put_time(at, &utc);
    *at++ = '.';
    at = put_digits(at, (unsigned)(clamped_ms % 1000), 3);
    *at++ = 'Z';
    *at = '\0';
}
