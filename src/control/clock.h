/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The time, read in one place, and as RFC 3339 text. */

#include "base/slice.h"

enum { CLOCK_TEXT_SIZE = 32 };

uint64_t clock_now_ms(void);       /* since the epoch */
uint64_t clock_monotonic_ms(void); /* for deadlines */
uint64_t clock_monotonic_ns(void); /* the same in every process of the machine */
/* "2026-01-31T12:00:00.250Z"; `text` has CLOCK_TEXT_SIZE bytes. Returns `text`. */
const char *clock_format(uint64_t time_ms, char *text);
