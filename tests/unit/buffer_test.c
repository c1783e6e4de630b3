/* SPDX-License-Identifier: Apache-2.0 */
/* A queue of bytes with a limit, which leaves nothing behind. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_holds(const struct buffer *buffer, struct slice expected)
{
    assert_true(slice_equals(buffer_view(buffer), expected));
    assert_int_equal(buffer_len(buffer), expected.len);
}

static void bytes_come_out_in_the_order_they_went_in(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 1000);
    assert_holds(&buffer, SLICE_NONE);
    assert_int_equal(buffer_append(&buffer, SLICE("head ")), OK);
    assert_int_equal(buffer_append_byte(&buffer, '#'), OK);
    assert_int_equal(buffer_append_u64(&buffer, 0), OK);
    assert_int_equal(buffer_append_u64(&buffer, UINT64_MAX), OK);
    assert_int_equal(buffer_append_format(&buffer, " %d%%", 7), OK);
    assert_holds(&buffer, SLICE("head #018446744073709551615 7%"));
    buffer_consume(&buffer, 5);
    assert_holds(&buffer, SLICE("#018446744073709551615 7%"));
    buffer_truncate(&buffer, 2);
    assert_holds(&buffer, SLICE("#0"));
    buffer_consume(&buffer, 2);
    assert_holds(&buffer, SLICE_NONE);
    buffer_clear(&buffer);
}

static void a_queue_that_is_fed_and_drained_keeps_every_byte(void **state)
{
    struct buffer buffer;
    uint8_t in = 0, out = 0;

    (void)state;
    buffer_init(&buffer, 700);
    for (size_t round = 0; round < 5000; round++) {
        for (size_t i = round * 7 % 90; i > 0 && buffer_len(&buffer) < 700; i--)
            assert_int_equal(buffer_append_byte(&buffer, (char)in++), OK);
        for (size_t i = round * 5 % 80; i > 0 && buffer_len(&buffer) > 0; i--) {
            assert_int_equal((uint8_t)buffer_view(&buffer).data[0], out++);
            buffer_consume(&buffer, 1);
        }
    }
    assert_true(buffer_len(&buffer) <= 700);
    assert_true(buffer.capacity <= 700);
    buffer_clear(&buffer);
}

static void what_would_pass_the_limit_is_refused_whole(void **state)
{
    struct buffer buffer;
    char *room = NULL;

    (void)state;
    buffer_init(&buffer, 8);
    assert_int_equal(buffer_append(&buffer, SLICE("123456789")), ERR_TOO_LARGE);
    assert_holds(&buffer, SLICE_NONE);
    assert_int_equal(buffer_append(&buffer, SLICE("12345678")), OK);
    assert_int_equal(buffer_append_byte(&buffer, '9'), ERR_TOO_LARGE);
    assert_int_equal(buffer_append(&buffer, SLICE_NONE), OK);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX, &room), ERR_TOO_LARGE);
    assert_holds(&buffer, SLICE("12345678"));
    buffer_consume(&buffer, 3);
    assert_int_equal(buffer_append(&buffer, SLICE("abc")), OK);
    assert_holds(&buffer, SLICE("45678abc"));
    buffer_clear(&buffer);
}

static void reserved_room_is_as_large_as_asked_and_counts_once_committed(void **state)
{
    struct buffer buffer;
    char *room;

    (void)state;
    buffer_init(&buffer, 5000);
    for (size_t len = 1; len <= 2000; len = len * 2 + 1) {
        size_t before = buffer_len(&buffer);
        assert_int_equal(buffer_reserve(&buffer, len, &room), OK);
        memset(room, 'x', len);
        assert_int_equal(buffer_len(&buffer), before);
        buffer_commit(&buffer, len);
        assert_int_equal(buffer_len(&buffer), before + len);
    }
    buffer_clear(&buffer);
}

static bool storage_shows(const struct buffer *buffer, struct slice needle)
{
    struct slice storage = slice_of(buffer->data, buffer->capacity);

    return slice_find_slice(storage, needle) < storage.len;
}

static void storage_is_wiped_when_it_is_reset_truncated_or_moved(void **state)
{
    static const struct slice canary = SLICE_INIT("canary-value");
    struct buffer buffer;
    char *room;

    (void)state;
    buffer_init(&buffer, 256);
    assert_int_equal(buffer_reserve(&buffer, 256, &room), OK);
    memset(room, 0, 256);

    assert_int_equal(buffer_append(&buffer, canary), OK);
    buffer_reset(&buffer);
    assert_false(storage_shows(&buffer, canary));

    assert_int_equal(buffer_append(&buffer, canary), OK);
    buffer_truncate(&buffer, 0);
    assert_false(storage_shows(&buffer, canary));

    assert_int_equal(buffer_append(&buffer, canary), OK);
    assert_int_equal(buffer_append(&buffer, SLICE("tail")), OK);
    buffer_consume(&buffer, canary.len);
    assert_true(storage_shows(&buffer, canary));
    assert_int_equal(buffer_reserve(&buffer, 252, &room), OK); /* moves the tail to the front */
    assert_false(storage_shows(&buffer, canary));
    assert_holds(&buffer, SLICE("tail"));
    buffer_clear(&buffer);
}

static void a_cleared_buffer_can_be_used_again(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 4);
    assert_int_equal(buffer_append(&buffer, SLICE("1234")), OK);
    buffer_clear(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer_append(&buffer, SLICE("12345")), ERR_TOO_LARGE);
    assert_int_equal(buffer_append(&buffer, SLICE("abcd")), OK);
    assert_holds(&buffer, SLICE("abcd"));
    buffer_clear(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_in_the_order_they_went_in),
        cmocka_unit_test(a_queue_that_is_fed_and_drained_keeps_every_byte),
        cmocka_unit_test(what_would_pass_the_limit_is_refused_whole),
        cmocka_unit_test(reserved_room_is_as_large_as_asked_and_counts_once_committed),
        cmocka_unit_test(storage_is_wiped_when_it_is_reset_truncated_or_moved),
        cmocka_unit_test(a_cleared_buffer_can_be_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
