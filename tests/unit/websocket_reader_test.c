/* SPDX-License-Identifier: Apache-2.0 */
/* What a strict reader makes of the frames of a WebSocket, however the stream is cut. */
#include "http/websocket_reader.h"

#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEY0 "\0\0\0\0" /* a mask that shows what is under it */
#define FROM_CLIENT(head, payload) SLICE_INIT(head KEY0 payload)

/* "text(hello)" is a frame that ends its message, "text[hello]" one that does not. */
static const char *const names[] = {
    [WEBSOCKET_TEXT] = "text", [WEBSOCKET_BINARY] = "binary", [WEBSOCKET_CLOSE] = "close",
    [WEBSOCKET_PING] = "ping", [WEBSOCKET_PONG] = "pong",
};

struct reading {
    struct websocket_reader reader;
    struct buffer seen, payload;
};

static void put(struct buffer *out, struct slice text)
{
    assert_int_equal(buffer_append(out, text), OK);
}

static void put_frame(struct reading *reading)
{
    const struct websocket_reader *reader = &reading->reader;

    put(&reading->seen, slice_from_string(names[reader->opcode]));
    put(&reading->seen, reader->is_last ? SLICE("(") : SLICE("["));
    put(&reading->seen, buffer_view(&reading->payload));
    put(&reading->seen, reader->is_last ? SLICE(")") : SLICE("]"));
    buffer_reset(&reading->payload);
}

/* False: that was a fault. */
static bool feed(struct reading *reading, struct slice input)
{
    for (;;) {
        struct slice piece;
        switch (websocket_reader_next(&reading->reader, &input, &piece)) {
        case WEBSOCKET_PAYLOAD:
            assert_true(piece.len > 0 && piece.len <= WEBSOCKET_PIECE_MAX);
            put(&reading->payload, piece);
            break;
        case WEBSOCKET_FRAME_END:
            put_frame(reading);
            break;
        case WEBSOCKET_NEED_MORE:
            assert_int_equal(input.len, 0);
            return true;
        case WEBSOCKET_FAULT:
            put(&reading->seen, SLICE("!"));
            return false;
        }
    }
}

struct frames_case {
    struct slice stream;
    const char *seen; /* "!" at its end: a fault */
};

static void check(enum websocket_role role, const struct frames_case *expected, size_t size)
{
    struct reading reading;
    struct slice rest = expected->stream;

    websocket_reader_init(&reading.reader, role);
    buffer_init(&reading.seen, 1 << 20);
    buffer_init(&reading.payload, 1 << 20);
    while (rest.len > 0 && feed(&reading, slice_take(rest, size)))
        rest = slice_skip(rest, size);
    struct slice seen = buffer_view(&reading.seen);
    if (!slice_equals(seen, slice_from_string(expected->seen)))
        fail_msg("cut by %zu: %.*s instead of %s", size, SLICE_ARG(seen), expected->seen);
    buffer_clear(&reading.seen);
    buffer_clear(&reading.payload);
}

static void check_all(enum websocket_role role, const struct frames_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t size = 1; size <= cases[i].stream.len; size++)
            check(role, &cases[i], size);
}

static void frames_of_a_server_are_told_apart(void **state UNUSED)
{
    static const struct frames_case cases[] = {
        {SLICE_INIT("\x81\x05hello"), "text(hello)"},
        {SLICE_INIT("\x82\x00"), "binary()"},
        {SLICE_INIT("\x01\x03one\x80\x03two\x89\x00\x82\x01!"),
         "text[one]text(two)ping()binary(!)"},
        {SLICE_INIT("\x02\x01"
                    "a\x8a\x01p\x00\x01"
                    "b\x80\x00"),
         "binary[a]pong(p)binary[b]binary()"},
        {SLICE_INIT("\x81\x05hel"), ""},
        {SLICE_INIT("\x88\x02\x03\xe8"), "close(\x03\xe8)"},
        {SLICE_INIT("\x88\x00\x89\x00"), "close()ping()"},
    };

    check_all(WEBSOCKET_FROM_SERVER, cases, ARRAY_LEN(cases));
}

