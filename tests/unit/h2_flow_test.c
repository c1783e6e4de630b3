/* SPDX-License-Identifier: Apache-2.0 */
/* Flow control between two sessions: bodies through windows, streams beside each other. */
#include "h2_pair.h"

static struct h2_limits limits_with_window(uint32_t window)
{
    struct h2_limits limits = h2_session_default_limits();

    limits.stream_window = window;
    limits.wide_streams = 0;
    return limits;
}

/* A byte that depends on where it stands. */
static char pattern_at(size_t i)
{
    return (char)(i * 31 + i / 251);
}

static void send_some(struct h2_stream *stream, size_t *sent, size_t total)
{
    char piece[3000];
    size_t len = h2_stream_room(stream);

    if (len > sizeof(piece))
        len = sizeof(piece);
    if (len > total - *sent)
        len = total - *sent;
    for (size_t i = 0; i < len; i++)
        piece[i] = pattern_at(*sent + i);
    if (len > 0)
        assert_int_equal(h2_stream_send_body(stream, slice_of(piece, len)), OK);
    *sent += len;
    if (*sent == total && h2_stream_room(stream) > 0)
        assert_int_equal(h2_stream_send_end(stream, NULL), OK);
}

static void assert_pattern(const struct h2_seen *seen, size_t total)
{
    struct slice body = buffer_view(&seen->body);

    assert_int_equal(body.len, total);
    for (size_t i = 0; i < total; i++)
        assert_int_equal(body.data[i], pattern_at(i));
    assert_int_equal(seen->ends, 1);
}

static void bodies_stream_both_ways_through_tiny_windows(void **state)
{
    enum { TOTAL = 100000 };
    struct h2_limits tiny = limits_with_window(700);
    tiny.stream_room = 1000;
    struct h2_pair *pair = h2_pair_new_limited(&tiny, &tiny);
    struct h2_seen *asked = h2_pair_open(pair, "POST", false);
    size_t up = 0, down = 0;

    (void)state;
    h2_pair_pump(pair);
    struct h2_seen *got = &pair->upstream.seen[0];
    h2_pair_respond(got, 200, 0);
    /* A response that is complete before its request would end that one. */
    while (got->ends == 0 || asked->ends == 0) {
        send_some(asked->stream, &up, TOTAL);
        if (got->ends == 1 || down < TOTAL / 2)
            send_some(got->stream, &down, TOTAL);
        h2_pair_pump_pieces(pair, 97);
    }
    assert_pattern(got, TOTAL);
    assert_pattern(asked, TOTAL);
    assert_int_equal(asked->code, H2_NO_ERROR);
    h2_pair_free(pair);
}

static void what_is_not_consumed_is_bounded_by_the_window(void **state)
{
    enum { WINDOW = 5000 };
    struct h2_limits limits = limits_with_window(WINDOW), usual = h2_session_default_limits();
    struct h2_pair *pair = h2_pair_new_limited(&usual, &limits);
    struct h2_seen *asked = h2_pair_open(pair, "POST", false);
    size_t sent = 0;

    (void)state;
    pair->upstream.holds_back = true;
    for (int i = 0; i < 100; i++) {
        send_some(asked->stream, &sent, SIZE_MAX);
        h2_pair_pump(pair);
    }
    struct h2_seen *got = &pair->upstream.seen[0];
    assert_int_equal(got->unconsumed, WINDOW);
    assert_int_equal(h2_stream_room(asked->stream), 0);
    assert_int_equal(h2_stream_send_body(asked->stream, SLICE("x")), ERR_TOO_LARGE);

    h2_stream_consumed(got->stream, got->unconsumed);
    h2_pair_pump(pair);
    assert_int_equal(buffer_len(&got->body), 2 * WINDOW);
    h2_pair_free(pair);
}

/* Sends on every stream, as much as there is window for. */
static void send_on_all(struct h2_pair *pair, size_t *sent)
{
    for (int i = 0; i < 400; i++) {
        for (size_t stream = 0; stream < pair->client.count; stream++)
            send_some(pair->client.seen[stream].stream, &sent[stream], SIZE_MAX / 2);
        h2_pair_pump(pair);
    }
}

