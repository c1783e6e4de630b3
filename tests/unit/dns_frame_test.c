/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in a stream, however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/dns_frame.h"

static const struct slice two = SLICE_INIT("\0\14first query!\0\15second query!");

static void a_message_is_read_when_all_of_it_is_there(void **state)
{
    struct slice message = SLICE_NONE;

    (void)state;
    for (size_t len = 0; len < 14; len++)
        assert_int_equal(dns_frame_read(slice_take(two, len), &message), ERR_AGAIN);
    for (size_t len = 14; len <= two.len; len++) {
        assert_int_equal(dns_frame_read(slice_take(two, len), &message), OK);
        assert_true(slice_equals(message, SLICE("first query!")));
    }
    assert_int_equal(dns_frame_read(slice_skip(two, 14), &message), OK);
    assert_true(slice_equals(message, SLICE("second query!")));
}

static void what_is_no_message_is_refused_before_it_has_come(void **state)
{
    struct slice message;

    (void)state;
    assert_int_equal(dns_frame_read(SLICE("\0\0"), &message), ERR_SYNTAX);
    assert_int_equal(dns_frame_read(SLICE("\0\13"), &message), ERR_SYNTAX);
    assert_int_equal(dns_frame_read(SLICE("\x10\1"), &message), ERR_TOO_LARGE);
    assert_int_equal(dns_frame_read(SLICE("\xff\xff"), &message), ERR_TOO_LARGE);
    assert_int_equal(dns_frame_read(SLICE("\x10\0"), &message), ERR_AGAIN);
}

static void what_was_written_is_read_again(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 64};
    struct slice message;

    (void)state;
    assert_int_equal(dns_frame_write(SLICE("first query!"), out), OK);
    assert_int_equal(dns_frame_write(SLICE("second query!"), out), OK);
    assert_true(slice_equals(buffer_view(out), two));
    assert_int_equal(dns_frame_read(buffer_view(out), &message), OK);
    assert_true(slice_equals(message, SLICE("first query!")));
}

static void what_does_not_fit_leaves_nothing_behind(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 20};

    (void)state;
    assert_int_equal(dns_frame_write(SLICE("first query!"), out), OK);
    assert_int_equal(dns_frame_write(SLICE("second query!"), out), ERR_TOO_LARGE);
    assert_int_equal(buffer_len(out), 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read_when_all_of_it_is_there),
        cmocka_unit_test(what_is_no_message_is_refused_before_it_has_come),
        cmocka_unit_test(what_was_written_is_read_again),
        cmocka_unit_test(what_does_not_fit_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
