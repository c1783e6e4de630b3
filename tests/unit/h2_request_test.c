/* SPDX-License-Identifier: Apache-2.0 */
/* What heads of HTTP/2 mean, in the terms of HTTP/1. */
#include "http/h2_request.h"

#include "h2_head_lines.h"
#include "http/h2_response.h"

#include <stdio.h>

#define BASE ":method=GET\n:scheme=https\n:authority=a.example\n:path=/\n"

static void read_head(struct h2_head *head, enum h2_head_kind kind, const char *lines)
{
    h2_head_lines_read(head, kind, lines);
    assert_false(head->is_malformed);
}

static const struct {
    const char *lines;
    int status; /* of the refusal; 0: none */
} rows[] = {
    {BASE, 0},
    {":method=GET\n:scheme=https\n:path=/\nhost=a.example", 0},
    {BASE "host=a.example", 0},
    {BASE "host=A.Example:443", 0},
    {BASE "host=b.example", 400},
    {BASE "host=a.example:80", 400},
    {BASE "host=a.example\nhost=a.example", 400},
    {BASE "content-length=10", 0},
    {BASE "expect=100-continue", 0},
    {BASE "expect=200-ok", 417},
    {BASE "max-forwards=1", 400},
    {":method=GET\n:scheme=http\n:authority=a.example\n:path=/", 400},
    {":method=GET\n:authority=a.example\n:path=/", 400},
    {":method=GET\n:scheme=https\n:path=/", 400},
    {":method=GET\n:scheme=https\n:authority=u@a.example\n:path=/", 400},
    {":method=GET\n:scheme=https\n:authority=a_b.example\n:path=/", 400},
    {":method=GET\n:scheme=https\n:authority=0x7f.1\n:path=/", 400},
    {":method=GET\n:scheme=https\n:authority=a.example", 400},
    {":method=GET\n:scheme=https\n:authority=a.example\n:path=x", 400},
    {":method=GET\n:scheme=https\n:authority=a.example\n:path=http://b.example/", 400},
    {":method=GET\n:scheme=https\n:authority=a.example\n:path=/#x", 400},
    {":method=GET\n:scheme=https\n:authority=a.example\n:path=/a b", 400},
    {":method=GET\n:scheme=https\n:authority=a.example\n:path=*", 400},
    {":method=OPTIONS\n:scheme=https\n:authority=a.example\n:path=*", 0},
    {":method=TRACE\n:scheme=https\n:authority=a.example\n:path=/", 405},
    {":method=TRACK\n:scheme=https\n:authority=a.example\n:path=/", 405},
    {":method=CONNECT\n:authority=a.example:443", 405},
    {":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a.example\n:path=/\n"
     "sec-websocket-version=13",
     0},
    {":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a.example\n:path=/", 400},
    {":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a.example\n:path=/\n"
     "sec-websocket-version=8",
     400},
    {":method=CONNECT\n:protocol=connect-udp\n:scheme=https\n:authority=a.example\n:path=/", 501},
};

static void what_http1_refuses_is_refused_here_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_request request;
        struct h2_head head;

        read_head(&head, H2_HEAD_REQUEST, rows[i].lines);
        struct http_fault fault = h2_request_parse(&head.head, &head.pseudo, &request);
        if (fault.status != rows[i].status)
            fail_msg("%s: %d (%s)", rows[i].lines, fault.status, fault.why);
        h2_head_clear(&head);
    }
}

static void a_target_over_its_limit_is_414(void **state)
{
    static char path[HTTP_TARGET_MAX + 1];
    struct http_request request;
    struct h2_head head;

    (void)state;
    memset(path, '/', sizeof(path));
    h2_head_init(&head, H2_HEAD_REQUEST);
    assert_int_equal(h2_head_add(&head, SLICE(":method"), SLICE("GET")), OK);
    assert_int_equal(h2_head_add(&head, SLICE(":scheme"), SLICE("https")), OK);
    assert_int_equal(h2_head_add(&head, SLICE(":path"), slice_of(path, sizeof(path))), OK);
    assert_int_equal(h2_head_finish(&head), OK);
    assert_int_equal(h2_request_parse(&head.head, &head.pseudo, &request).status, 414);
    h2_head_clear(&head);
}

static void a_request_says_who_is_asked_and_how_its_body_ends(void **state)
{
    static const struct {
        const char *length;
        bool is_complete;
        enum http_body_kind kind;
    } bodies[] = {
        {"x=y", true, HTTP_BODY_NONE},
        {"x=y", false, HTTP_BODY_CHUNKED},
        {"content-length=7", false, HTTP_BODY_LENGTH},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct http_request request;
        struct h2_head head;
        char lines[200];

        snprintf(lines, sizeof(lines), "%s%s", BASE, bodies[i].length);
        read_head(&head, H2_HEAD_REQUEST, lines);
        head.pseudo.is_complete = bodies[i].is_complete;
        assert_int_equal(h2_request_parse(&head.head, &head.pseudo, &request).status, 0);
        assert_int_equal(request.framing.kind, bodies[i].kind);
        assert_int_equal(request.authority.port, 443);
        assert_true(slice_equals(host_name_view(&request.authority.host), SLICE("a.example")));
        assert_true(slice_equals(request.path, SLICE("/")));
        assert_true(request.keep_alive);
        assert_false(request.wants_websocket);
        h2_head_clear(&head);
    }
}

static void a_websocket_request_is_a_get(void **state)
{
    struct http_request request;
    struct h2_head head;

    (void)state;
    read_head(&head, H2_HEAD_REQUEST,
              ":method=CONNECT\n:protocol=websocket\n:scheme=https\n:authority=a.example\n"
              ":path=/s\nsec-websocket-version=13");
    assert_int_equal(h2_request_parse(&head.head, &head.pseudo, &request).status, 0);
    assert_true(request.wants_websocket);
    assert_false(request.is_connect);
    assert_true(slice_equals(request.method, SLICE("GET")));
    assert_true(slice_equals(request.path, SLICE("/s")));
    assert_int_equal(request.framing.kind, HTTP_BODY_NONE);
    h2_head_clear(&head);
}

static void a_response_ends_where_its_stream_does(void **state)
{
    static const struct {
        const char *lines;
        bool is_complete, to_head;
        enum http_body_kind kind;
        uint64_t length;
    } responses[] = {
        {":status=200", false, false, HTTP_BODY_CHUNKED, 0},
        {":status=200", true, false, HTTP_BODY_LENGTH, 0},
        {":status=200\ncontent-length=9", false, false, HTTP_BODY_LENGTH, 9},
        {":status=200\ncontent-length=9", true, true, HTTP_BODY_NONE, 0},
        {":status=204", true, false, HTTP_BODY_NONE, 0},
        {":status=304", true, false, HTTP_BODY_NONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(responses); i++) {
        struct http_response response;
        struct h2_head head;

        read_head(&head, H2_HEAD_RESPONSE, responses[i].lines);
        assert_int_equal(
            h2_response_parse(&head.head, responses[i].to_head, responses[i].is_complete, &response)
                .status,
            0);
        assert_int_equal(response.framing.kind, responses[i].kind);
        assert_int_equal(response.framing.length, responses[i].length);
        assert_true(response.keep_alive);
        h2_head_clear(&head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_http1_refuses_is_refused_here_too),
        cmocka_unit_test(a_target_over_its_limit_is_414),
        cmocka_unit_test(a_request_says_who_is_asked_and_how_its_body_ends),
        cmocka_unit_test(a_websocket_request_is_a_get),
        cmocka_unit_test(a_response_ends_where_its_stream_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
