/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that every process adds to. Never locks, never writes to another process's row but to
 * clear the gauges of a dead one. */
#include "observe/metrics.h"

enum kind { COUNTER, GAUGE };

struct series {
    const char *name, *help; /* the name with its labels */
    enum kind kind;
};

#define METRICS_SERIES(id, kind, name, help) {name, help, kind},
static const struct series all_series[] = {METRICS_TABLE(METRICS_SERIES)};

/* The last bucket has no bound. */
struct bound {
    uint64_t us;
    const char *seconds;
};

static const struct bound bounds[METRICS_BUCKETS] = {
    {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},     {25000, "0.025"},
    {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},     {1000000, "1"},
    {2500000, "2.5"}, {10000000, "10"}, {60000000, "60"}, {UINT64_MAX, "+Inf"}};

static struct metrics_row private_row;
static struct metrics_row *all_rows = &private_row;
static struct metrics_row *own_row = &private_row;
static size_t row_count = 1;

size_t metrics_size(size_t rows)
{
    return rows * sizeof(struct metrics_row);
}

void metrics_attach(void *memory, size_t rows, size_t row)
{
    all_rows = memory;
    row_count = rows;
    own_row = &all_rows[row];
}

static void add(uint64_t *counter, uint64_t delta)
{
    __atomic_fetch_add(counter, delta, __ATOMIC_RELAXED);
}

/* Gauges go down by wrapping round: the sum over all rows is right again. */
void metrics_add(enum metric metric, long long delta)
{
    add(&own_row->values[metric], (uint64_t)delta);
}

void metrics_count_refusal(unsigned refusal_code)
{
    if (refusal_code < METRICS_REFUSALS_MAX)
        add(&own_row->refusals[refusal_code], 1);
}

void metrics_observe_duration(uint64_t duration_us)
{
    size_t i = 0;

    while (duration_us > bounds[i].us)
        i++;
    add(&own_row->duration_buckets[i], 1);
    add(&own_row->duration_sum_us, duration_us);
}

void metrics_forget_gauges(size_t row)
{
    for (size_t i = 0; row < row_count && i < METRIC_COUNT; i++)
        if (all_series[i].kind == GAUGE)
            __atomic_store_n(&all_rows[row].values[i], 0, __ATOMIC_RELAXED);
}

/* Of one field, given by its place in the row. */
static uint64_t sum_of(size_t offset)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < row_count; i++) {
        uint64_t *field = (uint64_t *)(void *)((char *)&all_rows[i] + offset);
        sum += __atomic_load_n(field, __ATOMIC_RELAXED);
    }
    return sum;
}

#define SUM_OF(field) sum_of(offsetof(struct metrics_row, field))
#define SUM_OF_ITEM(array, index)                                                                  \
    sum_of(offsetof(struct metrics_row, array) + (index) * sizeof(uint64_t))

static struct slice family_of(const struct series *series)
{
    struct slice name = slice_from_string(series->name);

    return slice_take(name, slice_find(name, '{'));
}

static enum error append_head(struct buffer *out, struct slice family, const char *type,
                              const char *help)
{
    return buffer_append_format(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", SLICE_ARG(family), help,
                                SLICE_ARG(family), type);
}

/* Series of one family are neighbours in the table. */
static enum error append_series(struct buffer *out, size_t i)
{
    const struct series *series = &all_series[i];
    struct slice family = family_of(series);
    uint64_t sum = SUM_OF_ITEM(values, i);

    if (i == 0 || !slice_equals(family, family_of(series - 1)))
        TRY(append_head(out, family, series->kind == GAUGE ? "gauge" : "counter", series->help));
    if (series->kind == GAUGE)
        return buffer_append_format(out, "%s %lld\n", series->name, (long long)sum);
    return buffer_append_format(out, "%s %llu\n", series->name, (unsigned long long)sum);
}

static bool has_series(const char *(*refusal_name)(unsigned code), unsigned code)
{
    const char *name = refusal_name(code);

    for (unsigned smaller = 0; smaller < code; smaller++)
        if (strcmp(refusal_name(smaller), name) == 0)
            return false;
    return name[0] != '\0';
}

static enum error append_refusals(struct buffer *out, const char *(*refusal_name)(unsigned code))
{
    TRY(append_head(out, SLICE("sealgate_refusals_total"), "counter", "Refusals by code"));
    for (unsigned code = 0; code < METRICS_REFUSALS_MAX; code++)
        if (has_series(refusal_name, code))
            TRY(buffer_append_format(out, "sealgate_refusals_total{code=\"%s\"} %llu\n",
                                     refusal_name(code),
                                     (unsigned long long)SUM_OF_ITEM(refusals, code)));
    return OK;
}

#define DURATION "sealgate_exchange_duration_seconds"

static enum error append_durations(struct buffer *out)
{
    uint64_t count = 0, sum_us = SUM_OF(duration_sum_us);

    TRY(append_head(out, SLICE(DURATION), "histogram", "From request head to end of response"));
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += SUM_OF_ITEM(duration_buckets, i);
        TRY(buffer_append_format(out, DURATION "_bucket{le=\"%s\"} %llu\n", bounds[i].seconds,
                                 (unsigned long long)count));
    }
    return buffer_append_format(out, DURATION "_sum %llu.%06llu\n" DURATION "_count %llu\n",
                                (unsigned long long)(sum_us / 1000000),
                                (unsigned long long)(sum_us % 1000000), (unsigned long long)count);
}

enum error metrics_format(const char *(*refusal_name)(unsigned code), struct buffer *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++)
        TRY(append_series(out, i));
    TRY(append_refusals(out, refusal_name));
    return append_durations(out);
}
