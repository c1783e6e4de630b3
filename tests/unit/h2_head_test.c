/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as they come off the wire: what is malformed resets its stream, and only that. */
#include "h2_head_lines.h"
#include "h2_pair.h"
#include "h2_raw.h"

#define BASE ":method=GET\n:scheme=https\n:authority=a.example\n:path=/\n"

static void h2_end_hello(struct h2_end *end, struct buffer *wire)
{
    struct h2_limits limits = h2_session_default_limits();

    h2_end_init(end, H2_REQUESTS, &limits);
    raw_bytes(wire, RAW_PREFACE);
    raw_frame(wire, RAW_SETTINGS, 0, 0, SLICE_NONE);
}

/* What a session says to these bytes: the code of the last reset, -1 when there was none. */
static int64_t answer_to(struct h2_end *end, struct buffer *wire)
{
    OWNED_STRUCT(buffer) *sent = &(struct buffer){.limit = 1 << 20};

    assert_int_equal(h2_session_feed(end->session, buffer_view(wire)), OK);
    assert_int_equal(h2_session_pull(end->session, sent, 1 << 18), OK);
    assert_int_equal(raw_find_code(buffer_view(sent), RAW_GOAWAY), -1);
    buffer_reset(wire);
    return raw_find_code(buffer_view(sent), RAW_RST_STREAM);
}

static const char *const malformed_requests[] = {
    "",
    ":method=GET",
    ":method=GET\n:scheme=https\n:authority=a.example",
    ":method=GET\n:path=/\n:authority=a.example",
    ":scheme=https\n:path=/\n:authority=a.example",
    ":method=GET\n:scheme=https\n:path=/",
    ":method=GET\n" BASE "a=b",
    BASE ":path=/other",
    BASE ":authority=b.example",
    BASE ":scheme=http",
    BASE ":status=200",
    BASE ":unknown=1",
    BASE ":=1",
    BASE "=1",
    BASE ":protocol=websocket",
    "a=b\n" BASE,
    ":method=GET\n:scheme=https\n:authority=a.example\na=b\n:path=/",
    ":method=\n:scheme=https\n:authority=a.example\n:path=/",
    ":method=GE T\n:scheme=https\n:authority=a.example\n:path=/",
    ":method=GET\n:scheme=https\n:authority=a.example\n:path=",
    ":method=GET\n:scheme=https\n:authority=a.example\n:path=/ x",
    ":method=GET\n:scheme=https\n:authority=a.example\n:path=relative",
    ":method=GET\n:scheme=https\n:authority=a.example\n:path=*",
    ":method=GET\n:scheme=https\n:authority=a b\n:path=/",
    BASE "Upper=1",
    BASE "upPer=1",
    BASE "with space=1",
    BASE "trailing =1",
    BASE " leading=1",
    BASE "co:lon=1",
    BASE "utf\xc3\xa9=1",
    BASE "a\x7f=1",
    BASE "a\r=1",
    BASE "v=1\r2",
    BASE "v=\x01",
    BASE "v=a\x7f",
    BASE "v= leading",
    BASE "v=trailing ",
    BASE "v=\ttab",
    BASE "v=tab\t",
    BASE "connection=close",
    BASE "keep-alive=1",
    BASE "proxy-connection=close",
    BASE "transfer-encoding=chunked",
    BASE "upgrade=websocket",
    BASE "http2-settings=AAMAAABk",
    BASE "te=gzip",
    BASE "te=trailers, gzip",
    BASE "content-length=1\ncontent-length=1",
    BASE "content-length=-1",
    BASE "content-length=1",
    BASE "host=",
};

static void a_malformed_request_resets_its_stream_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed_requests); i++) {
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
        struct h2_end end;

        h2_end_hello(&end, wire);
        raw_headers(wire, 1, RAW_END_STREAM, slice_from_string(malformed_requests[i]));
        if (answer_to(&end, wire) != H2_PROTOCOL_ERROR || end.count != 0)
            fail_msg("let through: %s", malformed_requests[i]);
        raw_headers(wire, 3, RAW_END_STREAM, SLICE(BASE));
        assert_int_equal(answer_to(&end, wire), -1);
        assert_int_equal(end.count, 1);
        assert_int_equal(end.seen[0].ends, 1);
        h2_end_clear(&end);
    }
}

