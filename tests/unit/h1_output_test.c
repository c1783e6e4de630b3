/* SPDX-License-Identifier: Apache-2.0 */
/* What the second look lets out, and what it stops. */
#include "http/framing.h"
#include "http/h1_output.h"
#include "http/h1_reader.h"

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
        EXAMPLE("GET / HTTP/1.1\r\nhost: h\r\nX: \r\nY: a\tb \x80\r\n\r\n", none),
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
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nContent-Length\t: 5\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\x80: chunked\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\n\x0bX: chunked\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nX: a\x0c\r\n\r\n", none),
        EXAMPLE("GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n", none),
        EXAMPLE("GET /\x0b HTTP/1.1\r\nHost: h\r\n\r\n", none),
        EXAMPLE("G:T / HTTP/1.1\r\nHost: h\r\n\r\n", none),
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
        EXAMPLE("HTTP/1.1 2000 OK\r\n\r\n", none),
        EXAMPLE("HTTP/1.1 20 OK\r\n\r\n", none),
        EXAMPLE("HTTP/1.1 200\r\n\r\n", none),
        EXAMPLE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", until_close),
        EXAMPLE("HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", none),
    };

    (void)state;
    assert_each(good, ARRAY_LEN(good), H1_OUTPUT_RESPONSE, OK);
    assert_each(bad, ARRAY_LEN(bad), H1_OUTPUT_RESPONSE, ERR_SYNTAX);
}

/* What a strict reader says of the same bytes. */
static bool reads_as(struct slice head, enum h1_output_kind kind, struct http_framing framing)
{
    OWNED_STRUCT(h1_reader) *reader =
        h1_reader_new(kind == H1_OUTPUT_REQUEST ? H1_REQUESTS : H1_RESPONSES);
    struct http_framing found = {0};
    struct slice body;

    assert_non_null(reader);
    if (h1_reader_next(reader, &head, &body) != H1_HEAD || head.len > 0 ||
        framing_parse(h1_reader_head(reader), &found).status != 0)
        return false;
    if (kind == H1_OUTPUT_REQUEST && http_head_count(h1_reader_head(reader), SLICE("host")) != 1)
        return false;
    if (framing.kind == HTTP_BODY_NONE || framing.kind == HTTP_BODY_UNTIL_CLOSE)
        return found.kind == HTTP_BODY_NONE ||
               (framing.kind == HTTP_BODY_NONE && found.length == 0);
    return found.kind == framing.kind && found.length == framing.length;
}

/* A reader of ours takes the methods that it knows alone, and a target that begins like one. */
static bool is_only_unknown(struct slice head)
{
    struct slice rest = head, method = slice_split(&rest, ' ');

    return !slice_equals(method, SLICE("PUT")) || !slice_starts_with(rest, SLICE("/"));
}

static void check_mutant(struct slice head, enum h1_output_kind kind, struct http_framing framing)
{
    if (h1_output_check(head, kind, framing) != OK || reads_as(head, kind, framing))
        return;
    if (kind == H1_OUTPUT_RESPONSE || !is_only_unknown(head))
        fail_msg("goes out, and is read otherwise: %.*s", SLICE_ARG(head));
}

enum { MUTANT_MAX = 256 };

/* Each byte replaced by each other, left out, or with each other before it. */
static void check_mutants(struct slice head, enum h1_output_kind kind, struct http_framing framing)
{
    char mutant[MUTANT_MAX];

    assert_true(head.len < sizeof(mutant));
    for (size_t at = 0; at < head.len; at++) {
        memcpy(mutant, head.data, head.len);
        for (unsigned c = 0; c < 256; c++) {
            mutant[at] = (char)c;
            check_mutant(slice_of(mutant, head.len), kind, framing);
        }
        memcpy(mutant + at, head.data + at + 1, head.len - at - 1);
        check_mutant(slice_of(mutant, head.len - 1), kind, framing);
        memcpy(mutant + at + 1, head.data + at, head.len - at);
        for (unsigned c = 0; c < 256; c++) {
            mutant[at] = (char)c;
            check_mutant(slice_of(mutant, head.len + 1), kind, framing);
        }
    }
}

static void no_slip_of_a_byte_makes_another_head_of_one_that_goes_out(void **state)
{
    static const struct slice fields[] = {
        SLICE_INIT("Host: h\r\nContent-Length: 3\r\nX: y\r\n\r\n"),
        SLICE_INIT("Host: h\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"),
        SLICE_INIT("Host: h\r\nX: a\tb \x80\r\nY: \r\n\r\n"),
    };
    static const struct slice starts[] = {SLICE_INIT("PUT /a HTTP/1.1\r\n"),
                                          SLICE_INIT("HTTP/1.1 200 OK\r\n")};
    const struct http_framing framings[] = {three, chunked, none, until_close};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields) * ARRAY_LEN(starts) * ARRAY_LEN(framings); i++) {
        OWNED_STRUCT(buffer) *head = &(struct buffer){.limit = MUTANT_MAX};
        size_t kind = i % ARRAY_LEN(starts);

        assert_int_equal(buffer_append(head, starts[kind]), OK);
        assert_int_equal(buffer_append(head, fields[i / 2 % ARRAY_LEN(fields)]), OK);
        check_mutants(buffer_view(head), kind == 0 ? H1_OUTPUT_REQUEST : H1_OUTPUT_RESPONSE,
                      framings[i / 6]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_with_one_framing_goes_out),
        cmocka_unit_test(whatever_could_be_read_as_another_request_does_not),
        cmocka_unit_test(a_body_is_announced_once_and_as_it_is_sent),
        cmocka_unit_test(one_response_goes_out),
        cmocka_unit_test(no_slip_of_a_byte_makes_another_head_of_one_that_goes_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
