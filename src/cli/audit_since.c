/* SPDX-License-Identifier: Apache-2.0 */
/* Since when. Never reads a time as local: the audit is in UTC. */
#include "cli/audit_since.h"

#include "base/slice.h"

#include <stdio.h>

enum { SECONDS_LEN = 19 /* 2026-01-31T12:00:00 */, AGO_MAX_S = 100LL * 365 * 86400 };

static uint64_t unit_of(char suffix)
{
    switch (suffix) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

static bool parse_ago(struct slice text, time_t now, char out[AUDIT_SINCE_SIZE])
{
    uint64_t number, seconds;
    struct tm broken;

    if (text.len < 2 || !slice_parse_u64(slice_take(text, text.len - 1), &number) ||
        __builtin_mul_overflow(number, unit_of(text.data[text.len - 1]), &seconds) ||
        unit_of(text.data[text.len - 1]) == 0 || seconds > AGO_MAX_S)
        return false;
    time_t then = now - (time_t)seconds;
    return gmtime_r(&then, &broken) != NULL &&
           strftime(out, AUDIT_SINCE_SIZE, "%Y-%m-%dT%H:%M:%S", &broken) > 0;
}

bool audit_since_parse(const char *text, time_t now, char out[AUDIT_SINCE_SIZE])
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"};

    if (parse_ago(slice_from_string(text), now, out))
        return true;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm broken = {0};
        const char *end = strptime(text, forms[i], &broken);

        if (end != NULL && *end == '\0')
            return strftime(out, AUDIT_SINCE_SIZE, "%Y-%m-%dT%H:%M:%S", &broken) > 0;
    }
    return false;
}

bool audit_since_is_before(const char *time, const char *since)
{
    return time != NULL && since[0] != '\0' && strncmp(time, since, SECONDS_LEN) < 0;
}
