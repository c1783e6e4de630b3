/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes from an upstream that was asked three times: nothing crashes or grows, and what is
 * accepted as a response could be written in HTTP/1. The first byte says how the rest is split. */
#include "fuzz/h2_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_response(void *context, struct h2_stream *stream)
{
    bool is_complete = h2_stream_pseudo(stream)->is_complete;
    struct http_head *head = h2_stream_head(stream);
    struct http_response response;

    (void)context;
    h2_peer_check_fields(head);
    h1_rewrite_must(head->status >= 200, "an interim response that counts");
    if (h2_response_parse(head, false, is_complete, &response).status == 0)
        h1_rewrite_must(response.framing.kind != HTTP_BODY_UNTIL_CLOSE, "no end");
    else
        h2_stream_reset(stream, H2_PROTOCOL_ERROR);
}

static void on_interim(void *context, struct h2_stream *stream)
{
    (void)context;
    h2_peer_check_fields(h2_stream_head(stream));
    h1_rewrite_must(h2_stream_head(stream)->status < 200, "a final response as interim");
}

static const struct h2_events events = {
    .on_head = on_response,
    .on_interim = on_interim,
    .on_body = h2_peer_on_body,
    .on_end = h2_peer_on_end,
    .on_closed = h2_peer_on_closed,
};

static void ask(struct h2_session *session, struct slice method, unsigned flags)
{
    struct h2_request_line line = {
        .method = method,
        .scheme = SLICE("https"),
        .authority = SLICE("a.example"),
        .path = SLICE("/"),
        .flags = flags,
    };
    struct h2_stream *stream;
    struct http_head head;

    http_head_init(&head);
    h1_rewrite_written(h2_stream_open(session, &line, &head, &stream));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2_limits limits = h2_session_default_limits();
    struct h2_session *session = NULL;

    if (size < 1 || size > H2_PEER_INPUT_MAX)
        return 0;
    if (h2_session_new(H2_RESPONSES, &events, NULL, &limits, &session) != OK)
        return 0;
    h2_peer_feed(session, H2_PEER_SETTINGS, SIZE_MAX);
    ask(session, SLICE("GET"), H2_HEAD_ENDS);
    ask(session, SLICE("POST"), 0);
    ask(session, SLICE("HEAD"), H2_HEAD_ENDS);
    h2_peer_pull(session);
    h2_peer_feed(session, slice_of(data + 1, size - 1), data[0] == 0 ? SIZE_MAX : data[0]);
    h2_session_disconnect(session);
    h2_session_free(session);
    return 0;
}
