/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile peer does to a session: each flood ends it, and its memory stays where it was. */
#include "h2_pair.h"
#include "h2_raw.h"

#include "http/h2_state.h"

enum { UNITS_MAX = 5000, WIRE_MAX = 4 << 20, MEMORY_MAX = 2 << 20 };

struct victim {
    struct h2_end end;
    struct buffer sent; /* by it, all of it */
    size_t memory_max;
};

static void victim_pull(struct victim *victim)
{
    while (h2_session_wants_write(victim->end.session)) {
        size_t before = buffer_len(&victim->sent);
        assert_int_equal(h2_session_pull(victim->end.session, &victim->sent, before + 1000), OK);
        if (buffer_len(&victim->sent) == before)
            break;
    }
}

static enum error victim_feed(struct victim *victim, struct slice input)
{
    enum error error = h2_session_feed(victim->end.session, input);
    size_t memory = h2_session_memory(victim->end.session);

    if (memory > victim->memory_max)
        victim->memory_max = memory;
    return error;
}

static struct victim *victim_new(enum h2_role role)
{
    struct victim *victim = calloc(1, sizeof(*victim));
    struct h2_limits limits = h2_session_default_limits();
    OWNED_STRUCT(buffer) *hello = &(struct buffer){.limit = 1000};

    assert_non_null(victim);
    h2_end_init(&victim->end, role, &limits);
    buffer_init(&victim->sent, WIRE_MAX);
    if (role == H2_REQUESTS)
        raw_bytes(hello, RAW_PREFACE);
    raw_frame(hello, RAW_SETTINGS, 0, 0, SLICE_NONE);
    raw_frame(hello, RAW_SETTINGS, RAW_ACK, 0, SLICE_NONE);
    victim_pull(victim);
    assert_int_equal(victim_feed(victim, buffer_view(hello)), OK);
    return victim;
}

static void victim_free(struct victim *victim)
{
    buffer_clear(&victim->sent);
    h2_end_clear(&victim->end);
    free(victim);
}

static uint32_t stream_of(int unit)
{
    return 2 * (uint32_t)unit + 1;
}

static void open_stream(struct buffer *out, uint32_t stream)
{
    raw_headers(out, stream, 0, RAW_GET);
}

static void ping(struct buffer *out, int unit)
{
    (void)unit;
    raw_frame(out, RAW_PING, 0, 0, SLICE("12345678"));
}

static void settings(struct buffer *out, int unit)
{
    (void)unit;
    raw_frame(out, RAW_SETTINGS, 0, 0, SLICE_NONE);
}

static void empty_data(struct buffer *out, int unit)
{
    if (unit == 0)
        open_stream(out, 1);
    raw_frame(out, RAW_DATA, 0, 1, SLICE_NONE);
}

static void padding_alone(struct buffer *out, int unit)
{
    if (unit == 0)
        open_stream(out, 1);
    raw_frame(out, RAW_DATA, RAW_PADDED, 1, SLICE("\3abc"));
}

static void priority(struct buffer *out, int unit)
{
    raw_frame(out, RAW_PRIORITY, 0, stream_of(unit), SLICE("\0\0\0\0\1"));
}

static void window_update(struct buffer *out, int unit)
{
    (void)unit;
    raw_frame(out, RAW_WINDOW_UPDATE, 0, 0, SLICE("\0\0\0\1"));
}

static void unknown_type(struct buffer *out, int unit)
{
    (void)unit;
    raw_frame(out, 0xfa, 0, 0, SLICE_NONE);
}

static void rapid_reset(struct buffer *out, int unit)
{
    open_stream(out, stream_of(unit));
    raw_frame(out, RAW_RST_STREAM, 0, stream_of(unit), SLICE("\0\0\0\x8"));
}

/* Resets that we are made to send. */
static void malformed_head(struct buffer *out, int unit)
{
    raw_headers(out, stream_of(unit), RAW_END_STREAM, SLICE(":method=GET\nBAD=1"));
}

static void window_overflow(struct buffer *out, int unit)
{
    open_stream(out, stream_of(unit));
    raw_frame(out, RAW_WINDOW_UPDATE, 0, stream_of(unit), SLICE("\x7f\xff\xff\xff"));
}

