/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between two sessions: heads, bodies, trailers, ends. */
#include "h2_pair.h"
#include "h2_raw.h"

static void add(struct http_head *head, const char *name, const char *value)
{
    assert_int_equal(http_head_add(head, slice_from_string(name), slice_from_string(value)), OK);
}

static void assert_field(const struct http_head *head, const char *name, const char *value)
{
    const struct http_field *field = http_head_find(head, slice_from_string(name));

    assert_non_null(field);
    assert_true(slice_equals(field->value, slice_from_string(value)));
}

static void a_request_and_its_response_arrive_as_they_were_sent(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_request_line line = h2_pair_line("POST", "/v1/chat?x=1");
    struct http_head head;

    (void)state;
    http_head_init(&head);
    add(&head, "Content-Type", "application/json");
    add(&head, "Connection", "keep-alive");
    add(&head, "Transfer-Encoding", "chunked");
    add(&head, "Content-Length", "999");
    add(&head, "Host", "other.example.com");
    line.framing = (struct http_framing){.kind = HTTP_BODY_LENGTH, .length = 5};
    struct h2_seen *asked = h2_pair_open_line(pair, &line, &head);
    http_head_clear(&head);
    assert_int_equal(h2_stream_send_body(asked->stream, SLICE("hello")), OK);
    assert_int_equal(h2_stream_send_end(asked->stream, NULL), OK);
    h2_pair_pump(pair);

    struct h2_seen *got = &pair->upstream.seen[0];
    struct http_head *request = h2_stream_head(got->stream);
    assert_true(slice_equals(request->method, SLICE("POST")));
    assert_true(slice_equals(request->target, SLICE("/v1/chat?x=1")));
    assert_true(slice_equals(h2_stream_pseudo(got->stream)->scheme, SLICE("https")));
    assert_field(request, "Host", "api.example.com");
    assert_field(request, "content-type", "application/json");
    assert_field(request, "content-length", "5");
    assert_int_equal(request->field_count, 3);
    assert_true(slice_equals(buffer_view(&got->body), SLICE("hello")));
    assert_int_equal(got->ends, 1);

    h2_pair_respond(got, 204, H2_HEAD_ENDS);
    h2_pair_pump(pair);
    assert_int_equal(h2_stream_head(asked->stream)->status, 204);
    assert_true(h2_stream_pseudo(asked->stream)->is_complete);
    assert_int_equal(asked->ends, 1);
    assert_int_equal(asked->closes, 1);
    assert_int_equal(got->closes, 1);
    assert_int_equal(got->code, H2_NO_ERROR);
    assert_int_equal(h2_stream_send_body(got->stream, SLICE("x")), ERR_CLOSED);
    h2_pair_free(pair);
}

static void trailers_come_behind_the_body_both_ways(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "POST", false);
    struct http_head trailers;

    (void)state;
    http_head_init(&trailers);
    add(&trailers, "Grpc-Status", "0");
    add(&trailers, "Content-Length", "1");
    add(&trailers, "Connection", "x");
    add(&trailers, "Set-Cookie", "a=b");
    assert_int_equal(h2_stream_send_body(asked->stream, SLICE("question")), OK);
    assert_int_equal(h2_stream_send_end(asked->stream, &trailers), OK);
    h2_pair_pump(pair);
    struct h2_seen *got = &pair->upstream.seen[0];
    h2_pair_respond(got, 200, 0);
    assert_int_equal(h2_stream_send_body(got->stream, SLICE("answer")), OK);
    assert_int_equal(h2_stream_send_end(got->stream, &trailers), OK);
    http_head_clear(&trailers);
    h2_pair_pump(pair);

    for (int i = 0; i < 2; i++) {
        struct h2_seen *seen = i == 0 ? got : asked;
        assert_int_equal(seen->ends, 1);
        assert_int_equal(h2_stream_trailers(seen->stream)->field_count, 1);
        assert_field(h2_stream_trailers(seen->stream), "grpc-status", "0");
    }
    assert_true(slice_equals(buffer_view(&asked->body), SLICE("answer")));
    h2_pair_free(pair);
}

