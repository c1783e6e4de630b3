/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* RFC 3339 with milliseconds, in UTC: "2026-01-31T12:00:00.123Z". */

#include <stdint.h>

enum { UTC_TIME_LEN = 24 };

/* Writes UTC_TIME_LEN bytes and a NUL. What lies after the year 9999 is shown as its end. */
void utc_time_format(uint64_t time_ms, char out[UTC_TIME_LEN + 1]);
