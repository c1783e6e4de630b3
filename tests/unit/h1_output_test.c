/* SPDX-License-Identifier: Apache-2.0 */
/* What the second look lets out, and what it stops. */
#include "http/h1_output.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct http_framing none = {.kind = HTTP_BODY_NONE};
static const struct http_framing three = {.kind = HTTP_BODY_LENGTH, .length = 3};
static const struct http_framing chunked = {.kind = HTTP_BODY_CHUNKED};
static const struct http_framing until_close = {.kind = HTTP_BODY_UNTIL_CLOSE};

struct example {
    struct slice head;
    const struct http_framing *framing;
};

#define EXAMPLE(text, framing)                                                                     \
    {                                                                                              \
        SLICE_INIT(text), &(framing)                                                               \
    }

static void assert_each(const struct example *examples, size_t count, enum h1_output_kind kind,
                        enum error expected)
{
    for (size_t i = 0; i < count; i++)
        if (h1_output_check(examples[i].head, kind, *examples[i].framing) != expected)
            fail_msg("%.*s", SLICE_ARG(examples[i].head));
}

static void one_request_with_one_framing_goes_out(void **state)
{
    static const struct example examples[] = {
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\n\r\n", none),
        EXAMPLE("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", none),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: chunked\r\n\r\n", chunked),
        EXAMPLE("GET / HTTP/1.1\r\nhost: h\r\nX:\r\nY: a\tb \x80\r\n\r\n", none),
    };

    (void)state;
    assert_each(examples, ARRAY_LEN(examples), H1_OUTPUT_REQUEST, OK);
}

static void whatever_could_be_read_as_another_request_does_not(void **state)
{
    static const struct example examples[] = {
        EXAMPLE("", none),
        EXAMPLE("\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\n\r\nG", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nHOST: i\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nX: a\nY: b\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\n\tX: a\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\nHost: h\r\n\r\n", none),
        EXAMPLE("GET / b HTTP/1.1\r\nHost: h\r\n\r\n", none),
        EXAMPLE("GET  HTTP/1.1\r\nHost: h\r\n\r\n", none),
        EXAMPLE(" GET / HTTP/1.1\r\nHost: h\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.0\r\nHost: h\r\n\r\n", none),
        EXAMPLE("GET /\r\nHost: h\r\n\r\n", none),
        EXAMPLE("GET\r\nHost: h\r\n\r\n", none),
    };

    (void)state;
    assert_each(examples, ARRAY_LEN(examples), H1_OUTPUT_REQUEST, ERR_SYNTAX);
}

static void a_body_is_announced_once_and_as_it_is_sent(void **state)
{
    static const struct example examples[] = {
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", none),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n", three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 03\r\n\r\n", three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\n", three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\n\r\n", three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
                three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                "3\r\n\r\n",
                three),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                "3\r\n\r\n",
                chunked),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", chunked),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", none),
        EXAMPLE("PUT / HTTP/1.1\r\nHost: h\r\n\r\n", chunked),
    };

    (void)state;
    assert_each(examples, ARRAY_LEN(examples), H1_OUTPUT_REQUEST, ERR_SYNTAX);
}

static void one_response_goes_out(void **state)
{
    static const struct example good[] = {
        EXAMPLE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", three),
        EXAMPLE("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", chunked),
        EXAMPLE("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", until_close),
        EXAMPLE("HTTP/1.1 204 No Content\r\n\r\n", none),
    };
    static const struct example bad[] = {
        EXAMPLE("HTTP/1.1\r\n\r\n", none),
        EXAMPLE("HTTP/1.0 200 OK\r\n\r\n", none),
        EXAMPLE("200 OK\r\n\r\n", none),
        EXAMPLE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", until_close),
        EXAMPLE("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", none),
    };

    (void)state;
    assert_each(good, ARRAY_LEN(good), H1_OUTPUT_RESPONSE, OK);
    assert_each(bad, ARRAY_LEN(bad), H1_OUTPUT_RESPONSE, ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_with_one_framing_goes_out),
        cmocka_unit_test(whatever_could_be_read_as_another_request_does_not),
        cmocka_unit_test(a_body_is_announced_once_and_as_it_is_sent),
        cmocka_unit_test(one_response_goes_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