static void interim_responses_come_before_the_one_that_counts(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "GET", true);
    struct http_head early;

    (void)state;
    h2_pair_pump(pair);
    struct h2_seen *got = &pair->upstream.seen[0];
    http_head_init(&early);
    early.status = 103;
    add(&early, "Link", "</a>");
    assert_int_equal(h2_stream_send_interim(got->stream, &early), OK);
    h2_pair_pump(pair);
    assert_int_equal(asked->interims, 1);
    assert_int_equal(asked->interim_status, 103);
    assert_int_equal(asked->heads, 0);

    h2_pair_respond(got, 200, H2_HEAD_ENDS);
    assert_int_equal(h2_stream_send_interim(got->stream, &early), ERR_CLOSED);
    h2_pair_pump(pair);
    assert_int_equal(asked->heads, 1);
    assert_null(http_head_find(h2_stream_head(asked->stream), SLICE("link")));
    http_head_clear(&early);
    h2_pair_free(pair);
}

static void more_than_ten_interim_responses_reset_the_stream(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "GET", true);
    struct http_head early;

    (void)state;
    h2_pair_pump(pair);
    http_head_init(&early);
    early.status = 102;
    for (int i = 0; i < 11; i++)
        assert_int_equal(h2_stream_send_interim(pair->upstream.seen[0].stream, &early), OK);
    h2_pair_pump(pair);
    assert_int_equal(asked->interims, 10);
    assert_int_equal(asked->closes, 1);
    assert_int_equal(asked->code, H2_ENHANCE_YOUR_CALM);
    h2_pair_free(pair);
}

static void a_reset_reaches_the_other_side_and_drops_what_was_not_sent(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "POST", false);

    (void)state;
    h2_pair_pump(pair);
    assert_int_equal(h2_stream_send_body(asked->stream, SLICE("never sent")), OK);
    h2_stream_reset(asked->stream, H2_CANCEL);
    h2_pair_pump(pair);
    assert_int_equal(pair->upstream.seen[0].closes, 1);
    assert_int_equal(pair->upstream.seen[0].code, H2_CANCEL);
    assert_int_equal(pair->upstream.seen[0].ends, 0);
    assert_int_equal(buffer_len(&pair->upstream.seen[0].body), 0);
    assert_int_equal(asked->closes, 1);
    assert_int_equal(h2_session_stream_count(pair->client.session), 0);
    h2_pair_free(pair);
}

static void a_stream_that_its_owner_frees_is_reset_without_events(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "POST", false);

    (void)state;
    h2_pair_pump(pair);
    h2_seen_free(asked);
    h2_pair_respond(&pair->upstream.seen[0], 200, 0);
    h2_pair_pump(pair);
    assert_int_equal(asked->heads + asked->ends + asked->closes, 0);
    assert_int_equal(pair->upstream.seen[0].code, H2_CANCEL);

    /* Before its head was even written. */
    h2_seen_free(h2_pair_open(pair, "GET", true));
    h2_pair_pump(pair);
    assert_int_equal(h2_session_stream_count(pair->client.session), 0);
    assert_int_equal(pair->upstream.count, 1);
    h2_pair_free(pair);
}

static void an_early_response_ends_the_request_without_an_error(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "POST", false);

    (void)state;
    h2_pair_pump(pair);
    h2_pair_respond(&pair->upstream.seen[0], 403, H2_HEAD_ENDS);
    h2_pair_pump(pair);
    assert_int_equal(asked->ends, 1);
    assert_int_equal(asked->code, H2_NO_ERROR);
    assert_int_equal(pair->upstream.seen[0].closes, 1);
    assert_int_equal(pair->upstream.seen[0].ends, 0);
    h2_pair_free(pair);
}

static void a_drained_session_finishes_what_it_has_and_is_over(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "GET", true);

    (void)state;
    h2_pair_pump(pair);
    assert_int_equal(h2_session_drain(pair->upstream.session), OK);
    h2_pair_pump(pair);
    assert_int_equal(pair->client.goaways, 1);
    assert_int_equal(h2_session_stream_room(pair->client.session), 0);
    assert_int_equal(h2_session_drain(pair->upstream.session), OK);
    h2_pair_pump(pair);
    assert_false(h2_session_is_over(pair->upstream.session));
    h2_pair_respond(&pair->upstream.seen[0], 200, H2_HEAD_ENDS);
    h2_pair_pump(pair);
    assert_int_equal(asked->ends, 1);
    assert_true(h2_session_is_over(pair->upstream.session));
    assert_true(h2_session_is_over(pair->client.session));
    h2_pair_free(pair);
}

