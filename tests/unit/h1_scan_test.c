/* SPDX-License-Identifier: Apache-2.0 */
/* The scan alone, without the parser behind it, which refuses some of the same: each of the two
 * must hold where the other does not. */
#include "http/h1_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE "GET / HTTP/1.1\r\n"

enum { WHOLE = 0, UNFINISHED = 1 };

struct section {
    struct slice bytes;
    int status; /* or one of the above */
};

static const struct section heads[] = {
    {SLICE_INIT(LINE "\r\n"), WHOLE},
    {SLICE_INIT(LINE "a: b\r\nC:\r\nd:\te \xff\t\r\n\r\n"), WHOLE},
    {SLICE_INIT(LINE "!#$%&'*+-.^_`|~09azAZ: \r\n\r\n"), WHOLE},
    {SLICE_INIT(LINE "a: b: c\r\n\r\n"), WHOLE},
    {SLICE_INIT(LINE "\r\nmore"), WHOLE},
    {SLICE_INIT(""), UNFINISHED},
    {SLICE_INIT("GET / HT"), UNFINISHED},
    {SLICE_INIT(LINE), UNFINISHED},
    {SLICE_INIT(LINE "a: b\r\n"), UNFINISHED},
    {SLICE_INIT(LINE "\r"), UNFINISHED},
    /* before it */
    {SLICE_INIT("\r\n" LINE), 400},
    {SLICE_INIT("\n" LINE), 400},
    {SLICE_INIT(" " LINE), 400},
    {SLICE_INIT("\t" LINE), 400},
    {SLICE_INIT("\0" LINE), 400},
    /* ends of lines */
    {SLICE_INIT("GET / HTTP/1.1\n"), 400},
    {SLICE_INIT("GET / HTTP/1.1\ra"), 400},
    {SLICE_INIT("GET / HTTP/1.1\r\r\n"), 400},
    {SLICE_INIT(LINE "a: b\n"), 400},
    {SLICE_INIT(LINE "a: b\rc\r\n"), 400},
    {SLICE_INIT(LINE "a: b\r\r\n"), 400},
    {SLICE_INIT(LINE "\n"), 400},
    {SLICE_INIT(LINE "\rx"), 400},
    {SLICE_INIT(LINE "a\r\n"), 400},
    {SLICE_INIT(LINE "a\n"), 400},
    /* what a line may hold */
    {SLICE_INIT("GET /\0 HTTP/1.1\r\n"), 400},
    {SLICE_INIT("GET /\x01 HTTP/1.1\r\n"), 400},
    {SLICE_INIT("GET\t/ HTTP/1.1\r\n"), 400},
    {SLICE_INIT("GET /\x7f HTTP/1.1\r\n"), 400},
    {SLICE_INIT(LINE "a: \0\r\n"), 400},
    {SLICE_INIT(LINE "a: \x01\r\n"), 400},
    {SLICE_INIT(LINE "a: \x1f\r\n"), 400},
    {SLICE_INIT(LINE "a: \x7f\r\n"), 400},
    {SLICE_INIT(LINE "a: \x0b\r\n"), 400},
    /* names */
    {SLICE_INIT(LINE ": b\r\n"), 400},
    {SLICE_INIT(LINE "a : b\r\n"), 400},
    {SLICE_INIT(LINE "a\t: b\r\n"), 400},
    {SLICE_INIT(LINE "a b: c\r\n"), 400},
    {SLICE_INIT(LINE "a\0: b\r\n"), 400},
    {SLICE_INIT(LINE "a(: b\r\n"), 400},
    {SLICE_INIT(LINE "\xc3\xa4: b\r\n"), 400},
    /* folds */
    {SLICE_INIT(LINE " a: b\r\n"), 400},
    {SLICE_INIT(LINE "a: b\r\n c\r\n"), 400},
    {SLICE_INIT(LINE "a: b\r\n\tc\r\n"), 400},
};