static void too_many_streams(struct buffer *out, int unit)
{
    open_stream(out, stream_of(unit));
}

static void too_long_body(struct buffer *out, int unit)
{
    raw_headers(out, stream_of(unit), 0,
                SLICE(":method=GET\n:scheme=https\n:authority=a.example\n:path=/\n"
                      "content-length=1"));
    raw_frame(out, RAW_DATA, 0, stream_of(unit), SLICE("four"));
}

static void continuation(struct buffer *out, int unit)
{
    OWNED_STRUCT(buffer) *block = &(struct buffer){.limit = 1000};

    if (unit == 0)
        raw_frame(out, RAW_HEADERS, 0, 1, SLICE_NONE);
    raw_field(block, SLICE("x"), SLICE("y"));
    raw_frame(out, RAW_CONTINUATION, 0, 1, buffer_view(block));
}

/* Of a stream that never was: one with a higher number has been opened before. */
static void head_of_no_stream(struct buffer *out, int unit)
{
    open_stream(out, unit == 0 ? 3 : 1);
}

static void trailers_without_end(struct buffer *out, int unit)
{
    if (unit == 0)
        open_stream(out, 1);
    raw_headers(out, 1, 0, SLICE("x=y"));
}

/* One entry of 3,000 bytes in the table, then a thousand references to it. */
static void header_bomb(struct buffer *out, int unit)
{
    static const char value[3000] = "v";
    OWNED_STRUCT(buffer) *block = &(struct buffer){.limit = 16000};

    raw_fields(block, RAW_GET);
    raw_number(block, 0x40, 1);
    raw_length(block, 1);
    raw_bytes(block, SLICE("n"));
    raw_length(block, sizeof(value));
    for (size_t i = 0; i < sizeof(value); i++)
        raw_bytes(block, SLICE("v"));
    for (int i = 0; i < 1000; i++)
        raw_number(block, 0x80 + 62, 1);
    raw_frame(out, RAW_HEADERS, RAW_END_HEADERS, stream_of(unit), buffer_view(block));
}

static const struct {
    const char *name;
    void (*write)(struct buffer *out, int unit);
    int units_max; /* by then it must have ended */
    enum h2_code code;
} floods[] = {
    {"ping", ping, 210, H2_ENHANCE_YOUR_CALM},
    {"settings", settings, 210, H2_ENHANCE_YOUR_CALM},
    {"empty data", empty_data, 210, H2_ENHANCE_YOUR_CALM},
    {"padding alone", padding_alone, 210, H2_ENHANCE_YOUR_CALM},
    {"priority", priority, 210, H2_ENHANCE_YOUR_CALM},
    {"window update", window_update, 210, H2_ENHANCE_YOUR_CALM},
    {"unknown type", unknown_type, 210, H2_ENHANCE_YOUR_CALM},
    {"rapid reset", rapid_reset, 210, H2_ENHANCE_YOUR_CALM},
    {"malformed head", malformed_head, 210, H2_ENHANCE_YOUR_CALM},
    {"window overflow", window_overflow, 210, H2_ENHANCE_YOUR_CALM},
    {"too many streams", too_many_streams, 310, H2_ENHANCE_YOUR_CALM},
    {"too long body", too_long_body, 210, H2_ENHANCE_YOUR_CALM},
    {"continuation", continuation, 10, H2_ENHANCE_YOUR_CALM},
    {"head of no stream", head_of_no_stream, 210, H2_ENHANCE_YOUR_CALM},
    {"trailers without end", trailers_without_end, 210, H2_ENHANCE_YOUR_CALM},
    {"header bomb", header_bomb, 1, H2_ENHANCE_YOUR_CALM},
};

/* How many units it took until the session had ended; 0 when it went on. */
static int flood(struct victim *victim, void (*write)(struct buffer *, int), bool reads_answers)
{
    OWNED_STRUCT(buffer) *unit = &(struct buffer){.limit = 20000};

    for (int i = 0; i < UNITS_MAX; i++) {
        write(unit, i);
        if (victim_feed(victim, buffer_view(unit)) != OK)
            return i + 1;
        if (reads_answers)
            victim_pull(victim);
        if (h2_session_is_over(victim->end.session))
            return i + 1;
        buffer_reset(unit);
    }
    return 0;
}

