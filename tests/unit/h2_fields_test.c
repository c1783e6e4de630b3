/* SPDX-License-Identifier: Apache-2.0 */
/* The second look at heads that go out in HTTP/2: no byte passes that would be another field, or
 * another message, once somebody writes it as HTTP/1. */
#include "http/h2_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum outcome { SENT, LEFT_OUT, NOT_SENT };

struct field_case {
    struct slice name, value;
    enum outcome in_head, in_trailers;
};

#define FIELD(name, value) SLICE_INIT(name), SLICE_INIT(value)

static const struct field_case cases[] = {
    {FIELD("X-Key", "value, with \"all\" \xff"), SENT, SENT},
    {FIELD("x", ""), SENT, SENT},
    {FIELD("x", "a\tb"), SENT, SENT},
    {FIELD("TE", "trailers"), SENT, LEFT_OUT},
    /* written anew, or unknown to HTTP/2 */
    {FIELD("Host", "a.example"), LEFT_OUT, LEFT_OUT},
    {FIELD("content-length", "3"), LEFT_OUT, LEFT_OUT},
    {FIELD("Connection", "close"), LEFT_OUT, LEFT_OUT},
    {FIELD("Keep-Alive", "1"), LEFT_OUT, LEFT_OUT},
    {FIELD("Proxy-Connection", "close"), LEFT_OUT, LEFT_OUT},
    {FIELD("Transfer-Encoding", "chunked"), LEFT_OUT, LEFT_OUT},
    {FIELD("Upgrade", "h2c"), LEFT_OUT, LEFT_OUT},
    {FIELD("TE", "gzip"), LEFT_OUT, LEFT_OUT},
    {FIELD("Authorization", "x"), SENT, LEFT_OUT},
    {FIELD("Set-Cookie", "a=b"), SENT, LEFT_OUT},
    /* not to be sent by anybody */
    {FIELD("x", "a\rb"), NOT_SENT, NOT_SENT},
    {FIELD("x", "a\nb: c"), NOT_SENT, NOT_SENT},
    {FIELD("x", "a\0b"), NOT_SENT, NOT_SENT},
    {FIELD("x", "a\x7f"), NOT_SENT, NOT_SENT},
    {FIELD("x", " a"), NOT_SENT, NOT_SENT},
    {FIELD("x", "a\t"), NOT_SENT, NOT_SENT},
    {FIELD("", "a"), NOT_SENT, NOT_SENT},
    {FIELD(":path", "/"), NOT_SENT, NOT_SENT},
    {FIELD("x y", "a"), NOT_SENT, NOT_SENT},
    {FIELD("x\r\ny", "a"), NOT_SENT, NOT_SENT},
};

static enum outcome outcome_of(enum error error, const struct h2_fields *fields)
{
    if (error != OK) {
        assert_int_equal(error, ERR_SYNTAX);
        return NOT_SENT;
    }
    return fields->count == 0 ? LEFT_OUT : SENT;
}

static void only_what_is_one_field_goes_out(void **state)
{
    static struct http_head head;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct h2_fields fields;

        head.fields[0] = (struct http_field){cases[i].name, cases[i].value};
        head.field_count = 1;
        h2_fields_init(&fields);
        if (outcome_of(h2_fields_add_head(&fields, &head), &fields) != cases[i].in_head)
            fail_msg("field %zu of a head", i);
        h2_fields_init(&fields);
        if (outcome_of(h2_fields_add_trailers(&fields, &head), &fields) != cases[i].in_trailers)
            fail_msg("field %zu of trailers", i);
    }
}

static void a_pseudo_field_is_one_word(void **state)
{
    static const struct slice bad[] = {
        SLICE_INIT(""),      SLICE_INIT("/a b"),      SLICE_INIT("/\r\nx: y"), SLICE_INIT("/a\0b"),
        SLICE_INIT("/\x7f"), SLICE_INIT("/\xc3\xa4"), SLICE_INIT("/a\tb"),
    };
    struct h2_fields fields;

    (void)state;
    h2_fields_init(&fields);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(h2_fields_add_pseudo(&fields, SLICE(":path"), bad[i]), ERR_SYNTAX);
    assert_int_equal(fields.count, 0);
    assert_int_equal(h2_fields_add_pseudo(&fields, SLICE(":path"), SLICE("/a?b#")), OK);
}

static void a_status_is_one_that_http2_has(void **state)
{
    struct h2_fields fields;

    (void)state;
    h2_fields_init(&fields);
    assert_int_equal(h2_fields_add_status(&fields, 99), ERR_SYNTAX);
    assert_int_equal(h2_fields_add_status(&fields, 101), ERR_SYNTAX);
    assert_int_equal(h2_fields_add_status(&fields, 600), ERR_SYNTAX);
    assert_int_equal(fields.count, 0);
    assert_int_equal(h2_fields_add_status(&fields, 599), OK);
    assert_memory_equal(fields.items[0].value, "599", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_one_field_goes_out),
        cmocka_unit_test(a_pseudo_field_is_one_word),
        cmocka_unit_test(a_status_is_one_that_http2_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
