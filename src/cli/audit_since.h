/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Points in time as the audit writes them: text that sorts like time. */

#include <stdbool.h>
#include <time.h>

enum { AUDIT_SINCE_SIZE = 32 };

/* "90s", "15m", "2h", "7d" before `now`, or a UTC time down to the day, minute or second. */
bool audit_since_parse(const char *text, time_t now, char out[AUDIT_SINCE_SIZE]);
/* By the second. A record without a time is not before anything. */
bool audit_since_is_before(const char *time, const char *since);
