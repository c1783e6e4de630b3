/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and payloads are told apart, however the stream is cut. */
#include "http/websocket_frames.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct seen {
    struct buffer all, payload;
    size_t ends;
};

static void feed(struct websocket_frames *frames, struct slice input, struct seen *seen)
{
    while (input.len > 0) {
        struct slice piece;
        size_t before = input.len;
        enum websocket_piece kind = websocket_frames_next(frames, &input, &piece);

        assert_int_equal(piece.len, before - input.len);
        assert_true(piece.len > 0);
        assert_int_equal(buffer_append(&seen->all, piece), OK);
        if (kind != WEBSOCKET_HEAD)
            assert_int_equal(buffer_append(&seen->payload, piece), OK);
        seen->ends += kind == WEBSOCKET_LAST_PIECE;
    }
}

/* In pieces of every size the result is the same. */
static void check(struct slice stream, struct slice payload, size_t ends)
{
    for (size_t size = 1; size <= stream.len; size++) {
        struct websocket_frames frames = {0};
        struct seen seen = {0};
        struct slice rest = stream;

        buffer_init(&seen.all, 1 << 20);
        buffer_init(&seen.payload, 1 << 20);
        while (rest.len > 0) {
            struct slice piece = slice_take(rest, size);
            feed(&frames, piece, &seen);
            rest = slice_skip(rest, piece.len);
        }
        assert_true(slice_equals(buffer_view(&seen.all), stream));
        assert_true(slice_equals(buffer_view(&seen.payload), payload));
        assert_int_equal(seen.ends, ends);
        buffer_clear(&seen.all);
        buffer_clear(&seen.payload);
    }
}

static void a_short_frame_has_two_bytes_before_its_payload(void **state UNUSED)
{
    check(SLICE("\x81\x05hello"), SLICE("hello"), 1);
}

static void a_frame_follows_a_frame(void **state UNUSED)
{
    check(SLICE("\x01\x03one\x80\x03two\x89\x00\x82\x01!"), SLICE("onetwo!"), 3);
}

static void a_length_has_two_or_eight_bytes(void **state UNUSED)
{
    check(SLICE("\x81\x7e\x00\x04"
                "four\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05"
                "fives"),
          SLICE("fourfives"), 2);
}

static void a_mask_key_belongs_to_the_head(void **state UNUSED)
{
    check(SLICE("\x81\x83keys"
                "abc"),
          SLICE("abc"), 1);
}

static void an_endless_frame_is_payload_to_the_end(void **state UNUSED)
{
    check(SLICE("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"
                "abcdef"),
          SLICE("abcdef"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_frame_has_two_bytes_before_its_payload),
        cmocka_unit_test(a_frame_follows_a_frame),
        cmocka_unit_test(a_length_has_two_or_eight_bytes),
        cmocka_unit_test(a_mask_key_belongs_to_the_head),
        cmocka_unit_test(an_endless_frame_is_payload_to_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
