/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes from a client behind a valid preface: nothing crashes or grows, and what is accepted as
 * a request is the same request when it is written in HTTP/1. The first byte says how the rest is
 * split. */
#include "fuzz/h2_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A request that was accepted and is written in HTTP/1 is read there as the same request. */
static void check_request(const struct http_request *request, const struct http_head *head)
{
    OWNED_STRUCT(buffer) *wire = &(struct buffer){.limit = H1_REWRITE_MAX};
    OWNED_STRUCT(buffer) *host = &(struct buffer){.limit = 512};
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(H1_REQUESTS);
    struct http_request again;
    struct slice body;

    h1_rewrite_host(&request->authority, host);
    struct h1_request_line line = {
        .method = request->method, .path = request->path, .host = buffer_view(host)};
    h1_rewrite_written(h1_writer_request(&line, head, request->framing, wire));
    struct slice input = buffer_view(wire);
    if (reader == NULL || input.len > HTTP_HEAD_MAX || head->field_count > HTTP_FIELDS_MAX - 4)
        return;
    enum h1_event event = h1_reader_next(reader, &input, &body);
    /* llhttp does not know every method that is a token. */
    if (event == H1_FAULT && h1_reader_fault(reader).status == 501)
        return;
    h1_rewrite_must(event == H1_HEAD && input.len == 0, "another end of the head");
    h1_rewrite_must(request_parse(h1_reader_head(reader), 443, &again).status == 0, "refused");
    h1_rewrite_must(slice_equals(again.method, request->method), "another method");
    h1_rewrite_must(slice_equals(again.path, request->path), "another path");
    h1_rewrite_must(authority_equals(&again.authority, &request->authority), "another authority");
}

static void respond(struct h2_stream *stream, uint16_t status, unsigned flags)
{
    struct http_framing framing = {.kind = HTTP_BODY_CHUNKED};
    struct http_head head;

    http_head_init(&head);
    head.status = status;
    (void)!h2_stream_send_response(stream, &head, framing, flags);
}

static void on_request(void *context, struct h2_stream *stream)
{
    struct http_head *head = h2_stream_head(stream);
    struct http_request request;

    (void)context;
    h2_peer_check_fields(head);
    if (h2_request_parse(head, h2_stream_pseudo(stream), &request).status != 0) {
        respond(stream, 400, H2_HEAD_ENDS);
        return;
    }
    check_request(&request, head);
    respond(stream, 200, 0);
}

static const struct h2_events events = {
    .on_head = on_request,
    .on_body = h2_peer_on_body,
    .on_end = h2_peer_on_end,
    .on_closed = h2_peer_on_closed,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2_limits limits = h2_session_default_limits();
    struct h2_session *session = NULL;

    if (size < 1 || size > H2_PEER_INPUT_MAX)
        return 0;
    limits.allows_websocket = true;
    if (h2_session_new(H2_REQUESTS, &events, NULL, &limits, &session) != OK)
        return 0;
    h2_peer_feed(session, H2_PEER_PREFACE, SIZE_MAX);
    h2_peer_feed(session, H2_PEER_SETTINGS, SIZE_MAX);
    h2_peer_feed(session, slice_of(data + 1, size - 1), data[0] == 0 ? SIZE_MAX : data[0]);
    h2_session_disconnect(session);
    h2_session_free(session);
    return 0;
}
