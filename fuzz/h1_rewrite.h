/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stream of messages read and written anew, as the proxy does it. */

#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "tests/unit/h1_transcript.h"

#include <stdio.h>

enum {
    H1_REWRITE_MAX = 8 << 20,
    H1_REWRITE_INPUT_MAX = 16 * 1024,
    H1_REWRITE_ADDED_MAX = 4, /* fields that the writer adds to a head, at the most */
};

static inline void h1_rewrite_must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* What was accepted must be writable. */
static inline void h1_rewrite_written(enum error error)
{
    h1_rewrite_must(error == OK, "an accepted message could not be written");
}

static inline void h1_rewrite_host(const struct authority *authority, struct buffer *out)
{
    bool is_v6 = authority->host.literal.len == 16;

    h1_rewrite_written(buffer_append(out, is_v6 ? SLICE("[") : SLICE("")));
    h1_rewrite_written(buffer_append(out, host_name_view(&authority->host)));
    h1_rewrite_written(buffer_append(out, is_v6 ? SLICE("]:") : SLICE(":")));
    h1_rewrite_written(buffer_append_u64(out, authority->port));
}

static inline bool h1_rewrite_request(struct http_head *head, struct http_framing *framing,
                                      struct buffer *out)
{
    struct http_request request;
    struct buffer host;

    if (request_parse(head, 80, &request).status != 0)
        return false;
    buffer_init(&host, 512);
    h1_rewrite_host(&request.authority, &host);
    struct h1_request_line line = {
        .method = request.method,
        .path = request.is_connect ? buffer_view(&host) : request.path,
        .host = buffer_view(&host),
        .is_websocket = request.wants_websocket,
    };
    *framing = request.framing;
    http_head_strip_hop_by_hop(head);
    h1_rewrite_written(h1_writer_request(&line, head, *framing, out));
    buffer_clear(&host);
    return true;
}

static inline bool h1_rewrite_response(struct http_head *head, struct http_framing *framing,
                                       struct buffer *out)
{
    struct http_response response;

    if (response_parse(head, false, true, &response).status != 0)
        return false;
    *framing = response.framing;
    http_head_strip_hop_by_hop(head);
    h1_rewrite_written(h1_writer_response(head, *framing, false, out));
    return true;
}

static inline bool h1_rewrite_body(struct h1_reader *reader, struct http_framing framing,
                                   struct slice *input, struct buffer *out)
{
    bool is_chunked = framing.kind == HTTP_BODY_CHUNKED;
    enum h1_event event;
    struct slice body;

    while ((event = h1_reader_next(reader, input, &body)) == H1_BODY)
        h1_rewrite_written(is_chunked ? h1_writer_chunk(body, out) : buffer_append(out, body));
    if (event == H1_NEED_MORE)
        event = h1_reader_finish(reader);
    if (event == H1_END && is_chunked)
        h1_rewrite_written(h1_writer_last_chunk(h1_reader_trailers(reader), out));
    return event == H1_END;
}

static inline struct slice h1_rewrite_line(struct slice *raw)
{
    size_t len = slice_find_slice(*raw, SLICE("\r\n"));
    struct slice line = slice_take(*raw, len);

    *raw = slice_skip(*raw, len + 2);
    return line;
}

/* A second, much simpler reading of the same bytes must find the same fields, and in the request
 * line the same words. */
static inline void h1_rewrite_check_head(enum h1_role role, struct slice raw,
                                         const struct http_head *head)
{
    struct slice line = h1_rewrite_line(&raw);

    if (role == H1_REQUESTS) {
        h1_rewrite_must(slice_equals(slice_split(&line, ' '), head->method), "another method");
        h1_rewrite_must(slice_equals(slice_split(&line, ' '), head->target), "another target");
        h1_rewrite_must(line.len == 8, "another version");
    }
    for (size_t i = 0; i < head->field_count; i++) {
        line = h1_rewrite_line(&raw);
        h1_rewrite_must(slice_equals(slice_split(&line, ':'), head->fields[i].name),
                        "another field name");
        h1_rewrite_must(slice_equals(slice_trim(line), head->fields[i].value),
                        "another field value");
    }
    h1_rewrite_must(slice_equals(raw, SLICE("\r\n")), "another number of fields");
}

/* `room`: fields that the head must leave free, or the message does not count. */
static inline bool h1_rewrite_message(struct h1_reader *reader, enum h1_role role, size_t room,
                                      struct slice *input, struct buffer *out)
{
    struct http_framing framing;
    struct slice body, before = *input;

    if (h1_reader_next(reader, input, &body) != H1_HEAD)
        return false;
    struct http_head *head = h1_reader_head(reader);
    h1_rewrite_check_head(role, slice_take(before, before.len - input->len), head);
    if (head->field_count > HTTP_FIELDS_MAX - room)
        return false;
    if (!(role == H1_REQUESTS ? h1_rewrite_request : h1_rewrite_response)(head, &framing, out))
        return false;
    h1_reader_set_framing(reader, framing);
    return h1_rewrite_body(reader, framing, input, out);
}

/* How many messages were whole; they alone are in `out`. */
static inline size_t h1_rewrite_stream(enum h1_role role, size_t room, struct slice input,
                                       struct buffer *out)
{
    OWNED_STRUCT(h1_reader) *reader = h1_reader_new(role);
    size_t count = 0, whole = 0;

    h1_rewrite_must(reader != NULL, "out of memory");
    while (input.len > 0 && h1_rewrite_message(reader, role, room, &input, out)) {
        count++;
        whole = buffer_len(out);
        h1_reader_restart(reader);
    }
    buffer_truncate(out, whole);
    return count;
}

/* What was accepted and written anew is read as the same messages: writing it anew once more gives
 * the same bytes. */
static inline void h1_rewrite_check(enum h1_role role, struct slice input)
{
    struct buffer once, again;

    buffer_init(&once, H1_REWRITE_MAX);
    buffer_init(&again, H1_REWRITE_MAX);
    size_t count = h1_rewrite_stream(role, H1_REWRITE_ADDED_MAX, input, &once);
    h1_rewrite_must(h1_rewrite_stream(role, 0, buffer_view(&once), &again) == count,
                    "the rewritten stream has another number of messages");
    h1_rewrite_must(slice_equals(buffer_view(&once), buffer_view(&again)),
                    "the rewritten stream is read differently");
    buffer_clear(&once);
    buffer_clear(&again);
}

static inline void h1_rewrite_check_split(enum h1_role role, struct slice input, size_t first,
                                          size_t step)
{
    struct buffer whole = h1_transcript_of(role, input, SIZE_MAX, SIZE_MAX);
    struct buffer split = h1_transcript_of(role, input, first, step);

    h1_rewrite_must(slice_equals(buffer_view(&whole), buffer_view(&split)),
                    "the result depends on how the input is split");
    buffer_clear(&whole);
    buffer_clear(&split);
}

static inline int h1_rewrite_fuzz(enum h1_role role, struct slice input)
{
    if (input.len > H1_REWRITE_INPUT_MAX)
        return 0;
    h1_rewrite_check_split(role, input, 1, 1);
    h1_rewrite_check_split(role, input, input.len / 2 + 1, SIZE_MAX);
    h1_rewrite_check(role, input);
    return 0;
}