static int status_of(const struct h1_scan *scan)
{
    if (scan->state == H1_SCAN_FAULT)
        return scan->fault.status;
    return scan->state == H1_SCAN_DONE ? WHOLE : UNFINISHED;
}

/* In pieces of that many bytes. */
static int scan_pieces(struct h1_scan *scan, struct slice bytes, size_t size)
{
    while (bytes.len > 0 && scan->state < H1_SCAN_DONE) {
        size_t used = h1_scan_feed(scan, slice_take(bytes, size));
        if (used == 0)
            break;
        bytes = slice_skip(bytes, used);
    }
    return status_of(scan);
}

static void each_byte_is_judged_by_where_it_stands_however_it_comes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        for (size_t size = 1; size <= heads[i].bytes.len + 1; size++) {
            struct h1_scan scan;

            h1_scan_init_head(&scan);
            int status = scan_pieces(&scan, heads[i].bytes, size);
            if (status != heads[i].status)
                fail_msg("head %zu in pieces of %zu: %d", i, size, status);
        }
    }
}

static void what_follows_is_left_alone(void **state)
{
    struct slice bytes = SLICE(LINE "a: b\r\n\r\nrest");
    struct h1_scan scan;

    (void)state;
    h1_scan_init_head(&scan);
    assert_int_equal(h1_scan_feed(&scan, bytes), bytes.len - strlen("rest"));
    assert_int_equal(scan.state, H1_SCAN_DONE);
    assert_int_equal(h1_scan_feed(&scan, SLICE("more")), 0);
}

/* `start`, then `unit` as often as it takes, then the end of a head. */
static int scan_long(const char *start, const char *unit, size_t count)
{
    OWNED_STRUCT(buffer) *bytes = &(struct buffer){.limit = 1 << 20};
    struct h1_scan scan;

    assert_int_equal(buffer_append(bytes, slice_from_string(start)), OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buffer_append(bytes, slice_from_string(unit)), OK);
    assert_int_equal(buffer_append(bytes, SLICE("\r\n\r\n")), OK);
    h1_scan_init_head(&scan);
    return scan_pieces(&scan, buffer_view(bytes), SIZE_MAX);
}

static void each_limit_is_met_to_the_byte(void **state)
{
    size_t fixed = strlen(LINE "x: \r\n\r\n");

    (void)state;
    assert_int_equal(scan_long("", "x", HTTP_TARGET_MAX), WHOLE);
    assert_int_equal(scan_long("", "x", HTTP_TARGET_MAX + 1), 414);
    assert_int_equal(scan_long(LINE "x: ", "y", HTTP_HEAD_MAX - fixed), WHOLE);
    assert_int_equal(scan_long(LINE "x: ", "y", HTTP_HEAD_MAX - fixed + 1), 431);
    assert_int_equal(scan_long("GET / HTTP/1.1", "\r\nx: y", HTTP_FIELDS_MAX), WHOLE);
    assert_int_equal(scan_long("GET / HTTP/1.1", "\r\nx: y", HTTP_FIELDS_MAX + 1), 431);
}

static void trailers_are_fields_alone_within_their_own_limit(void **state)
{
    struct slice fields = SLICE("a: b\r\n\r\n");
    struct h1_scan scan;

    (void)state;
    h1_scan_init_trailers(&scan, fields.len);
    assert_int_equal(scan_pieces(&scan, fields, SIZE_MAX), WHOLE);
    h1_scan_init_trailers(&scan, fields.len - 1);
    assert_int_equal(scan_pieces(&scan, fields, SIZE_MAX), 431);
    h1_scan_init_trailers(&scan, 100);
    assert_int_equal(scan_pieces(&scan, SLICE("\r\n"), SIZE_MAX), WHOLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_is_judged_by_where_it_stands_however_it_comes),
        cmocka_unit_test(what_follows_is_left_alone),
        cmocka_unit_test(each_limit_is_met_to_the_byte),
        cmocka_unit_test(trailers_are_fields_alone_within_their_own_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
