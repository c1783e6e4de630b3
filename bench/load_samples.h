/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Latencies, kept one by one, so that a percentile is exact. */

#include <stddef.h>
#include <stdint.h>

struct load_samples {
    uint32_t *microseconds_x10; /* tenths: 429 s fit */
    size_t count, size;
};

/* Ends the program when memory does. */
void load_samples_add(struct load_samples *samples, uint64_t nanoseconds);
/* Sorts. `fraction` from 0 to 1; microseconds; 0 when there are no samples. */
double load_samples_percentile(struct load_samples *samples, double fraction);
void load_samples_clear(struct load_samples *samples);