static struct h2_seen *open_uploads(struct h2_pair *pair, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        h2_pair_open(pair, "POST", false);
    h2_pair_pump(pair);
    return pair->upstream.seen;
}

static void consume_all(struct h2_seen *seen)
{
    h2_stream_consumed(seen->stream, seen->unconsumed);
    seen->unconsumed = 0;
}

/* What may wait is the sum of these, whatever the streams do. */
static void few_streams_that_are_consumed_get_a_wide_window(void **state)
{
    enum { STREAMS = 5, WINDOW = 5000, WIDE = 20000, FEW = 2 };
    struct h2_limits limits = limits_with_window(WINDOW), usual = h2_session_default_limits();
    limits.wide_window = WIDE;
    limits.wide_streams = FEW;
    struct h2_pair *pair = h2_pair_new_limited(&usual, &limits);
    struct h2_seen *got = open_uploads(pair, STREAMS);
    size_t sent[STREAMS] = {0};

    (void)state;
    pair->upstream.holds_back = true;
    send_on_all(pair, sent);
    for (int i = 0; i < STREAMS; i++) {
        assert_int_equal(got[i].unconsumed, WINDOW);
        consume_all(&got[i]);
    }
    send_on_all(pair, sent);
    for (int i = 0; i < STREAMS; i++)
        assert_int_equal(got[i].unconsumed, i < FEW ? WIDE : WINDOW);

    h2_stream_reset(pair->client.seen[0].stream, H2_CANCEL); /* its place is free again */
    h2_pair_pump(pair);
    consume_all(&got[4]);
    send_on_all(pair, sent);
    assert_int_equal(got[4].unconsumed, WIDE);
    assert_int_equal(got[3].unconsumed, WINDOW);
    h2_pair_free(pair);
}

static void sessions_share_how_many_windows_are_wide(void **state)
{
    enum { STREAMS = 3, WINDOW = 5000, WIDE = 20000, ELSEWHERE = 3 };
    struct h2_limits limits = limits_with_window(WINDOW), usual = h2_session_default_limits();
    uint32_t shared = ELSEWHERE;
    limits.wide_window = WIDE;
    limits.wide_streams = STREAMS;
    limits.wide_shared = &shared;
    limits.wide_shared_max = ELSEWHERE + 1;
    struct h2_pair *pair = h2_pair_new_limited(&usual, &limits);
    struct h2_seen *got = open_uploads(pair, STREAMS);
    size_t sent[STREAMS] = {0};

    (void)state;
    pair->upstream.holds_back = true;
    send_on_all(pair, sent);
    for (int i = 0; i < STREAMS; i++)
        consume_all(&got[i]);
    send_on_all(pair, sent);
    for (int i = 0; i < STREAMS; i++)
        assert_int_equal(got[i].unconsumed, i == 0 ? WIDE : WINDOW);
    assert_int_equal(shared, ELSEWHERE + 1);
    h2_pair_free(pair);
    assert_int_equal(shared, ELSEWHERE);
}

static void a_slow_stream_does_not_hold_up_its_neighbours(void **state)
{
    enum { STREAMS = 50, TOTAL = 200000 };
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *slow = h2_pair_open(pair, "GET", true);
    size_t sent[STREAMS] = {0}, slow_sent = 0;

    (void)state;
    for (int i = 0; i < STREAMS; i++)
        h2_pair_open(pair, "GET", true);
    h2_pair_pump(pair);
    for (int i = 0; i <= STREAMS; i++)
        h2_pair_respond(&pair->upstream.seen[i], 200, 0);

    /* The first takes nothing, ever; its sender has a full buffer all the time. */
    pair->client.holds_back = true;
    for (int i = 0; i < 100; i++) {
        send_some(pair->upstream.seen[0].stream, &slow_sent, SIZE_MAX);
        h2_pair_pump(pair);
    }
    pair->client.holds_back = false;
    for (size_t done = 0; done < STREAMS;) {
        done = 0;
        for (int i = 0; i < STREAMS; i++) {
            if (sent[i] < TOTAL)
                send_some(pair->upstream.seen[i + 1].stream, &sent[i], TOTAL);
            done += sent[i] == TOTAL;
        }
        h2_pair_pump(pair);
    }
    for (int i = 1; i <= STREAMS; i++)
        assert_pattern(&pair->client.seen[i], TOTAL);
    assert_int_equal(slow->unconsumed, 64 * 1024);
    assert_int_equal(slow->closes, 0);
    h2_pair_free(pair);
}