static void assert_small(const struct victim *victim, const char *name)
{
    if (victim->memory_max > MEMORY_MAX)
        fail_msg("%s: %zu bytes of memory", name, victim->memory_max);
}

/* It has said why, and every stream had its last event. Returns the reason. */
static int64_t assert_ended(struct victim *victim, const char *name)
{
    victim_pull(victim);
    assert_small(victim, name);
    assert_true(h2_session_is_over(victim->end.session));
    assert_int_equal(h2_session_stream_count(victim->end.session), 0);
    for (size_t i = 0; i < victim->end.count; i++)
        assert_int_equal(victim->end.seen[i].closes, 1);
    return raw_find_code(buffer_view(&victim->sent), RAW_GOAWAY);
}

static void every_flood_ends_the_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
        struct victim *victim = victim_new(H2_REQUESTS);
        int units = flood(victim, floods[i].write, true);

        if (units == 0 || units > floods[i].units_max)
            fail_msg("%s: ended after %d units", floods[i].name, units);
        int64_t code = assert_ended(victim, floods[i].name);
        if (code != floods[i].code)
            fail_msg("%s: ended with code %d", floods[i].name, (int)code);
        victim_free(victim);
    }
}

static void a_flood_by_one_who_reads_nothing_takes_no_memory_either(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
        struct victim *victim = victim_new(H2_REQUESTS);
        (void)flood(victim, floods[i].write, false);
        assert_small(victim, floods[i].name);
        assert_true(assert_ended(victim, floods[i].name) > 0);
        victim_free(victim);
    }
}

/* All at once, so that nobody can look in between. */
static void a_flood_in_one_piece_is_cut_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
        struct victim *victim = victim_new(H2_REQUESTS);
        OWNED_STRUCT(buffer) *all = &(struct buffer){.limit = 20000 * 100};

        for (int unit = 0; unit < UNITS_MAX && buffer_len(all) < all->limit - 20000; unit++)
            floods[i].write(all, unit);
        (void)!victim_feed(victim, buffer_view(all));
        assert_true(assert_ended(victim, floods[i].name) > 0);
        victim_free(victim);
    }
}

static void an_upstream_cannot_flood_either(void **state)
{
    static void (*const writers[])(struct buffer *, int) = {ping, settings, window_update,
                                                            unknown_type};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
        struct victim *victim = victim_new(H2_RESPONSES);
        int units = flood(victim, writers[i], true);

        assert_in_range(units, 1, 210);
        assert_int_equal(assert_ended(victim, "upstream"), H2_ENHANCE_YOUR_CALM);
        victim_free(victim);
    }
}

static void tokens_come_back_with_the_time(void **state)
{
    struct victim *victim = victim_new(H2_REQUESTS);
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 10000};

    (void)state;
    for (uint64_t second = 1; second < 20; second++) {
        h2_session_tick(victim->end.session, second * 1000);
        for (int i = 0; i < 50; i++)
            settings(wire, i);
        assert_int_equal(victim_feed(victim, buffer_view(wire)), OK);
        victim_pull(victim);
        buffer_reset(wire);
    }
    victim_free(victim);
}

/* A reader that gives the window back with every 512 bytes, and measures the line with each. */
static void answers_to_what_we_send_are_free(void **state)
{
    enum { PIECE = 16384, STEP = 512 };
    struct victim *victim = victim_new(H2_REQUESTS);
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};
    static const char piece[PIECE];

    (void)state;
    open_stream(wire, 1);
    assert_int_equal(victim_feed(victim, buffer_view(wire)), OK);
    h2_pair_respond(&victim->end.seen[0], 200, 0);
    for (int round = 0; round < 100; round++) {
        assert_int_equal(
            h2_stream_send_body(victim->end.seen[0].stream, slice_of(piece, sizeof(piece))), OK);
        victim_pull(victim);
        buffer_reset(wire);
        for (int i = 0; i < PIECE / STEP; i++) {
            raw_frame(wire, RAW_WINDOW_UPDATE, 0, 0, SLICE("\0\0\2\0"));
            raw_frame(wire, RAW_WINDOW_UPDATE, 0, 1, SLICE("\0\0\2\0"));
        }
        ping(wire, 0);
        assert_int_equal(victim_feed(victim, buffer_view(wire)), OK);
    }
    victim_free(victim);
}

