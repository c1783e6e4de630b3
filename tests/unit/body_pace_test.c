/* SPDX-License-Identifier: Apache-2.0 */
/* The floor for bodies, with a clock of the test's own. */
#include "proxy/body_pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MINUTE = 60 * 1000 };
static const struct body_pace_floor ten_minutes = {64, 10 * MINUTE};

/* One look a minute, each `bytes` further; the minute at which it is too slow, or 0 within
 * `minutes`. */
static unsigned too_slow_after(unsigned minutes, uint64_t bytes, bool is_waiting)
{
    struct body_pace pace = {0};

    for (unsigned i = 0; i <= minutes; i++) {
        const struct body_pace_look look = {(uint64_t)(1000 + i) * MINUTE, i * bytes, is_waiting};

        if (!body_pace_keeps_up(&pace, &look, ten_minutes))
            return i;
    }
    return 0;
}

static void one_byte_a_minute_ends_with_the_first_window(void **state)
{
    (void)state;
    assert_int_equal(too_slow_after(60, 1, true), 10);
}

static void the_floor_itself_is_fast_enough(void **state)
{
    (void)state;
    assert_int_equal(too_slow_after(60, 64 * 60, true), 0);
    assert_int_equal(too_slow_after(60, 64 * 60 - 1, true), 10);
}

static void an_origin_that_thinks_costs_the_client_nothing(void **state)
{
    (void)state;
    assert_int_equal(too_slow_after(600, 0, false), 0);
}

static void a_burst_counts_for_its_window_alone(void **state)
{
    struct body_pace pace = {0};
    bool keeps_up = true;

    (void)state;
    for (unsigned i = 0; i <= 10; i++) {
        const struct body_pace_look look = {i * MINUTE, 1 << 20, true};
        keeps_up = keeps_up && body_pace_keeps_up(&pace, &look, ten_minutes);
    }
    assert_true(keeps_up);
    for (unsigned i = 11; i < 20; i++) {
        const struct body_pace_look look = {i * MINUTE, 1 << 20, true};
        assert_true(body_pace_keeps_up(&pace, &look, ten_minutes));
    }
    assert_false(body_pace_keeps_up(&pace, &(struct body_pace_look){20 * MINUTE, 1 << 20, true},
                                    ten_minutes));
}

static void a_client_that_has_just_caught_up_is_left_alone(void **state)
{
    struct body_pace pace = {0};

    (void)state;
    assert_true(body_pace_keeps_up(&pace, &(struct body_pace_look){0, 0, true}, ten_minutes));
    assert_true(
        body_pace_keeps_up(&pace, &(struct body_pace_look){11 * MINUTE, 1, false}, ten_minutes));
}

static void without_a_floor_none_is_too_slow(void **state)
{
    struct body_pace pace = {0};

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_true(body_pace_keeps_up(&pace, &(struct body_pace_look){i * MINUTE, 0, true},
                                       (struct body_pace_floor){0, 10 * MINUTE}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_byte_a_minute_ends_with_the_first_window),
        cmocka_unit_test(the_floor_itself_is_fast_enough),
        cmocka_unit_test(an_origin_that_thinks_costs_the_client_nothing),
        cmocka_unit_test(a_burst_counts_for_its_window_alone),
        cmocka_unit_test(a_client_that_has_just_caught_up_is_left_alone),
        cmocka_unit_test(without_a_floor_none_is_too_slow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