static void streams_behind_a_goaway_are_safe_to_try_again(void **state)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = 1000};
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *first = h2_pair_open(pair, "GET", true);
    struct h2_seen *second = h2_pair_open(pair, "GET", true);

    (void)state;
    h2_pair_pump(pair);
    raw_frame(wire, RAW_GOAWAY, 0, 0, SLICE("\0\0\0\1\0\0\0\0"));
    assert_int_equal(h2_session_feed(pair->client.session, buffer_view(wire)), OK);
    assert_int_equal(pair->client.goaways, 1);
    assert_int_equal(second->closes, 1);
    assert_int_equal(second->code, H2_REFUSED_STREAM);
    assert_int_equal(first->closes, 0);
    h2_pair_respond(&pair->upstream.seen[0], 200, H2_HEAD_ENDS);
    h2_pair_pump(pair);
    assert_int_equal(first->ends, 1);
    h2_pair_free(pair);
}

static void streams_outlive_their_session(void **state)
{
    struct h2_pair *pair = h2_pair_new();
    struct h2_seen *asked = h2_pair_open(pair, "GET", true);

    (void)state;
    h2_pair_pump(pair);
    h2_session_free(TAKE(pair->upstream.session));
    struct h2_stream *orphan = pair->upstream.seen[0].stream;
    assert_true(h2_stream_is_closed(orphan));
    assert_true(slice_equals(h2_stream_head(orphan)->method, SLICE("GET")));
    h2_stream_reset(orphan, H2_CANCEL);
    h2_stream_consumed(orphan, 5);

    h2_session_disconnect(pair->client.session);
    assert_int_equal(asked->closes, 1);
    assert_int_equal(asked->ends, 0);
    assert_int_equal(h2_session_feed(pair->client.session, SLICE("x")), ERR_CLOSED);
    h2_pair_free(pair);
}

static void an_extended_connect_is_a_websocket_request(void **state)
{
    struct h2_limits usual = h2_session_default_limits(), open = usual;
    open.allows_websocket = true;
    struct h2_pair *pair = h2_pair_new_limited(&usual, &open);
    struct h2_request_line line = h2_pair_line("CONNECT", "/socket");
    struct http_head head;

    (void)state;
    assert_true(h2_session_peer_allows_websocket(pair->client.session));
    http_head_init(&head);
    add(&head, "Sec-WebSocket-Version", "13");
    line.protocol = SLICE("websocket");
    struct h2_seen *asked = h2_pair_open_line(pair, &line, &head);
    http_head_clear(&head);
    h2_pair_pump(pair);
    struct h2_seen *got = &pair->upstream.seen[0];
    assert_true(slice_equals(h2_stream_head(got->stream)->method, SLICE("GET")));
    assert_true(slice_equals(h2_stream_pseudo(got->stream)->protocol, SLICE("websocket")));
    h2_pair_respond(got, 200, 0);
    assert_int_equal(h2_stream_send_body(got->stream, SLICE("down")), OK);
    assert_int_equal(h2_stream_send_body(asked->stream, SLICE("up")), OK);
    h2_pair_pump(pair);
    assert_true(slice_equals(buffer_view(&got->body), SLICE("up")));
    assert_true(slice_equals(buffer_view(&asked->body), SLICE("down")));
    h2_pair_free(pair);
}

static void an_upstream_says_in_its_settings_whether_it_takes_websockets(void **state)
{
    struct h2_limits limits = h2_session_default_limits();
    struct h2_pair *pair = h2_pair_new();
    struct h2_end early;

    (void)state;
    h2_end_init(&early, H2_RESPONSES, &limits);
    assert_false(h2_session_has_peer_settings(early.session));
    assert_false(h2_session_peer_allows_websocket(early.session));
    assert_true(h2_session_has_peer_settings(pair->client.session));
    assert_false(h2_session_peer_allows_websocket(pair->client.session));
    h2_end_clear(&early);
    h2_pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upstream_says_in_its_settings_whether_it_takes_websockets),
        cmocka_unit_test(a_request_and_its_response_arrive_as_they_were_sent),
        cmocka_unit_test(trailers_come_behind_the_body_both_ways),
        cmocka_unit_test(interim_responses_come_before_the_one_that_counts),
        cmocka_unit_test(more_than_ten_interim_responses_reset_the_stream),
        cmocka_unit_test(a_reset_reaches_the_other_side_and_drops_what_was_not_sent),
        cmocka_unit_test(a_stream_that_its_owner_frees_is_reset_without_events),
        cmocka_unit_test(an_early_response_ends_the_request_without_an_error),
        cmocka_unit_test(a_drained_session_finishes_what_it_has_and_is_over),
        cmocka_unit_test(streams_behind_a_goaway_are_safe_to_try_again),
        cmocka_unit_test(streams_outlive_their_session),
        cmocka_unit_test(an_extended_connect_is_a_websocket_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
