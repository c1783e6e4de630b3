/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: rows are summed, text is what Prometheus reads. */
#include "observe/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 3 };

/* Codes 1 and 2 have names; 3 and above are all called like code 1, as an unknown number would. */
static const char *name_of(unsigned code)
{
    static const char *const names[] = {"", "first", "second"};

    return code < ARRAY_LEN(names) ? names[code] : "first";
}

static void *attach_rows(void)
{
    void *memory = aligned_alloc(64, metrics_size(ROWS));

    assert_non_null(memory);
    memset(memory, 0, metrics_size(ROWS));
    metrics_attach(memory, ROWS, 0);
    return memory;
}

static bool has_line(struct slice text, const char *line)
{
    while (text.len > 0)
        if (slice_equals(slice_split(&text, '\n'), slice_from_string(line)))
            return true;
    return false;
}

static void assert_has_line(const char *line)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1 << 16};

    assert_int_equal(metrics_format(name_of, out), OK);
    if (!has_line(buffer_view(out), line))
        fail_msg("no line \"%s\" in:\n%.*s", line, SLICE_ARG(buffer_view(out)));
}

/* First in the list of tests: nothing is attached yet. */
static void counting_before_attach_is_harmless(void **state)
{
    (void)state;
    metrics_add(METRIC_API_REQUESTS, 2);
    metrics_count_refusal(1);
    metrics_observe_duration(5);
    assert_has_line("sealgate_api_requests_total 2");
}

static void all_rows_are_summed(void **state)
{
    void *memory = attach_rows();

    (void)state;
    metrics_add(METRIC_BYTES_TO_CLIENTS, 1LL << 40);
    metrics_attach(memory, ROWS, 2);
    metrics_add(METRIC_BYTES_TO_CLIENTS, 5);
    assert_has_line("sealgate_client_bytes_total{direction=\"out\"} 1099511627781");
    assert_has_line("sealgate_client_bytes_total{direction=\"in\"} 0");
    free(memory);
}

static void a_gauge_may_fall_in_another_row(void **state)
{
    void *memory = attach_rows();

    (void)state;
    metrics_add(METRIC_CONNECTIONS_OPEN, 3);
    metrics_attach(memory, ROWS, 1);
    metrics_add(METRIC_CONNECTIONS_OPEN, -1);
    assert_has_line("sealgate_connections_open 2");
    metrics_add(METRIC_CONNECTIONS_OPEN, -5);
    assert_has_line("sealgate_connections_open -3");
    free(memory);
}

static void a_dead_process_leaves_its_counters_and_takes_its_gauges(void **state)
{
    void *memory = attach_rows();

    (void)state;
    metrics_add(METRIC_CONNECTIONS_OPEN, 3);
    metrics_add(METRIC_CONNECTIONS_TOTAL, 4);
    metrics_attach(memory, ROWS, 1);
    metrics_add(METRIC_CONNECTIONS_OPEN, 1);
    metrics_forget_gauges(0);
    metrics_forget_gauges(ROWS); /* there is no such row */
    assert_has_line("sealgate_connections_open 1");
    assert_has_line("sealgate_connections_total 4");
    free(memory);
}

static void refusals_have_one_series_per_name(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1 << 16};
    void *memory = attach_rows();

    (void)state;
    metrics_count_refusal(2);
    metrics_count_refusal(2);
    metrics_count_refusal(METRICS_REFUSALS_MAX);
    assert_has_line("sealgate_refusals_total{code=\"first\"} 0");
    assert_has_line("sealgate_refusals_total{code=\"second\"} 2");
    assert_int_equal(metrics_format(name_of, out), OK);
    struct slice text = buffer_view(out);
    struct slice after = slice_skip(text, slice_find_slice(text, SLICE("{code=\"first\"}")) + 1);
    assert_int_equal(slice_find_slice(after, SLICE("{code=\"first\"}")), after.len);
    assert_int_equal(slice_find_slice(text, SLICE("{code=\"\"}")), text.len);
    free(memory);
}

#define BUCKET "sealgate_exchange_duration_seconds_bucket"

static void durations_are_cumulative_with_inclusive_bounds(void **state)
{
    void *memory = attach_rows();

    (void)state;
    metrics_observe_duration(0);
    metrics_observe_duration(1000);
    metrics_observe_duration(1001);
    metrics_observe_duration(61000000);
    assert_has_line(BUCKET "{le=\"0.001\"} 2");
    assert_has_line(BUCKET "{le=\"0.0025\"} 3");
    assert_has_line(BUCKET "{le=\"60\"} 3");
    assert_has_line(BUCKET "{le=\"+Inf\"} 4");
    assert_has_line("sealgate_exchange_duration_seconds_sum 61.002001");
    assert_has_line("sealgate_exchange_duration_seconds_count 4");
    free(memory);
}

/* "# HELP name", "# TYPE name", or the name of a series with its labels. */
static struct slice subject_of(struct slice line)
{
    size_t spaces = slice_starts_with(line, SLICE("# ")) ? 3 : 1, len = 0;

    while (spaces-- > 0)
        len += slice_find(slice_skip(line, len), ' ') + 1;
    return slice_take(line, len);
}

static size_t lines_about(struct slice text, struct slice subject)
{
    size_t count = 0;

    while (text.len > 0)
        count += slice_equals(subject_of(slice_split(&text, '\n')), subject);
    return count;
}

static void families_and_series_stand_once(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1 << 16};
    void *memory = attach_rows();

    (void)state;
    assert_int_equal(metrics_format(name_of, out), OK);
    for (struct slice rest = buffer_view(out); rest.len > 0;) {
        struct slice line = slice_split(&rest, '\n');
        assert_true(slice_find_slice(subject_of(line), SLICE("sealgate_")) < line.len);
        assert_int_equal(lines_about(buffer_view(out), subject_of(line)), 1);
    }
    assert_has_line("# TYPE sealgate_requests_total counter");
    assert_has_line("# TYPE sealgate_connections_open gauge");
    assert_has_line("# TYPE sealgate_exchange_duration_seconds histogram");
    free(memory);
}

static void a_buffer_that_is_too_small_is_said(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 512};
    void *memory = attach_rows();

    (void)state;
    assert_int_equal(metrics_format(name_of, out), ERR_TOO_LARGE);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_before_attach_is_harmless),
        cmocka_unit_test(all_rows_are_summed),
        cmocka_unit_test(a_gauge_may_fall_in_another_row),
        cmocka_unit_test(a_dead_process_leaves_its_counters_and_takes_its_gauges),
        cmocka_unit_test(refusals_have_one_series_per_name),
        cmocka_unit_test(durations_are_cumulative_with_inclusive_bounds),
        cmocka_unit_test(families_and_series_stand_once),
        cmocka_unit_test(a_buffer_that_is_too_small_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
