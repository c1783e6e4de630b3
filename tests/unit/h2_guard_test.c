/* SPDX-License-Identifier: Apache-2.0 */
/* The token bucket, and the frames that take from it. */
#include "h2_raw.h"
#include "http/h2_guard.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void tokens_run_out_and_come_back(void **state)
{
    struct h2_guard guard;

    (void)state;
    h2_guard_init(&guard, 0, 2, 10);
    assert_true(h2_guard_spend(&guard));
    assert_true(h2_guard_spend(&guard));
    assert_false(h2_guard_spend(&guard));
    h2_guard_tick(&guard, 99);
    assert_false(h2_guard_spend(&guard));
    h2_guard_tick(&guard, 100);
    assert_true(h2_guard_spend(&guard));
    assert_false(h2_guard_spend(&guard));
    h2_guard_tick(&guard, 50);
    assert_false(h2_guard_spend(&guard));
    h2_guard_tick(&guard, UINT64_MAX);
    assert_true(h2_guard_spend(&guard));
    assert_true(h2_guard_spend(&guard));
    assert_false(h2_guard_spend(&guard));
}

static const struct {
    int type, flags;
    const char *payload;
    bool is_paid_for;
} frames[] = {
    {RAW_DATA, 0, "x", false},
    {RAW_DATA, 0, "", true},
    {RAW_DATA, RAW_END_STREAM, "", false},
    {RAW_DATA, RAW_PADDED, "xyz", true},
    {RAW_HEADERS, 0, "", false},
    {RAW_PRIORITY, 0, "12345", true},
    {RAW_RST_STREAM, 0, "1234", true},
    {RAW_SETTINGS, 0, "", true},
    {RAW_SETTINGS, RAW_ACK, "", true},
    {RAW_PING, 0, "12345678", true},
    {RAW_PING, RAW_ACK, "12345678", true},
    {RAW_GOAWAY, 0, "12345678", true},
    {RAW_WINDOW_UPDATE, 0, "1234", true},
    {RAW_CONTINUATION, 0, "", false},
    {0x10, 0, "", true},
    {0xff, 0, "anything", true},
};

static void each_type_has_its_price(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 1000};
        struct h2_guard guard;
        size_t len = 0;

        h2_guard_init(&guard, 0, 0, 0);
        raw_frame(wire, frames[i].type, frames[i].flags, 1, slice_from_string(frames[i].payload));
        enum h2_code code = h2_guard_scan(&guard, buffer_view(wire), &len);
        assert_int_equal(code, frames[i].is_paid_for ? H2_ENHANCE_YOUR_CALM : H2_NO_ERROR);
        assert_int_equal(len, frames[i].is_paid_for ? 0 : buffer_len(wire));
    }
}

/* However the bytes are split, the same frame is the first that is too many. */
static void the_cut_does_not_depend_on_the_split(void **state)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
    size_t expected = 0;

    (void)state;
    raw_bytes(wire, RAW_PREFACE);
    for (int i = 0; i < 5; i++) {
        raw_frame(wire, RAW_DATA, 0, 1, slice_of(RAW_PREFACE.data, (size_t)(1 + 5 * i)));
        if (i == 3)
            expected = buffer_len(wire);
        raw_frame(wire, RAW_SETTINGS, 0, 0, SLICE("123456"));
    }
    for (size_t split = 1; split < buffer_len(wire); split++) {
        struct slice rest = buffer_view(wire);
        enum h2_code code = H2_NO_ERROR;
        struct h2_guard guard;
        size_t len = 0, at = 0;

        h2_guard_init(&guard, RAW_PREFACE.len, 3, 0);
        while (code == H2_NO_ERROR && at < rest.len) {
            code = h2_guard_scan(&guard, slice_take(slice_skip(rest, at), split), &len);
            at += len;
        }
        assert_int_equal(code, H2_ENHANCE_YOUR_CALM);
        /* A part of the frame's header may have come before. */
        assert_in_range(at, expected, expected + 8);
    }
}

