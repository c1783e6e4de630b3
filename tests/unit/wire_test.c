/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding of what crosses processes. */
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void write_sample(struct buffer *out)
{
    struct wire_writer writer = wire_writer_of(out);

    wire_write_u8(&writer, 0x01);
    wire_write_u16(&writer, 0x0203);
    wire_write_u32(&writer, 0x04050607);
    wire_write_u64(&writer, 0x08090a0b0c0d0e0f);
    wire_write_slice(&writer, SLICE("text"));
    wire_write_slice(&writer, SLICE_NONE);
    wire_write_raw(&writer, "raw", 3);
    assert_int_equal(writer.error, OK);
}

/* True when the whole sample was read. */
static bool read_sample(struct slice bytes)
{
    struct wire_reader reader = wire_reader_of(bytes);
    char raw[3];

    bool equal = wire_read_u8(&reader) == 0x01;
    equal &= wire_read_u16(&reader) == 0x0203;
    equal &= wire_read_u32(&reader) == 0x04050607;
    equal &= wire_read_u64(&reader) == 0x08090a0b0c0d0e0f;
    equal &= slice_equals(wire_read_slice(&reader, 4), SLICE("text"));
    equal &= wire_read_slice(&reader, 0).len == 0;
    wire_read_raw(&reader, raw, sizeof(raw));
    equal &= memcmp(raw, "raw", 3) == 0;
    return wire_reader_done(&reader) && equal;
}

static void integers_are_big_endian_and_strings_carry_their_length(void **state)
{
    struct buffer out;

    (void)state;
    buffer_init(&out, 100);
    write_sample(&out);
    assert_true(slice_equals(buffer_view(&out),
                             SLICE("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
                                   "\0\0\0\x04text\0\0\0\0raw")));
    buffer_clear(&out);
}

static void what_was_written_reads_back_and_no_truncation_does(void **state)
{
    struct buffer out;

    (void)state;
    buffer_init(&out, 100);
    write_sample(&out);
    assert_true(read_sample(buffer_view(&out)));
    for (size_t len = 0; len < buffer_len(&out); len++)
        assert_false(read_sample(slice_take(buffer_view(&out), len)));
    assert_int_equal(buffer_append_byte(&out, 0), OK);
    assert_false(read_sample(buffer_view(&out))); /* a byte too many */
    buffer_clear(&out);
}

static void a_failed_reader_stays_failed_and_reads_zeros(void **state)
{
    struct wire_reader reader = wire_reader_of(SLICE("\xff\xff"));
    char raw[2] = "xx";

    (void)state;
    assert_int_equal(wire_read_u32(&reader), 0);
    assert_int_equal(wire_read_u8(&reader), 0);
    assert_int_equal(wire_read_slice(&reader, 10).len, 0);
    wire_read_raw(&reader, raw, sizeof(raw));
    assert_memory_equal(raw, "\0\0", 2);
    assert_false(wire_reader_done(&reader));
}

static void a_string_over_its_limit_fails(void **state)
{
    struct wire_reader reader = wire_reader_of(SLICE("\0\0\0\x05hello"));

    (void)state;
    assert_int_equal(wire_read_slice(&reader, 4).len, 0);
    assert_true(reader.failed);
}

static void a_count_that_the_rest_cannot_hold_fails(void **state)
{
    struct wire_reader fits = wire_reader_of(SLICE("\0\0\0\x02"
                                                   "12345678"));
    struct wire_reader forged = wire_reader_of(SLICE("\0\0\0\x03"
                                                     "12345678"));
    struct wire_reader huge = wire_reader_of(SLICE("\xff\xff\xff\xff"
                                                   "12345678"));

    (void)state;
    assert_int_equal(wire_read_count(&fits, 4), 2);
    assert_false(fits.failed);
    assert_int_equal(wire_read_count(&forged, 4), 0);
    assert_true(forged.failed);
    assert_int_equal(wire_read_count(&huge, 4), 0);
    assert_true(huge.failed);
}

static void a_failed_writer_keeps_its_first_error_and_writes_no_more(void **state)
{
    struct buffer out;
    struct wire_writer writer;

    (void)state;
    buffer_init(&out, 6);
    writer = wire_writer_of(&out);
    wire_write_u32(&writer, 1);
    wire_write_u32(&writer, 2);
    wire_write_u8(&writer, 3);
    assert_int_equal(writer.error, ERR_TOO_LARGE);
    assert_int_equal(buffer_len(&out), 4);
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian_and_strings_carry_their_length),
        cmocka_unit_test(what_was_written_reads_back_and_no_truncation_does),
        cmocka_unit_test(a_failed_reader_stays_failed_and_reads_zeros),
        cmocka_unit_test(a_string_over_its_limit_fails),
        cmocka_unit_test(a_count_that_the_rest_cannot_hold_fails),
        cmocka_unit_test(a_failed_writer_keeps_its_first_error_and_writes_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