static void reading_stops_while_our_own_queue_is_long(void **state)
{
    struct victim *victim = victim_new(H2_REQUESTS);
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 20000};

    (void)state;
    h2_guard_expect_answers(&victim->end.session->guard, 1 << 20);
    for (int i = 0; i <= H2_QUEUE_MAX; i++)
        ping(wire, i);
    assert_true(h2_session_wants_read(victim->end.session));
    assert_int_equal(victim_feed(victim, buffer_view(wire)), OK);
    assert_false(h2_session_wants_read(victim->end.session));
    victim_pull(victim);
    assert_true(h2_session_wants_read(victim->end.session));
    victim_free(victim);
}

static void one_stream_too_many_is_refused_and_the_others_go_on(void **state)
{
    struct victim *victim = victim_new(H2_REQUESTS);
    uint32_t limit = h2_session_default_limits().streams;
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 100000};

    (void)state;
    for (uint32_t unit = 0; unit <= limit; unit++)
        raw_headers(wire, stream_of((int)unit), RAW_END_STREAM, RAW_GET);
    assert_int_equal(victim_feed(victim, buffer_view(wire)), OK);
    victim_pull(victim);
    assert_int_equal(victim->end.count, limit);
    assert_int_equal(raw_find_code(buffer_view(&victim->sent), RAW_RST_STREAM), H2_REFUSED_STREAM);
    assert_int_equal(raw_find_code(buffer_view(&victim->sent), RAW_GOAWAY), -1);

    h2_pair_respond(&victim->end.seen[0], 200, H2_HEAD_ENDS);
    victim_pull(victim);
    buffer_reset(wire);
    raw_headers(wire, stream_of((int)limit + 1), RAW_END_STREAM, RAW_GET);
    assert_int_equal(victim_feed(victim, buffer_view(wire)), OK);
    assert_int_equal(victim->end.count, limit + 1);
    victim_free(victim);
}

/* What the client is told is the limit, not what the library has for it. */
static void the_limit_of_streams_is_announced(void **state)
{
    struct h2_limits limits = h2_session_default_limits(), usual = limits;
    struct h2_pair *pair;

    (void)state;
    limits.streams = 3;
    pair = h2_pair_new_limited(&usual, &limits);
    assert_int_equal(h2_session_stream_room(pair->client.session), 3);
    h2_pair_free(pair);
}

static void a_push_promise_ends_the_session(void **state)
{
    struct victim *victim = victim_new(H2_RESPONSES);
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 1000};

    (void)state;
    raw_frame(wire, RAW_PUSH_PROMISE, RAW_END_HEADERS, 1, SLICE("\0\0\0\2"));
    assert_int_equal(victim_feed(victim, buffer_view(wire)), ERR_SYNTAX);
    victim_pull(victim);
    assert_int_equal(raw_find_code(buffer_view(&victim->sent), RAW_GOAWAY), H2_PROTOCOL_ERROR);
    victim_free(victim);
}

static void what_is_not_http2_is_refused(void **state)
{
    struct h2_limits limits = h2_session_default_limits();
    struct h2_end end;

    (void)state;
    h2_end_init(&end, H2_REQUESTS, &limits);
    assert_int_equal(h2_session_feed(end.session, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
                     ERR_SYNTAX);
    assert_false(h2_session_wants_read(end.session));
    assert_int_equal(h2_session_feed(end.session, SLICE("PRI")), ERR_CLOSED);
    h2_end_clear(&end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flood_ends_the_session),
        cmocka_unit_test(a_flood_by_one_who_reads_nothing_takes_no_memory_either),
        cmocka_unit_test(a_flood_in_one_piece_is_cut_short),
        cmocka_unit_test(an_upstream_cannot_flood_either),
        cmocka_unit_test(tokens_come_back_with_the_time),
        cmocka_unit_test(answers_to_what_we_send_are_free),
        cmocka_unit_test(reading_stops_while_our_own_queue_is_long),
        cmocka_unit_test(one_stream_too_many_is_refused_and_the_others_go_on),
        cmocka_unit_test(the_limit_of_streams_is_announced),
        cmocka_unit_test(a_push_promise_ends_the_session),
        cmocka_unit_test(what_is_not_http2_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
