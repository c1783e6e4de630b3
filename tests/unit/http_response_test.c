/* SPDX-License-Identifier: Apache-2.0 */
/* Response heads, from bytes to meaning. */
#include "http/h1_reader.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct asked {
    bool to_head, upgrade_sent;
};

static struct http_fault parse(struct slice bytes, struct asked asked, struct http_response *out)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_RESPONSES);
    struct slice body;

    switch (h1_reader_next(reader, &bytes, &body)) {
    case H1_HEAD:
        return response_parse(h1_reader_head(reader), asked.to_head, asked.upgrade_sent, out);
    case H1_FAULT:
        return h1_reader_fault(reader);
    default:
        fail_msg("the head is not complete");
        return (struct http_fault){0, NULL};
    }
}

static void bad_heads_are_the_upstreams_fault(void **state)
{
    static const struct slice heads[] = {
        SLICE_INIT("\r\nHTTP/1.1 200 OK\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 200 OK\n\n"),
        SLICE_INIT("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 200 OK\r\nX : a\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 200 O\x01K\r\n\r\n"),
        SLICE_INIT("HTTP/2.0 200 OK\r\n\r\n"),
        SLICE_INIT("HTTP/0.9 200 OK\r\n\r\n"),
        SLICE_INIT("ICY 200 OK\r\n\r\n"),
        SLICE_INIT("RTSP/1.0 200 OK\r\n\r\n"),
        SLICE_INIT("<html>not http</html>\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 20 OK\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 2000 OK\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 2x0 OK\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 099 OK\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 600 OK\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        SLICE_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        SLICE_INIT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    };
    struct http_response response;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct http_fault fault = parse(heads[i], (struct asked){false, false}, &response);
        if (fault.status != 502)
            fail_msg("%d: %.*s", fault.status, SLICE_ARG(heads[i]));
    }
}

struct good {
    struct slice head;
    struct asked asked;
    enum http_body_kind body, declared;
    bool keep_alive, is_interim;
};

#define LENGTH "Content-Length: 3\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

static const struct good good_heads[] = {
    {SLICE_INIT("HTTP/1.1 200 OK\r\n" LENGTH),
     {0},
     HTTP_BODY_LENGTH,
     HTTP_BODY_LENGTH,
     true,
     false},
    {SLICE_INIT("HTTP/1.1 200\r\n" LENGTH), {0}, HTTP_BODY_LENGTH, HTTP_BODY_LENGTH, true, false},
    {SLICE_INIT("HTTP/1.1 200 \r\n" CHUNKED),
     {0},
     HTTP_BODY_CHUNKED,
     HTTP_BODY_CHUNKED,
     true,
     false},
    {SLICE_INIT("HTTP/1.1 200 OK\r\n\r\n"),
     {0},
     HTTP_BODY_UNTIL_CLOSE,
     HTTP_BODY_NONE,
     false,
     false},
    {SLICE_INIT("HTTP/1.0 200 OK\r\n" LENGTH),
     {0},
     HTTP_BODY_LENGTH,
     HTTP_BODY_LENGTH,
     false,
     false},
    {SLICE_INIT("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH),
     {0},
     HTTP_BODY_LENGTH,
     HTTP_BODY_LENGTH,
     true,
     false},
    {SLICE_INIT("HTTP/1.1 200 OK\r\nConnection: close\r\n" LENGTH),
     {0},
     HTTP_BODY_LENGTH,
     HTTP_BODY_LENGTH,
     false,
     false},
    {SLICE_INIT("HTTP/1.1 200 OK\r\n" LENGTH),
     {.to_head = true},
     HTTP_BODY_NONE,
     HTTP_BODY_LENGTH,
     true,
     false},
    {SLICE_INIT("HTTP/1.1 200 OK\r\n\r\n"),
     {.to_head = true},
     HTTP_BODY_NONE,
     HTTP_BODY_NONE,
     true,
     false},
    {SLICE_INIT("HTTP/1.1 304 Not Modified\r\n" LENGTH),
     {0},
     HTTP_BODY_NONE,
     HTTP_BODY_LENGTH,
     true,
     false},
    {SLICE_INIT("HTTP/1.1 204 No Content\r\n\r\n"),
     {0},
     HTTP_BODY_NONE,
     HTTP_BODY_NONE,
     true,
     false},
    {SLICE_INIT("HTTP/1.1 100 Continue\r\n\r\n"), {0}, HTTP_BODY_NONE, HTTP_BODY_NONE, true, true},
    {SLICE_INIT("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
     {0},
     HTTP_BODY_NONE,
     HTTP_BODY_NONE,
     true,
     true},
    {SLICE_INIT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
     {.upgrade_sent = true},
     HTTP_BODY_NONE,
     HTTP_BODY_NONE,
     true,
     false},
};

static void the_framing_follows_status_method_and_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good_heads); i++) {
        const struct good *good = &good_heads[i];
        struct http_response response = {0};
        struct http_fault fault = parse(good->head, good->asked, &response);

        if (fault.status != 0)
            fail_msg("%s: %.*s", fault.why, SLICE_ARG(good->head));
        assert_int_equal(response.framing.kind, good->body);
        assert_int_equal(response.declared.kind, good->declared);
        assert_int_equal(response.keep_alive, good->keep_alive);
        assert_int_equal(response.is_interim, good->is_interim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_heads_are_the_upstreams_fault),
        cmocka_unit_test(the_framing_follows_status_method_and_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
