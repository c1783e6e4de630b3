/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads, from bytes to meaning: what is refused with which status, and what the rest means.
 */
#include "http/h1_reader.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOST "Host: h.example\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define SOCKET                                                                                     \
    GET "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* Reads one head, of a connection whose scheme has this port. The caller frees the reader. */
static struct http_fault parse(struct h1_reader *reader, struct slice bytes, uint16_t default_port,
                               struct http_request *out)
{
    struct slice body;

    switch (h1_reader_next(reader, &bytes, &body)) {
    case H1_HEAD:
        return request_parse(h1_reader_head(reader), default_port, out);
    case H1_FAULT:
        return h1_reader_fault(reader);
    default:
        fail_msg("the head is not complete");
        return (struct http_fault){0, NULL};
    }
}

struct bad {
    int status;
    struct slice head;
};

#define BAD(status, text)                                                                          \
    {                                                                                              \
        status, SLICE_INIT(text)                                                                   \
    }

static const struct bad bad_heads[] = {
    /* lines */
    BAD(400, "\r\n" GET "\r\n"),
    BAD(400, "\n" GET "\r\n"),
    BAD(400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "\tGET / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET / HTTP/1.1\n" HOST "\r\n"),
    BAD(400, "GET / HTTP/1.1\r" HOST "\r\n"),
    BAD(400, GET "X: a\nY: b\r\n\r\n"),
    BAD(400, GET "X: a\rY: b\r\n\r\n"),
    BAD(400, GET "X: a\r\r\n\r\n"),
    BAD(400, GET "\n"),
    BAD(400, GET "\rX"),
    BAD(400, GET "X: a\0b\r\n\r\n"),
    BAD(400, GET "X: a\x01\r\n\r\n"),
    BAD(400, GET "X: a\x7f\r\n\r\n"),
    BAD(400, GET "X: a\r\n b\r\n\r\n"),
    BAD(400, GET "X: a\r\n\tContent-Length: 3\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\n Host: h.example\r\n\r\n"),
    BAD(400, GET ": a\r\n\r\n"),
    BAD(400, GET "X : a\r\n\r\n"),
    BAD(400, GET "X\t: a\r\n\r\n"),
    BAD(400, GET "X a\r\n\r\n"),
    BAD(400, GET "X\r\n\r\n"),
    BAD(400, GET "X\0: a\r\n\r\n"),
    BAD(400, GET "X(: a\r\n\r\n"),
    BAD(400, GET "X\xe9: a\r\n\r\n"),
    /* the request line */
    BAD(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
    BAD(400, "GET\t/\tHTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET / x HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET\r\n" HOST "\r\n"),
    BAD(400, "G@T / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(501, "get / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(501, "BREW / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(501, "DESCRIBE / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(505, "GET /\r\n\r\n"),
    BAD(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
    BAD(505, "GET / HTTP/1.2\r\n" HOST "\r\n"),
    BAD(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
    BAD(505, "GET / HTTP/1.10\r\n" HOST "\r\n"),
    BAD(505, "GET / http/1.1\r\n" HOST "\r\n"),
    BAD(505, "GET / HTTPS/1.1\r\n" HOST "\r\n"),
    BAD(505, "GET / RTSP/1.0\r\n" HOST "\r\n"),
    BAD(505, "DESCRIBE / RTSP/1.0\r\n\r\n"),
    BAD(505, "SOURCE / ICE/1.0\r\n\r\n"),
    BAD(505, "PRI * HTTP/2.0\r\n\r\n"),
    BAD(405, "TRACE / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(405, "TRACK / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, GET "Max-Forwards: 1\r\n\r\n"),
    /* targets */
    BAD(400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET * HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET h.example HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET h.example:80 HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET ftp://h.example/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET http://h.example:443/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET https://other.example/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET https://u@h.example/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET http://h.example?q HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET http://u@h.example/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET http://u:p@h.example/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET http://other.example/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "GET http://h.example:81/ HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "CONNECT / HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "CONNECT h.example HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "CONNECT h.example:0 HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "CONNECT h.example:65536 HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "CONNECT http://h.example:443 HTTP/1.1\r\n" HOST "\r\n"),
    BAD(400, "CONNECT h.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n"),
    BAD(400, "CONNECT h.example:443 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n"),
    BAD(400, "CONNECT h.example:443 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
    BAD(400, "CONNECT h.example:443 HTTP/1.1\r\n\r\n"),
    /* Host */
    BAD(400, "GET / HTTP/1.1\r\n\r\n"),
    BAD(400, "GET / HTTP/1.0\r\n\r\n"),
    BAD(400, GET HOST "\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: a_b\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: a:+1\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: 127.1\r\n\r\n"),
    BAD(400, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"),
    /* framing */
    BAD(400, POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding:\r\nContent-Length: 1\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding:\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: identity\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: chunked;q=1\r\n\r\n"),
    BAD(400, POST "Transfer-Encoding: xchunked\r\n\r\n"),
    BAD(400, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
    BAD(400, POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
    BAD(400, POST "Content-Length: 1, 1\r\n\r\n"),
    BAD(400, POST "Content-Length:\r\n\r\n"),
    BAD(400, POST "Content-Length: -1\r\n\r\n"),
    BAD(400, POST "Content-Length: +1\r\n\r\n"),
    BAD(400, POST "Content-Length: 0x1\r\n\r\n"),
    BAD(400, POST "Content-Length: 1 1\r\n\r\n"),
    BAD(400, POST "Content-Length: 007\r\n\r\n"),
    BAD(400, POST "Content-Length: 9223372036854775808\r\n\r\n"),
    BAD(400, POST "Content-Length: 18446744073709551617\r\n\r\n"),
    /* the rest */
    BAD(417, POST "Expect: 200-ok\r\n\r\n"),
    BAD(417, POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"),
};

static void bad_heads_are_refused_with_their_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_heads); i++) {
        OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
        struct http_request request;
        struct http_fault fault = parse(reader, bad_heads[i].head, 80, &request);

        if (fault.status != bad_heads[i].status)
            fail_msg("%d (%s) instead of %d: %.*s", fault.status, fault.why, bad_heads[i].status,
                     SLICE_ARG(bad_heads[i].head));
        assert_non_null(fault.why);
    }
}

struct good {
    struct slice head;
    enum http_target_form form;
    const char *path, *host;
    uint16_t port;
    enum http_body_kind body;
    bool keep_alive;
};

#define GOOD(text, ...)                                                                            \
    {                                                                                              \
        SLICE_INIT(text), __VA_ARGS__                                                              \
    }

static const struct good good_heads[] = {
    GOOD(GET "\r\n", HTTP_TARGET_ORIGIN, "/", "h.example", 443, HTTP_BODY_NONE, true),
    GOOD("GET /a?b=c/d HTTP/1.1\r\nhost:H.Example.:8443 \r\n\r\n", HTTP_TARGET_ORIGIN, "/a?b=c/d",
         "h.example", 8443, HTTP_BODY_NONE, true),
    GOOD("GET // HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", HTTP_TARGET_ORIGIN, "//", "::1", 80,
         HTTP_BODY_NONE, true),
    GOOD("GET / HTTP/1.0\r\n" HOST "\r\n", HTTP_TARGET_ORIGIN, "/", "h.example", 443,
         HTTP_BODY_NONE, false),
    GOOD("GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n", HTTP_TARGET_ORIGIN, "/",
         "h.example", 443, HTTP_BODY_NONE, true),
    GOOD(GET "Connection: foo, Close\r\n\r\n", HTTP_TARGET_ORIGIN, "/", "h.example", 443,
         HTTP_BODY_NONE, false),
    GOOD("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_ASTERISK, "*", "h.example", 443,
         HTTP_BODY_NONE, true),
    GOOD("GET http://h.example HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_ABSOLUTE, "/", "h.example",
         80, HTTP_BODY_NONE, true),
    GOOD("OPTIONS http://h.example HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_ABSOLUTE, "*",
         "h.example", 80, HTTP_BODY_NONE, true),
    GOOD("GET HTTP://H.EXAMPLE:80/x?http://y/ HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_ABSOLUTE,
         "/x?http://y/", "h.example", 80, HTTP_BODY_NONE, true),
    GOOD("GET https://h.example/a?b HTTP/1.1\r\n" HOST "\r\n", HTTP_TARGET_ABSOLUTE, "/a?b",
         "h.example", 443, HTTP_BODY_NONE, true),
    GOOD("GET HTTPS://h.example HTTP/1.1\r\nHost: h.example:443\r\n\r\n", HTTP_TARGET_ABSOLUTE, "/",
         "h.example", 443, HTTP_BODY_NONE, true),
    GOOD("GET http://h.example/ HTTP/1.0\r\n\r\n", HTTP_TARGET_ABSOLUTE, "/", "h.example", 80,
         HTTP_BODY_NONE, false),
    GOOD("CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\n\r\n", HTTP_TARGET_AUTHORITY, "",
         "h.example", 443, HTTP_BODY_NONE, true),
    GOOD("CONNECT h.example:8443 HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
         HTTP_TARGET_AUTHORITY, "", "h.example", 8443, HTTP_BODY_NONE, true),
    GOOD("CONNECT h.example:443 HTTP/1.0\r\n\r\n", HTTP_TARGET_AUTHORITY, "", "h.example", 443,
         HTTP_BODY_NONE, false),
    GOOD(POST "Content-Length: 5\r\n\r\n", HTTP_TARGET_ORIGIN, "/", "h.example", 443,
         HTTP_BODY_LENGTH, true),
    GOOD(POST "transfer-encoding:\tChunked \r\n\r\n", HTTP_TARGET_ORIGIN, "/", "h.example", 443,
         HTTP_BODY_CHUNKED, true),
    GOOD(POST "\r\n", HTTP_TARGET_ORIGIN, "/", "h.example", 443, HTTP_BODY_NONE, true),
    GOOD("M-SEARCH / HTTP/1.1\r\n" HOST "X:\r\nY:\t \r\nZ: a\tb\xff\r\n\r\n", HTTP_TARGET_ORIGIN,
         "/", "h.example", 443, HTTP_BODY_NONE, true),
};

static void check_good(const struct good *good)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct http_request request = {0};
    uint16_t port = good->form == HTTP_TARGET_ABSOLUTE ? good->port : 443;
    struct http_fault fault = parse(reader, good->head, port, &request);

    if (fault.status != 0)
        fail_msg("%d (%s): %.*s", fault.status, fault.why, SLICE_ARG(good->head));
    assert_int_equal(request.form, good->form);
    assert_true(slice_equals(request.path, slice_from_string(good->path)));
    assert_string_equal(request.authority.host.text, good->host);
    assert_int_equal(request.authority.port, good->port);
    assert_int_equal(request.framing.kind, good->body);
    assert_int_equal(request.keep_alive, good->keep_alive);
}

static void good_heads_mean_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good_heads); i++)
        check_good(&good_heads[i]);
}

/* Even where the port that is named is the connection's. */
static void the_scheme_of_a_target_is_that_of_its_connection(void **state)
{
    OWNED_STRUCT(h1_reader) *tls = h1_reader_new(H1_REQUESTS);
    OWNED_STRUCT(h1_reader) *clear = h1_reader_new(H1_REQUESTS);
    struct http_request request;

    (void)state;
    assert_int_equal(
        parse(tls, SLICE("GET http://h.example:443/ HTTP/1.1\r\nHost: h.example:443\r\n\r\n"), 443,
              &request)
            .status,
        400);
    assert_int_equal(
        parse(clear, SLICE("GET https://h.example:80/ HTTP/1.1\r\nHost: h.example:80\r\n\r\n"), 80,
              &request)
            .status,
        400);
}

static void values_come_without_white_space_at_their_ends(void **state)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct http_request request;

    (void)state;
    assert_int_equal(
        parse(reader, SLICE(GET "A: \t a b \t \r\nB:\r\nC:c\r\n\r\n"), 80, &request).status, 0);
    const struct http_head *head = h1_reader_head(reader);
    assert_int_equal(head->field_count, 4);
    assert_true(slice_equals(http_head_find(head, SLICE("A"))->value, SLICE("a b")));
    assert_true(slice_equals(http_head_find(head, SLICE("B"))->value, SLICE("")));
    assert_true(slice_equals(http_head_find(head, SLICE("C"))->value, SLICE("c")));
}

static void expect_continue_is_for_http_1_1(void **state)
{
    OWNED_STRUCT(h1_reader) *new = h1_reader_new(H1_REQUESTS);
    OWNED_STRUCT(h1_reader) *old = h1_reader_new(H1_REQUESTS);
    struct http_request request;

    (void)state;
    assert_int_equal(parse(new, SLICE(POST "Expect: 100-Continue\r\n\r\n"), 80, &request).status,
                     0);
    assert_true(request.expects_continue);
    assert_int_equal(
        parse(old, SLICE("POST / HTTP/1.0\r\n" HOST "Expect: 100-continue\r\n\r\n"), 80, &request)
            .status,
        0);
    assert_false(request.expects_continue);
}

static void only_a_whole_websocket_handshake_is_one(void **state)
{
    static const struct {
        bool websocket;
        struct slice head;
    } cases[] = {
        {true, SLICE_INIT(SOCKET KEY "\r\n")},
        {false, SLICE_INIT(SOCKET "\r\n")},
        {false, SLICE_INIT(SOCKET KEY KEY "\r\n")},
        {false, SLICE_INIT(SOCKET "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n\r\n")},
        {false, SLICE_INIT(SOCKET "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n")},
        {false, SLICE_INIT(SOCKET KEY "Upgrade: h2c\r\n\r\n")},
        {false, SLICE_INIT(SOCKET KEY "Content-Length: 1\r\n\r\n")},
        {false, SLICE_INIT(GET "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" KEY "\r\n")},
        {false, SLICE_INIT(GET "Connection: upgrade\r\nUpgrade: h2c\r\n"
                               "Sec-WebSocket-Version: 13\r\n" KEY "\r\n")},
        {false, SLICE_INIT(GET "Connection: upgrade\r\nUpgrade: websocket\r\n"
                               "Sec-WebSocket-Version: 12\r\n" KEY "\r\n")},
        {false, SLICE_INIT(POST "Connection: upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\n" KEY "\r\n")},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
        struct http_request request;

        assert_int_equal(parse(reader, cases[i].head, 80, &request).status, 0);
        assert_int_equal(request.wants_websocket, cases[i].websocket);
    }
}

/* `start`, then `filler` until there are `len` bytes or more, then the end of a head. */
static int status_of_long(const char *start, const char *filler, size_t len)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct http_request request;
    struct buffer bytes;

    buffer_init(&bytes, 1 << 20);
    assert_int_equal(buffer_append(&bytes, slice_from_string(start)), OK);
    while (buffer_len(&bytes) < len)
        assert_int_equal(buffer_append(&bytes, slice_from_string(filler)), OK);
    assert_int_equal(buffer_append(&bytes, SLICE("\r\n\r\n")), OK);
    int status = parse(reader, buffer_view(&bytes), 80, &request).status;
    buffer_clear(&bytes);
    return status;
}

static void what_is_too_long_is_refused_as_such(void **state)
{
    (void)state;
    assert_int_equal(status_of_long("GET /", "a", HTTP_TARGET_MAX + 100), 414);
    assert_int_equal(status_of_long(GET "X: ", "a", HTTP_HEAD_MAX + 100), 431);
    assert_int_equal(status_of_long(GET, "a", HTTP_HEAD_MAX + 100), 431);
    assert_int_equal(status_of_long(GET, "X: y\r\n", 6 * HTTP_FIELDS_MAX + 200), 431);
    assert_int_equal(status_of_long(GET "Connection: ", "a,", 10000), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_heads_are_refused_with_their_status),
        cmocka_unit_test(good_heads_mean_what_they_say),
        cmocka_unit_test(the_scheme_of_a_target_is_that_of_its_connection),
        cmocka_unit_test(values_come_without_white_space_at_their_ends),
        cmocka_unit_test(expect_continue_is_for_http_1_1),
        cmocka_unit_test(only_a_whole_websocket_handshake_is_one),
        cmocka_unit_test(what_is_too_long_is_refused_as_such),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
