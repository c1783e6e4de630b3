/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as they are written. */
#include "http/websocket_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_written(const struct buffer *out, struct slice expected)
{
    assert_int_equal(buffer_len(out), expected.len);
    assert_memory_equal(buffer_view(out).data, expected.data, expected.len);
}

static void a_message_may_leave_in_parts(void **state UNUSED)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};
    struct websocket_writer writer = {.role = WEBSOCKET_FROM_SERVER};

    assert_int_equal(websocket_writer_data(&writer, WEBSOCKET_TEXT, false, SLICE("one"), out), OK);
    assert_int_equal(websocket_writer_control(&writer, WEBSOCKET_PING, SLICE("p"), out), OK);
    assert_int_equal(websocket_writer_data(&writer, WEBSOCKET_TEXT, true, SLICE("two"), out), OK);
    assert_int_equal(websocket_writer_data(&writer, WEBSOCKET_BINARY, true, SLICE("!"), out), OK);
    assert_written(out, SLICE("\x01\x03one\x89\x01p\x80\x03two\x82\x01!"));
}

static void a_close_has_a_status_and_a_reason_that_fits(void **state UNUSED)
{
    static const char reason[200] = "xxxxxxxx";
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};
    const struct websocket_writer writer = {.role = WEBSOCKET_FROM_SERVER};

    assert_int_equal(websocket_writer_close(&writer, 1002, SLICE("no"), out), OK);
    assert_written(out, SLICE("\x88\x04\x03\xeano"));
    buffer_reset(out);
    assert_int_equal(websocket_writer_close(&writer, 1012, slice_of(reason, 200), out), OK);
    assert_int_equal(buffer_len(out), 2 + WEBSOCKET_CONTROL_MAX);
    assert_int_equal(websocket_writer_control(&writer, WEBSOCKET_PONG, slice_of(reason, 126), out),
                     ERR_TOO_LARGE);
}

/* Read back, every byte, at the lengths where the head changes. */
static void what_a_client_writes_reads_back(void **state UNUSED)
{
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536};
    static char payload[65536];

    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (char)(i * 7);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1 << 20};
        OWNED_STRUCT(buffer) *read = &(struct buffer){.limit = 1 << 20};
        struct websocket_writer writer = {.role = WEBSOCKET_FROM_CLIENT};
        struct websocket_reader reader;
        struct slice input, piece, sent = slice_of(payload, lengths[i]);

        assert_int_equal(websocket_writer_data(&writer, WEBSOCKET_BINARY, true, sent, out), OK);
        websocket_reader_init(&reader, WEBSOCKET_FROM_CLIENT);
        input = buffer_view(out);
        while (websocket_reader_next(&reader, &input, &piece) == WEBSOCKET_PAYLOAD)
            assert_int_equal(buffer_append(read, piece), OK);
        assert_false(reader.has_fault || reader.in_frame || input.len > 0);
        assert_true(slice_equals(buffer_view(read), sent));
    }
}

static void each_frame_of_a_client_has_a_mask_of_its_own(void **state UNUSED)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};
    struct websocket_writer writer = {.role = WEBSOCKET_FROM_CLIENT};
    enum { FRAME_LEN = 2 + WEBSOCKET_KEY_LEN + 16 };
    struct slice zeros = SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

    /* That three were the same by accident is one in 2^64. */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(websocket_writer_data(&writer, WEBSOCKET_TEXT, true, zeros, out), OK);
    struct slice first = slice_take(buffer_view(out), FRAME_LEN);
    struct slice second = slice_take(slice_skip(buffer_view(out), FRAME_LEN), FRAME_LEN);
    struct slice third = slice_skip(buffer_view(out), 2 * FRAME_LEN);
    assert_int_equal(third.len, FRAME_LEN);
    assert_false(slice_equals(first, second) && slice_equals(second, third));
    assert_memory_equal(first.data + 2, first.data + 2 + WEBSOCKET_KEY_LEN, WEBSOCKET_KEY_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_may_leave_in_parts),
        cmocka_unit_test(a_close_has_a_status_and_a_reason_that_fits),
        cmocka_unit_test(what_a_client_writes_reads_back),
        cmocka_unit_test(each_frame_of_a_client_has_a_mask_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
