/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies and their percentiles. Never averages. */
#include "bench/load_samples.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_SIZE = 4096 };

static void grow(struct load_samples *samples)
{
    size_t size = samples->size == 0 ? FIRST_SIZE : samples->size * 2;
    void *memory = reallocarray(samples->microseconds_x10, size, sizeof(uint32_t));

    if (memory == NULL) {
        fputs("load: out of memory\n", stderr);
        exit(1);
    }
    samples->microseconds_x10 = memory;
    samples->size = size;
}

void load_samples_add(struct load_samples *samples, uint64_t nanoseconds)
{
    uint64_t tenths = nanoseconds / 100;

    if (samples->count == samples->size)
        grow(samples);
    samples->microseconds_x10[samples->count++] =
        tenths < UINT32_MAX ? (uint32_t)tenths : UINT32_MAX;
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;

    return (*x > *y) - (*x < *y);
}

double load_samples_percentile(struct load_samples *samples, double fraction)
{
    if (samples->count == 0)
        return 0;
    qsort(samples->microseconds_x10, samples->count, sizeof(uint32_t), compare);
    return samples->microseconds_x10[(size_t)(fraction * (double)(samples->count - 1))] / 10.0;
}

void load_samples_clear(struct load_samples *samples)
{
    free(samples->microseconds_x10);
    *samples = (struct load_samples){0};
}
