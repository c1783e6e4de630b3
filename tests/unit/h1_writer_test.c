/* SPDX-License-Identifier: Apache-2.0 */
/* Messages written anew, byte for byte, and what is never written. */
#include "http/h1_writer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct http_framing none = {.kind = HTTP_BODY_NONE};
static const struct http_framing three = {.kind = HTTP_BODY_LENGTH, .length = 3};
static const struct http_framing chunked = {.kind = HTTP_BODY_CHUNKED};
static const struct http_framing until_close = {.kind = HTTP_BODY_UNTIL_CLOSE};

struct fixture {
    struct http_head head;
    struct buffer out;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    http_head_init(&fixture.head);
    buffer_init(&fixture.out, 1 << 16);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    http_head_clear(&fixture->head);
    buffer_clear(&fixture->out);
    return 0;
}

static void add(struct fixture *fixture, struct slice name, struct slice value)
{
    assert_int_equal(http_head_add(&fixture->head, name, value), OK);
}

static void assert_written(struct fixture *fixture, struct slice expected)
{
    if (!slice_equals(buffer_view(&fixture->out), expected))
        fail_msg("%.*s\ninstead of\n%.*s", SLICE_ARG(buffer_view(&fixture->out)),
                 SLICE_ARG(expected));
    buffer_reset(&fixture->out);
}

static struct h1_request_line line(const char *method)
{
    return (struct h1_request_line){
        .method = slice_from_string(method), .path = SLICE("/p?q"), .host = SLICE("h:8443")};
}

static enum error write_request(struct fixture *fixture, const char *method,
                                struct http_framing framing)
{
    struct h1_request_line request_line = line(method);

    return h1_writer_request(&request_line, &fixture->head, framing, &fixture->out);
}

static void host_comes_first_and_framing_last(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, SLICE("Accept"), SLICE("*/*"));
    add(fixture, SLICE("hOST"), SLICE("other"));
    add(fixture, SLICE("X-Empty"), SLICE(""));
    assert_int_equal(write_request(fixture, "POST", three), OK);
    assert_written(fixture, SLICE("POST /p?q HTTP/1.1\r\nHost: h:8443\r\nAccept: */*\r\n"
                                  "X-Empty: \r\nContent-Length: 3\r\n\r\n"));
}

static void framing_fields_of_the_head_are_not_written(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, SLICE("content-length"), SLICE("99"));
    add(fixture, SLICE("Transfer-encoding"), SLICE("gzip"));
    add(fixture, SLICE("Connection"), SLICE("x"));
    add(fixture, SLICE("keep-alive"), SLICE("x"));
    add(fixture, SLICE("Upgrade"), SLICE("h2c"));
    assert_int_equal(write_request(fixture, "GET", none), OK);
    assert_written(fixture, SLICE("GET /p?q HTTP/1.1\r\nHost: h:8443\r\n\r\n"));
    assert_int_equal(write_request(fixture, "GET", chunked), OK);
    assert_written(fixture, SLICE("GET /p?q HTTP/1.1\r\nHost: h:8443\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n"));
}

static void methods_with_a_meaningful_body_say_that_there_is_none(void **state)
{
    static const struct {
        const char *method;
        bool length;
    } cases[] = {{"POST", true}, {"PUT", true}, {"PATCH", true}, {"GET", false}, {"DELETE", false}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(write_request(fixture, cases[i].method, none), OK);
        struct slice out = buffer_view(&fixture->out);
        bool length = slice_find_slice(out, SLICE("Content-Length: 0\r\n")) < out.len;
        assert_int_equal(length, cases[i].length);
        buffer_reset(&fixture->out);
    }
}