/* Two downloads without priorities: neither waits for the end of the other. */
static void responses_share_the_line(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    static char big[60000];

    (void)state;
    h2_pair_open(pair, "GET", true);
    h2_pair_open(pair, "GET", true);
    h2_pair_pump(pair);
    for (int i = 0; i < 2; i++) {
        h2_pair_respond(&pair->upstream.seen[i], 200, 0);
        assert_int_equal(
            h2_stream_send_body(pair->upstream.seen[i].stream, slice_of(big, sizeof(big))), OK);
    }
    /* The connection's own window lets 64 KiB through at first. */
    pair->client.holds_back = true;
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 40000 + H2_PULL_OVER};
    assert_int_equal(h2_session_pull(pair->upstream.session, wire, 40000), OK);
    assert_int_equal(h2_session_feed(pair->client.session, buffer_view(wire)), OK);
    assert_true(buffer_len(&pair->client.seen[0].body) >= 16000);
    assert_true(buffer_len(&pair->client.seen[1].body) >= 16000);
    h2_pair_free(pair);
}

/* Trailers follow in the same breath: the library does not stop in between. */
static void a_pull_keeps_to_its_limit(void **state)
{
    enum { MAX = 10, FRAME = 16384 };
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = MAX + H2_PULL_OVER};
    struct h2_pair *pair = h2_pair_new();
    struct http_head trailers;
    static char bytes[FRAME];

    (void)state;
    memset(bytes, '~', sizeof(bytes));
    h2_pair_open(pair, "GET", true);
    h2_pair_pump(pair);
    struct h2_stream *stream = pair->upstream.seen[0].stream;
    h2_pair_respond(&pair->upstream.seen[0], 200, 0);
    h2_pair_pump(pair);
    http_head_init(&trailers);
    assert_int_equal(http_head_add(&trailers, SLICE("x"), slice_of(bytes, FRAME - 100)), OK);
    assert_int_equal(h2_stream_send_body(stream, slice_of(bytes, FRAME)), OK);
    assert_int_equal(h2_stream_send_end(stream, &trailers), OK);
    http_head_clear(&trailers);
    assert_int_equal(h2_session_pull(pair->upstream.session, wire, MAX), OK);
    assert_in_range(buffer_len(wire), MAX + H2_FRAME_MAX, wire->limit);
    assert_int_equal(h2_session_feed(pair->client.session, buffer_view(wire)), OK);
    assert_int_equal(pair->client.seen[0].ends, 1);
    h2_pair_free(pair);
}

static void no_more_streams_are_opened_than_both_sides_allow(void **state)
{
    struct h2_limits few = h2_session_default_limits(), usual = few;
    few.streams = 3;
    struct h2_pair *pair = h2_pair_new_limited(&usual, &few);
    struct h2_request_line line = h2_pair_line("GET", "/");
    struct h2_stream *stream;
    struct http_head head;

    (void)state;
    http_head_init(&head);
    assert_int_equal(h2_session_stream_room(pair->client.session), 3);
    for (int i = 0; i < 3; i++)
        h2_pair_open(pair, "GET", true);
    assert_int_equal(h2_stream_open(pair->client.session, &line, &head, &stream), ERR_AGAIN);
    h2_pair_pump(pair);
    h2_pair_respond(&pair->upstream.seen[1], 200, H2_HEAD_ENDS);
    h2_pair_pump(pair);
    assert_int_equal(h2_session_stream_room(pair->client.session), 1);
    h2_pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_stream_both_ways_through_tiny_windows),
        cmocka_unit_test(what_is_not_consumed_is_bounded_by_the_window),
        cmocka_unit_test(few_streams_that_are_consumed_get_a_wide_window),
        cmocka_unit_test(sessions_share_how_many_windows_are_wide),
        cmocka_unit_test(a_slow_stream_does_not_hold_up_its_neighbours),
        cmocka_unit_test(responses_share_the_line),
        cmocka_unit_test(a_pull_keeps_to_its_limit),
        cmocka_unit_test(no_more_streams_are_opened_than_both_sides_allow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
