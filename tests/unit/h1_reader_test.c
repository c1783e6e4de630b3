/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of messages: bodies, pipelining, trailers, truncation, and that splits change nothing. */
#include "tests/unit/h1_transcript.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOST "Host: h\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_HEAD "HEAD POST /|Host=h|Transfer-Encoding=chunked\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define GET_HEAD "HEAD GET /|Host=h\n"
#define ANSWER "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define ANSWER_HEAD "HEAD 200 OK|Transfer-Encoding=chunked\n"

struct stream {
    enum h1_role role;
    struct slice bytes;
    const char *transcript;
};

static const struct stream streams[] = {
    /* bodies */
    {H1_REQUESTS, SLICE_INIT(GET), GET_HEAD "END\n"},
    {H1_REQUESTS, SLICE_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab\0\r\n"),
     "HEAD POST /|Host=h|Content-Length=5\nBODY ab\\0\r\n\nEND\n"},
    {H1_REQUESTS, SLICE_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
     "HEAD POST /|Host=h|Content-Length=0\nEND\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n"),
     CHUNKED_HEAD "BODY abc0123456789\nEND\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0000000000000001\r\nx\r\n000\r\n\r\n"),
     CHUNKED_HEAD "BODY x\nEND\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1;a=b;c=\"d;e\"\r\nx\r\n0; last\r\n\r\n"),
     CHUNKED_HEAD "BODY x\nEND\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\r\nx\r\n0\r\nA: b \r\nC:\r\n\r\n"),
     CHUNKED_HEAD "BODY x\nEND|A=b|C=\n"},
    {H1_RESPONSES, SLICE_INIT("HTTP/1.1 200 OK\r\n\r\nuntil\r\n\r\nthe end"),
     "HEAD 200 OK\nBODY until\r\n\r\nthe end\nEND\n"},
    {H1_RESPONSES, SLICE_INIT("HTTP/1.1 200 OK\r\n\r\n"), "HEAD 200 OK\nEND\n"},
    /* one behind the other */
    {H1_REQUESTS, SLICE_INIT(GET GET "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxy" GET),
     GET_HEAD "END\n" GET_HEAD "END\nHEAD POST /|Host=h|Content-Length=2\nBODY xy\nEND\n" GET_HEAD
              "END\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0\r\nT: v\r\n\r\n" GET),
     CHUNKED_HEAD "END|T=v\n" GET_HEAD "END\n"},
    {H1_RESPONSES,
     SLICE_INIT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
     "HEAD 100 Continue\nEND\nHEAD 103 Early Hints|Link=a\nEND\nHEAD 204 No Content\nEND\n"
     "HEAD 200 OK|Content-Length=1\nBODY x\nEND\n"},
    {H1_REQUESTS, SLICE_INIT(GET "\r\n" GET), GET_HEAD "END\nFAULT 400\n"},
    /* chunks that are not */
    {H1_REQUESTS, SLICE_INIT(CHUNKED "\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "g\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "-1\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0x1\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED " 1\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1 \r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1 ;a\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\rxy\r\n0\r\n\r\n"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1;a\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1;a\0\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "00000000000000001\r\nx"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\r\nxy\r\n"), CHUNKED_HEAD "BODY xFAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\r\nx\n0\r\n\r\n"), CHUNKED_HEAD "BODY xFAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\r\nx\r0\r\n\r\n"), CHUNKED_HEAD "BODY xFAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0\r\n\n"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0\r\nA: b\r\n c\r\n\r\n"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0\r\nA : b\r\n\r\n"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0\r\n: b\r\n\r\n"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "0\r\nA: b\nC: d\r\n\r\n"), CHUNKED_HEAD "FAULT 400\n"},
    {H1_RESPONSES, SLICE_INIT(ANSWER "zz\r\n"), ANSWER_HEAD "FAULT 502\n"},
    /* cut off */
    {H1_REQUESTS, SLICE_INIT("G"), "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT("GET / HTTP/1.1\r\n" HOST "\r"), "FAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab"),
     "HEAD POST /|Host=h|Content-Length=3\nBODY abFAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\r\nx\r\n0\r\n"), CHUNKED_HEAD "BODY xFAULT 400\n"},
    {H1_REQUESTS, SLICE_INIT(CHUNKED "1\r\nx\r\n"), CHUNKED_HEAD "BODY xFAULT 400\n"},
    {H1_RESPONSES, SLICE_INIT(ANSWER "1\r\nx\r\n0\r\nA: b\r\n"), ANSWER_HEAD "BODY xFAULT 502\n"},
};

static bool matches(struct buffer *transcript, const char *expected)
{
    /* A NUL in a body is written as \0 in the table. */
    struct slice got = buffer_view(transcript);
    size_t at = 0;

    for (const char *e = expected; *e != '\0'; e++, at++) {
        bool is_nul = e[0] == '\\' && e[1] == '0';
        if (at >= got.len || got.data[at] != (is_nul ? '\0' : *e))
            return false;
        e += is_nul;
    }
    return at == got.len;
}