static void what_is_not_in_order_ends_the_reading(void **state UNUSED)
{
    static const struct frames_case cases[] = {
        {SLICE_INIT("\xc1\x00"), "!"},                                 /* RSV1: compressed */
        {SLICE_INIT("\xa1\x00"), "!"},                                 /* RSV2 */
        {SLICE_INIT("\x91\x00"), "!"},                                 /* RSV3 */
        {SLICE_INIT("\x83\x00"), "!"},                                 /* reserved opcodes */
        {SLICE_INIT("\x87\x00"), "!"},                                 /* ... */
        {SLICE_INIT("\x8b\x00"), "!"},                                 /* ... of control frames */
        {SLICE_INIT("\x8f\x00"), "!"},                                 /* ... */
        {SLICE_INIT("\x81\x85" KEY0 "hello"), "!"},                    /* masked by a server */
        {SLICE_INIT("\x80\x00"), "!"},                                 /* continues nothing */
        {SLICE_INIT("\x81\x01x\x80\x00"), "text(x)!"},                 /* ... any more */
        {SLICE_INIT("\x01\x01x\x01\x01y"), "text[x]!"},                /* one inside another */
        {SLICE_INIT("\x01\x01x\x82\x01y"), "text[x]!"},                /* ... */
        {SLICE_INIT("\x09\x00"), "!"},                                 /* a ping in parts */
        {SLICE_INIT("\x89\x7e\x00\x7e"), "!"},                         /* a ping of 126 bytes */
        {SLICE_INIT("\x88\x01x"), "!"},                                /* a Close of one */
        {SLICE_INIT("\x88\x00\x81\x01x"), "close()!"},                 /* data after a Close */
        {SLICE_INIT("\x81\x7e\x00\x7d"), "!"},                         /* 125 in two bytes */
        {SLICE_INIT("\x81\x7f\0\0\0\0\0\0\xff\xff"), "!"},             /* 65535 in eight */
        {SLICE_INIT("\x81\x7f\x80\0\0\0\0\0\0\0"), "!"},               /* 2^63 */
        {SLICE_INIT("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), "!"}, /* 2^64 - 1 */
    };

    check_all(WEBSOCKET_FROM_SERVER, cases, ARRAY_LEN(cases));
}

static void frames_of_a_client_are_masked(void **state UNUSED)
{
    static const struct frames_case cases[] = {
        {FROM_CLIENT("\x81\x85", "hello"), "text(hello)"},
        {SLICE_INIT("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), "text(Hello)"}, /* RFC 6455 */
        {SLICE_INIT("\x81\x05hello"), "!"},
        {SLICE_INIT("\x88\x00"), "!"},
        {SLICE_INIT("\x01\x81\x01\x01\x01\x01\x60\x80\x81\x02\x02\x02\x02\x60"), "text[a]text(b)"},
    };

    check_all(WEBSOCKET_FROM_CLIENT, cases, ARRAY_LEN(cases));
}

/* Of each kind of length the smallest and the largest that is worth the time. */
static void every_minimal_length_is_read(void **state UNUSED)
{
    static const size_t lengths[] = {125, 126, 127, 65535, 65536, 70000};
    static const struct slice heads[] = {
        SLICE_INIT("\x82\x7d"),
        SLICE_INIT("\x82\x7e\x00\x7e"),
        SLICE_INIT("\x82\x7e\x00\x7f"),
        SLICE_INIT("\x82\x7e\xff\xff"),
        SLICE_INIT("\x82\x7f\0\0\0\0\0\x01\0\0"),
        SLICE_INIT("\x82\x7f\0\0\0\0\0\x01\x11\x70"),
    };
    static char payload[70000];

    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct reading reading;
        websocket_reader_init(&reading.reader, WEBSOCKET_FROM_SERVER);
        buffer_init(&reading.seen, 1 << 20);
        buffer_init(&reading.payload, 1 << 20);
        assert_true(feed(&reading, heads[i]));
        assert_true(feed(&reading, slice_of(payload, lengths[i])));
        assert_int_equal(buffer_len(&reading.seen), lengths[i] + strlen("binary()"));
        buffer_clear(&reading.seen);
        buffer_clear(&reading.payload);
    }
}

static void after_a_fault_nothing_more_is_read(void **state UNUSED)
{
    struct websocket_reader reader;
    struct slice input = SLICE("\x80\x00\x81\x01x"), piece;

    websocket_reader_init(&reader, WEBSOCKET_FROM_SERVER);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(websocket_reader_next(&reader, &input, &piece), WEBSOCKET_FAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_a_server_are_told_apart),
        cmocka_unit_test(what_is_not_in_order_ends_the_reading),
        cmocka_unit_test(frames_of_a_client_are_masked),
        cmocka_unit_test(every_minimal_length_is_read),
        cmocka_unit_test(after_a_fault_nothing_more_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