static void answers_are_free_as_far_as_they_are_expected(void **state)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
    struct h2_guard guard;
    size_t len = 0;

    (void)state;
    h2_guard_init(&guard, 0, 0, 0);
    h2_guard_expect_answers(&guard, 1024);
    for (int i = 0; i < 8; i++)
        raw_frame(wire, RAW_WINDOW_UPDATE, 0, 0, SLICE("1234"));
    assert_int_equal(h2_guard_scan(&guard, buffer_view(wire), &len), H2_NO_ERROR);
    assert_int_equal(h2_guard_scan(&guard, buffer_view(wire), &len), H2_ENHANCE_YOUR_CALM);
    assert_int_equal(len, 0);
}

static void strays_are_free_as_far_as_a_reset_can_have_crossed_them(void **state)
{
    struct h2_guard guard;

    (void)state;
    h2_guard_init(&guard, 0, 1, 0);
    h2_guard_expect_strays(&guard);
    assert_true(h2_guard_take_stray(&guard));
    assert_true(h2_guard_take_stray(&guard));
    assert_true(h2_guard_take_stray(&guard)); /* paid for */
    assert_false(h2_guard_take_stray(&guard));
}

/* After each byte of a head in two frames, and of what is around it. */
static void a_head_is_amid_from_its_first_frame_to_its_last_byte(void **state)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 1000};
    struct h2_guard guard;
    size_t begins, ends, len = 0;

    (void)state;
    raw_frame(wire, RAW_PING, 0, 0, SLICE("12345678"));
    begins = buffer_len(wire) + H2_FRAME_HEADER_LEN;
    raw_frame(wire, RAW_HEADERS, 0, 1, SLICE("abc"));
    raw_frame(wire, RAW_CONTINUATION, RAW_END_HEADERS, 1, SLICE("def"));
    ends = buffer_len(wire);
    raw_frame(wire, RAW_DATA, 0, 1, SLICE("x"));
    h2_guard_init(&guard, 0, 10, 0);
    for (size_t at = 0; at < buffer_len(wire); at++) {
        struct slice byte = slice_take(slice_skip(buffer_view(wire), at), 1);
        assert_int_equal(h2_guard_scan(&guard, byte, &len), H2_NO_ERROR);
        assert_int_equal(h2_guard_is_amid_head(&guard), at + 1 >= begins && at + 1 < ends);
    }
}

static void a_head_has_at_most_eight_continuations(void **state)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
    struct h2_guard guard;
    size_t len = 0;

    (void)state;
    h2_guard_init(&guard, 0, 0, 0);
    for (int head = 0; head < 3; head++) {
        raw_frame(wire, RAW_HEADERS, 0, 1, SLICE("x"));
        for (int i = 0; i < H2_CONTINUATIONS_MAX; i++)
            raw_frame(wire, RAW_CONTINUATION, 0, 1, SLICE("x"));
    }
    assert_int_equal(h2_guard_scan(&guard, buffer_view(wire), &len), H2_NO_ERROR);
    buffer_reset(wire);
    raw_frame(wire, RAW_CONTINUATION, 0, 1, SLICE("x"));
    assert_int_equal(h2_guard_scan(&guard, buffer_view(wire), &len), H2_ENHANCE_YOUR_CALM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_run_out_and_come_back),
        cmocka_unit_test(each_type_has_its_price),
        cmocka_unit_test(the_cut_does_not_depend_on_the_split),
        cmocka_unit_test(answers_are_free_as_far_as_they_are_expected),
        cmocka_unit_test(strays_are_free_as_far_as_a_reset_can_have_crossed_them),
        cmocka_unit_test(a_head_is_amid_from_its_first_frame_to_its_last_byte),
        cmocka_unit_test(a_head_has_at_most_eight_continuations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