static void a_websocket_handshake_is_written_as_one(void **state)
{
    struct fixture *fixture = *state;
    struct h1_request_line request_line = line("GET");

    request_line.is_websocket = true;
    assert_int_equal(h1_writer_request(&request_line, &fixture->head, none, &fixture->out), OK);
    assert_written(fixture, SLICE("GET /p?q HTTP/1.1\r\nHost: h:8443\r\n"
                                  "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"));
    fixture->head.status = 101;
    assert_int_equal(h1_writer_response(&fixture->head, none, false, &fixture->out), OK);
    assert_written(fixture,
                   SLICE("HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

static void what_could_become_a_second_line_is_refused_and_nothing_written(void **state)
{
    static const struct http_field fields[] = {
        {SLICE_INIT("X"), SLICE_INIT("a\r\nY: b")}, {SLICE_INIT("X"), SLICE_INIT("a\nb")},
        {SLICE_INIT("X"), SLICE_INIT("a\rb")},      {SLICE_INIT("X"), SLICE_INIT("a\0b")},
        {SLICE_INIT("X\r\nY"), SLICE_INIT("a")},    {SLICE_INIT("X:"), SLICE_INIT("a")},
        {SLICE_INIT("X "), SLICE_INIT("a")},        {SLICE_INIT(""), SLICE_INIT("a")},
    };
    struct fixture *fixture = *state;

    assert_int_equal(buffer_append(&fixture->out, SLICE("before")), OK);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        fixture->head.fields[0] = fields[i];
        fixture->head.field_count = 1;
        fixture->head.status = 200;
        assert_int_equal(write_request(fixture, "GET", none), ERR_SYNTAX);
        assert_int_equal(h1_writer_response(&fixture->head, three, false, &fixture->out),
                         ERR_SYNTAX);
        assert_int_equal(h1_writer_last_chunk(&fixture->head, &fixture->out), ERR_SYNTAX);
    }
    assert_written(fixture, SLICE("before"));
}

static void a_request_line_is_three_words(void **state)
{
    static const struct h1_request_line bad[] = {
        {.method = SLICE_INIT("G T"), .path = SLICE_INIT("/"), .host = SLICE_INIT("h")},
        {.method = SLICE_INIT(""), .path = SLICE_INIT("/"), .host = SLICE_INIT("h")},
        {.method = SLICE_INIT("GET"), .path = SLICE_INIT("/ x"), .host = SLICE_INIT("h")},
        {.method = SLICE_INIT("GET"), .path = SLICE_INIT("/\r\n"), .host = SLICE_INIT("h")},
        {.method = SLICE_INIT("GET"), .path = SLICE_INIT(""), .host = SLICE_INIT("h")},
        {.method = SLICE_INIT("GET"), .path = SLICE_INIT("/"), .host = SLICE_INIT("h\r\nX: y")},
        {.method = SLICE_INIT("GET"), .path = SLICE_INIT("/"), .host = SLICE_INIT("")},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(h1_writer_request(&bad[i], &fixture->head, none, &fixture->out),
                         ERR_SYNTAX);
    assert_int_equal(write_request(fixture, "GET", until_close), ERR_SYNTAX);
    assert_written(fixture, SLICE(""));
}

static enum error write_response(struct fixture *fixture, uint16_t status,
                                 struct http_framing framing, bool close)
{
    fixture->head.status = status;
    return h1_writer_response(&fixture->head, framing, close, &fixture->out);
}

static void responses_carry_status_reason_and_framing(void **state)
{
    struct fixture *fixture = *state;

    fixture->head.reason = SLICE("All Right");
    add(fixture, SLICE("A"), SLICE("b"));
    assert_int_equal(write_response(fixture, 200, three, false), OK);
    assert_written(fixture, SLICE("HTTP/1.1 200 All Right\r\nA: b\r\nContent-Length: 3\r\n\r\n"));
    assert_int_equal(write_response(fixture, 200, chunked, true), OK);
    assert_written(fixture, SLICE("HTTP/1.1 200 All Right\r\nA: b\r\nTransfer-Encoding: "
                                  "chunked\r\nConnection: close\r\n\r\n"));
    assert_int_equal(write_response(fixture, 200, until_close, false), OK);
    assert_written(fixture, SLICE("HTTP/1.1 200 All Right\r\nA: b\r\nConnection: close\r\n\r\n"));
    assert_int_equal(write_response(fixture, 204, three, false), OK);
    assert_written(fixture, SLICE("HTTP/1.1 204 All Right\r\nA: b\r\n\r\n"));
    assert_int_equal(write_response(fixture, 304, three, false), OK);
    assert_written(fixture, SLICE("HTTP/1.1 304 All Right\r\nA: b\r\nContent-Length: 3\r\n\r\n"));
    assert_int_equal(write_response(fixture, 99, none, false), ERR_SYNTAX);
    assert_int_equal(write_response(fixture, 600, none, false), ERR_SYNTAX);
}

static void a_reason_that_is_no_phrase_is_dropped(void **state)
{
    struct fixture *fixture = *state;

    fixture->head.reason = SLICE("a\r\nX: y");
    assert_int_equal(write_response(fixture, 100, none, false), OK);
    assert_written(fixture, SLICE("HTTP/1.1 100 \r\n\r\n"));
}

static void chunks_are_never_empty_before_the_last(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(h1_writer_chunk(SLICE(""), &fixture->out), OK);
    assert_written(fixture, SLICE(""));
    assert_int_equal(h1_writer_chunk(SLICE("0123456789abcdef"), &fixture->out), OK);
    assert_written(fixture, SLICE("10\r\n0123456789abcdef\r\n"));
    assert_int_equal(h1_writer_last_chunk(NULL, &fixture->out), OK);
    assert_written(fixture, SLICE("0\r\n\r\n"));
}

static void trailers_hold_nothing_that_belongs_in_a_head(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, SLICE("grpc-status"), SLICE("0"));
    add(fixture, SLICE("Content-Type"), SLICE("x"));
    add(fixture, SLICE("content-length"), SLICE("1"));
    add(fixture, SLICE("Authorization"), SLICE("x"));
    add(fixture, SLICE("Set-Cookie"), SLICE("x"));
    add(fixture, SLICE("Host"), SLICE("x"));
    assert_int_equal(h1_writer_last_chunk(&fixture->head, &fixture->out), OK);
    assert_written(fixture, SLICE("0\r\ngrpc-status: 0\r\n\r\n"));
}

static void a_full_buffer_gets_nothing_rather_than_a_part(void **state)
{
    struct fixture *fixture = *state;
    struct buffer small;

    buffer_init(&small, 40);
    assert_int_equal(
        h1_writer_chunk(slice_of("0123456789012345678901234567890123456789", 40), &small),
        ERR_TOO_LARGE);
    struct h1_request_line request_line = line("POST");
    assert_int_equal(h1_writer_request(&request_line, &fixture->head, three, &small),
                     ERR_TOO_LARGE);
    assert_int_equal(buffer_len(&small), 0);
    buffer_clear(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(host_comes_first_and_framing_last),
        TEST(framing_fields_of_the_head_are_not_written),
        TEST(methods_with_a_meaningful_body_say_that_there_is_none),
        TEST(a_websocket_handshake_is_written_as_one),
        TEST(what_could_become_a_second_line_is_refused_and_nothing_written),
        TEST(a_request_line_is_three_words),
        TEST(responses_carry_status_reason_and_framing),
        TEST(a_reason_that_is_no_phrase_is_dropped),
        TEST(chunks_are_never_empty_before_the_last),
        TEST(trailers_hold_nothing_that_belongs_in_a_head),
        TEST(a_full_buffer_gets_nothing_rather_than_a_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