static void check_split(const struct stream *stream, size_t first, size_t step)
{
    struct buffer transcript = h1_transcript_of(stream->role, stream->bytes, first, step);

    if (!matches(&transcript, stream->transcript))
        fail_msg("split %zu+%zu of %.*s\ngave %.*s\nnot  %s", first, step, SLICE_ARG(stream->bytes),
                 SLICE_ARG(buffer_view(&transcript)), stream->transcript);
    buffer_clear(&transcript);
}

static void every_stream_gives_its_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++)
        check_split(&streams[i], SIZE_MAX, SIZE_MAX);
}

static void one_byte_at_a_time_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++)
        check_split(&streams[i], 1, 1);
}

static void every_split_in_two_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++)
        for (size_t first = 1; first < streams[i].bytes.len; first++)
            check_split(&streams[i], first, SIZE_MAX);
}

static enum h1_event next(struct h1_reader *reader, struct slice *input)
{
    struct slice body;

    return h1_reader_next(reader, input, &body);
}

static void what_follows_a_message_stays_in_the_input(void **state)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct slice input = SLICE("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nxREST");
    struct slice body;

    (void)state;
    assert_int_equal(h1_reader_next(reader, &input, &body), H1_HEAD);
    assert_true(slice_equals(input, SLICE("xREST")));
    h1_reader_set_framing(reader, (struct http_framing){HTTP_BODY_LENGTH, 1});
    assert_int_equal(h1_reader_next(reader, &input, &body), H1_BODY);
    assert_int_equal(h1_reader_next(reader, &input, &body), H1_END);
    assert_int_equal(h1_reader_next(reader, &input, &body), H1_END);
    assert_true(slice_equals(input, SLICE("REST")));
    h1_reader_restart(reader);
}

static void body_pieces_point_into_the_input(void **state)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    const struct slice whole = SLICE(CHUNKED "3\r\nabc\r\n");
    struct slice input = whole, body;

    (void)state;
    assert_int_equal(h1_reader_next(reader, &input, &body), H1_HEAD);
    h1_reader_set_framing(reader, (struct http_framing){.kind = HTTP_BODY_CHUNKED});
    assert_int_equal(h1_reader_next(reader, &input, &body), H1_BODY);
    assert_ptr_equal(body.data, whole.data + whole.len - 5);
    assert_int_equal(body.len, 3);
}

static void going_on_without_a_framing_is_a_fault(void **state)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct slice input = SLICE(GET "x");

    (void)state;
    assert_int_equal(next(reader, &input), H1_HEAD);
    assert_int_equal(next(reader, &input), H1_FAULT);
    assert_int_equal(next(reader, &input), H1_FAULT);
    assert_int_equal(h1_reader_finish(reader), H1_FAULT);
}

static void a_close_between_messages_is_no_fault(void **state)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_RESPONSES);

    (void)state;
    assert_int_equal(h1_reader_finish(reader), H1_NEED_MORE);
}

static void an_idle_reader_holds_little_memory(void **state)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct slice input = SLICE(GET);

    (void)state;
    assert_true(h1_reader_memory(reader) < 512);
    assert_int_equal(next(reader, &input), H1_HEAD);
    assert_true(h1_reader_memory(reader) > 512);
    h1_reader_restart(reader);
    assert_true(h1_reader_memory(reader) < 512);
}

/* CHUNKED, then `piece` `count` times, all fed to one reader. */
static enum h1_event event_after_many(struct slice piece, size_t count)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct slice input = SLICE(CHUNKED);
    enum h1_event event = next(reader, &input);

    h1_reader_set_framing(reader, (struct http_framing){.kind = HTTP_BODY_CHUNKED});
    for (size_t i = 0; i < count && event != H1_FAULT; i++) {
        input = piece;
        do
            event = next(reader, &input);
        while (event == H1_BODY);
    }
    return event;
}

static void extensions_are_bounded_in_all_of_a_message(void **state)
{
    (void)state;
    assert_int_equal(event_after_many(SLICE("1;12345678\r\nx\r\n"), 1024 / 8), H1_NEED_MORE);
    assert_int_equal(event_after_many(SLICE("1;12345678\r\nx\r\n"), 1024 / 8 + 1), H1_FAULT);
}

static void trailers_are_bounded(void **state)
{
    static char piece[4096];

    (void)state;
    memset(piece, 'a', sizeof(piece));
    memcpy(piece, "0\r\nX:", 5);
    assert_int_equal(event_after_many(slice_of(piece, sizeof(piece)), 1), H1_NEED_MORE);
    assert_int_equal(event_after_many(slice_of(piece, sizeof(piece)), 3), H1_FAULT);
}

static void llhttp_is_strict(void **state)
{
    (void)state;
    assert_true(h1_reader_self_test());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stream_gives_its_events),
        cmocka_unit_test(one_byte_at_a_time_gives_the_same),
        cmocka_unit_test(every_split_in_two_gives_the_same),
        cmocka_unit_test(what_follows_a_message_stays_in_the_input),
        cmocka_unit_test(body_pieces_point_into_the_input),
        cmocka_unit_test(going_on_without_a_framing_is_a_fault),
        cmocka_unit_test(a_close_between_messages_is_no_fault),
        cmocka_unit_test(an_idle_reader_holds_little_memory),
        cmocka_unit_test(extensions_are_bounded_in_all_of_a_message),
        cmocka_unit_test(trailers_are_bounded),
        cmocka_unit_test(llhttp_is_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