static void nul_and_line_feed_in_a_value_are_malformed(void **state)
{
    static const struct slice values[] = {SLICE_INIT("a\0b"), SLICE_INIT("a\nb: c"),
                                          SLICE_INIT("\0")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
        OWNED_STRUCT(buffer) *block = &(struct buffer){.limit = 100000};
        struct h2_end end;

        h2_end_hello(&end, wire);
        raw_fields(block, SLICE(BASE));
        raw_field(block, SLICE("v"), values[i]);
        raw_frame(wire, RAW_HEADERS, RAW_END_HEADERS, 1, buffer_view(block));
        assert_int_equal(answer_to(&end, wire), H2_PROTOCOL_ERROR);
        assert_int_equal(end.count, 0);
        h2_end_clear(&end);
    }
}

static const char *const good_requests[] = {
    BASE,
    BASE "te=trailers",
    BASE "empty=",
    BASE "v=a\tb c",
    BASE "host=a.example",
    ":method=OPTIONS\n:scheme=https\n:authority=a.example\n:path=*",
    ":method=GET\n:scheme=https\n:path=/\nhost=a.example",
    BASE "content-length=0",
    BASE "!#$%&'*+-.^_`|~09az=1",
};

static void a_good_request_is_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good_requests); i++) {
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
        struct h2_end end;

        h2_end_hello(&end, wire);
        raw_headers(wire, 1, RAW_END_STREAM, slice_from_string(good_requests[i]));
        if (answer_to(&end, wire) != -1 || end.count != 1 || end.seen[0].ends != 1)
            fail_msg("refused: %s", good_requests[i]);
        assert_non_null(http_head_find(h2_stream_head(end.seen[0].stream), SLICE("host")));
        h2_end_clear(&end);
    }
}

static void a_body_is_as_long_as_was_declared(void **state)
{
    static const struct {
        const char *declared, *body;
        int64_t code;
    } rows[] = {
        {"content-length=4", "four", -1},
        {"content-length=4", "thr", H2_PROTOCOL_ERROR},
        {"content-length=4", "five5", H2_PROTOCOL_ERROR},
        {"content-length=0", "x", H2_PROTOCOL_ERROR},
        {"x=y", "as long as it likes", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
        OWNED_STRUCT(buffer) *lines = &(struct buffer){.limit = 1000};
        struct h2_end end;

        h2_end_hello(&end, wire);
        raw_bytes(lines, SLICE(BASE));
        raw_bytes(lines, slice_from_string(rows[i].declared));
        raw_headers(wire, 1, 0, buffer_view(lines));
        raw_frame(wire, RAW_DATA, RAW_END_STREAM, 1, slice_from_string(rows[i].body));
        assert_int_equal(answer_to(&end, wire), rows[i].code);
        assert_int_equal(end.seen[0].ends, rows[i].code == -1);
        assert_int_equal(end.seen[0].closes, rows[i].code != -1);
        h2_end_clear(&end);
    }
}

static const char *const malformed_responses[] = {
    "a=b",
    ":status=200\n:status=200",
    ":status=20",
    ":status=2000",
    ":status=abc",
    ":status=099",
    ":status=101",
    ":status=200\n:path=/",
    ":status=200\nUpper=1",
    ":status=200\nconnection=close",
    ":status=200\nv=a\rb",
    ":status=200\ncontent-length=5",
    ":status=200\ncontent-length=1\ncontent-length=1",
    "a=b\n:status=200",
};

static void a_malformed_response_closes_its_stream_without_a_head(void **state)
{
    struct h2_limits limits = h2_session_default_limits();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed_responses); i++) {
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
        struct h2_pair pair = {.client.count = 0};

        h2_end_init(&pair.client, H2_RESPONSES, &limits);
        struct h2_seen *asked = h2_pair_open(&pair, "GET", true);
        OWNED_STRUCT(buffer) *sent = &(struct buffer){.limit = 1 << 20};
        assert_int_equal(h2_session_pull(pair.client.session, sent, 1 << 18), OK);
        raw_frame(wire, RAW_SETTINGS, 0, 0, SLICE_NONE);
        raw_headers(wire, 1, RAW_END_STREAM, slice_from_string(malformed_responses[i]));
        assert_int_equal(answer_to(&pair.client, wire), H2_PROTOCOL_ERROR);
        if (asked->heads != 0 || asked->ends != 0 || asked->code != H2_PROTOCOL_ERROR)
            fail_msg("let through: %s", malformed_responses[i]);
        h2_end_clear(&pair.client);
    }
}

