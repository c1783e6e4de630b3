/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: compared, searched, split. */
#include "base/slice.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void comparison_is_by_length_and_bytes(void **state)
{
    (void)state;
    assert_true(slice_equals(SLICE("a\0b"), SLICE("a\0b")));
    assert_false(slice_equals(SLICE("a\0b"), SLICE("a\0c")));
    assert_false(slice_equals(SLICE("a"), SLICE("a\0")));
    assert_true(slice_equals(SLICE_NONE, SLICE("")));
    assert_true(slice_equals_nocase(SLICE("Via"), SLICE("vIA")));
    assert_false(slice_equals_nocase(SLICE("Via"), SLICE("Vias")));
    assert_false(slice_equals_nocase(SLICE("["), SLICE("{"))); /* 0x20 apart, but no letters */
    assert_true(slice_starts_with(SLICE("header:x"), SLICE("header:")));
    assert_false(slice_starts_with(SLICE("head"), SLICE("header")));
    assert_true(slice_starts_with(SLICE_NONE, SLICE_NONE));
    assert_true(slice_starts_with_nocase(SLICE("SEC-Fetch"), SLICE("sec-")));
}

static void order_is_by_bytes_then_shorter_first(void **state)
{
    static const struct slice sorted[] = {SLICE_INIT(""),    SLICE_INIT("\0"), SLICE_INIT("A"),
                                          SLICE_INIT("a"),   SLICE_INIT("aa"), SLICE_INIT("b"),
                                          SLICE_INIT("\xff")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
        for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
            int order = slice_compare(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void searching_past_the_end_answers_the_length(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("a:b"), ':'), 1);
    assert_int_equal(slice_find(SLICE("ab"), ':'), 2);
    assert_int_equal(slice_find(SLICE_NONE, ':'), 0);
    assert_int_equal(slice_find_slice(SLICE("abcabd"), SLICE("abd")), 3);
    assert_int_equal(slice_find_slice(SLICE("abc"), SLICE("abcd")), 3);
    assert_int_equal(slice_find_slice(SLICE("abc"), SLICE_NONE), 0);
    assert_int_equal(slice_find_slice(SLICE_NONE, SLICE("a")), 0);
    assert_int_equal(slice_skip(SLICE("abc"), 4).len, 0);
    assert_int_equal(slice_take(SLICE("abc"), 4).len, 3);
}

static void trimming_takes_spaces_and_tabs_only(void **state)
{
    (void)state;
    assert_true(slice_equals(slice_trim(SLICE(" \t a b\t ")), SLICE("a b")));
    assert_true(slice_equals(slice_trim(SLICE(" \t ")), SLICE("")));
    assert_true(slice_equals(slice_trim(SLICE("\ra\n")), SLICE("\ra\n")));
}

static void splitting_walks_through_the_parts(void **state)
{
    struct slice rest = SLICE("a,,b");

    (void)state;
    assert_true(slice_equals(slice_split(&rest, ','), SLICE("a")));
    assert_true(slice_equals(slice_split(&rest, ','), SLICE("")));
    assert_true(slice_equals(slice_split(&rest, ','), SLICE("b")));
    assert_int_equal(rest.len, 0);
    assert_int_equal(slice_split(&rest, ',').len, 0);
}

static const struct {
    const char *text;
    bool is_number;
    uint64_t number;
} number_cases[] = {
    {"0", true, 0},
    {"7", true, 7},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"99999999999999999999", false, 0},
    {"", false, 0},
    {"00", false, 0},
    {"01", false, 0},
    {"-1", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"0x1", false, 0},
    {"1e3", false, 0},
};

static void a_number_is_plain_decimal_digits(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(number_cases); i++) {
        uint64_t number = 4711;
        struct slice text = slice_from_string(number_cases[i].text);

        if (slice_parse_u64(text, &number) != number_cases[i].is_number)
            fail_msg("\"%s\"", number_cases[i].text);
        assert_true(number == (number_cases[i].is_number ? number_cases[i].number : 4711));
    }
}

static void a_copy_ends_with_a_nul(void **state)
{
    char *copy = slice_dup(slice_take(SLICE("abcdef"), 3));
    char *empty = slice_dup(SLICE_NONE);

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparison_is_by_length_and_bytes),
        cmocka_unit_test(order_is_by_bytes_then_shorter_first),
        cmocka_unit_test(searching_past_the_end_answers_the_length),
        cmocka_unit_test(trimming_takes_spaces_and_tabs_only),
        cmocka_unit_test(splitting_walks_through_the_parts),
        cmocka_unit_test(a_number_is_plain_decimal_digits),
        cmocka_unit_test(a_copy_ends_with_a_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