static const char *const malformed_trailers[] = {":status=200", ":path=/", "Upper=1",
                                                 "connection=x", "v=a\rb"};

static void malformed_trailers_reset_the_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(malformed_trailers); i++) {
        OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
        struct h2_end end;

        h2_end_hello(&end, wire);
        raw_headers(wire, 1, 0, SLICE(BASE));
        raw_headers(wire, 1, RAW_END_STREAM, slice_from_string(malformed_trailers[i]));
        assert_int_equal(answer_to(&end, wire), H2_PROTOCOL_ERROR);
        assert_int_equal(end.seen[0].ends, 0);
        assert_int_equal(end.seen[0].closes, 1);
        h2_end_clear(&end);
    }
}

static void cookies_become_one_line(void **state)
{
    struct h2_head head;

    (void)state;
    h2_head_lines_read(&head, H2_HEAD_REQUEST, BASE "cookie=a\nx=y\ncookie=b\ncookie=c");
    assert_int_equal(http_head_count(&head.head, SLICE("cookie")), 1);
    assert_true(slice_equals(http_head_find(&head.head, SLICE("cookie"))->value, SLICE("a; b; c")));
    h2_head_clear(&head);
}

static void an_empty_cookie_leaves_no_space_behind(void **state)
{
    struct h2_head head;

    (void)state;
    h2_head_lines_read(&head, H2_HEAD_REQUEST,
                       BASE "cookie=\ncookie=a\ncookie=\ncookie=b\ncookie=");
    assert_true(slice_equals(http_head_find(&head.head, SLICE("cookie"))->value, SLICE("a; b")));
    h2_head_clear(&head);
    h2_head_lines_read(&head, H2_HEAD_REQUEST, BASE "cookie=\ncookie=");
    assert_int_equal(http_head_find(&head.head, SLICE("cookie"))->value.len, 0);
    h2_head_clear(&head);
}

static void too_many_fields_are_an_answerable_fault(void **state)
{
    struct h2_head head;

    (void)state;
    h2_head_init(&head, H2_HEAD_REQUEST);
    for (int i = 0; i <= HTTP_FIELDS_MAX; i++)
        assert_int_equal(h2_head_add(&head, SLICE("x"), SLICE("y")), OK);
    assert_int_equal(h2_head_finish(&head), OK);
    assert_false(head.is_malformed);
    assert_int_equal(head.pseudo.fault.status, 431);
    h2_head_clear(&head);
}

static void a_list_over_its_limit_is_a_fault_and_far_over_it_a_bomb(void **state)
{
    static char value[8000];
    enum error error = OK;
    struct h2_head head;
    size_t fields = 0;

    (void)state;
    memset(value, 'v', sizeof(value));
    h2_head_init(&head, H2_HEAD_REQUEST);
    while (error == OK && fields++ < 100) {
        error = h2_head_add(&head, SLICE("x"), slice_of(value, sizeof(value)));
        assert_int_equal(head.pseudo.fault.status, fields > 8 ? 431 : 0);
    }
    assert_int_equal(error, ERR_TOO_LARGE);
    assert_int_equal(fields, 33);
    assert_in_range(buffer_len(&head.head.storage), 1, H2_LIST_SIZE_MAX);
    h2_head_clear(&head);
}

static void what_comes_after_a_fault_is_not_kept(void **state)
{
    struct h2_head head;

    (void)state;
    h2_head_lines_read(&head, H2_HEAD_REQUEST, BASE "Bad=1\nx=y");
    assert_true(head.is_malformed);
    assert_null(http_head_find(&head.head, SLICE("x")));
    h2_head_clear(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_malformed_request_resets_its_stream_and_nothing_else),
        cmocka_unit_test(nul_and_line_feed_in_a_value_are_malformed),
        cmocka_unit_test(a_good_request_is_shown),
        cmocka_unit_test(a_body_is_as_long_as_was_declared),
        cmocka_unit_test(a_malformed_response_closes_its_stream_without_a_head),
        cmocka_unit_test(malformed_trailers_reset_the_stream),
        cmocka_unit_test(cookies_become_one_line),
        cmocka_unit_test(an_empty_cookie_leaves_no_space_behind),
        cmocka_unit_test(too_many_fields_are_an_answerable_fault),
        cmocka_unit_test(a_list_over_its_limit_is_a_fault_and_far_over_it_a_bomb),
        cmocka_unit_test(what_comes_after_a_fault_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
