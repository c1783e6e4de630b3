/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a reader makes of a stream of bytes, as one text: for tests and fuzz targets that compare
 * what different splits of the same bytes lead to. */

#include "http/h1_reader.h"

#include <stdlib.h>

enum { H1_TRANSCRIPT_MAX = 4 << 20 };

struct h1_transcript {
    struct h1_reader *reader;
    enum h1_role role;
    enum h1_event last;
    struct buffer text;
};

static inline void h1_transcript_add(struct h1_transcript *transcript, struct slice text)
{
    if (buffer_append(&transcript->text, text) != OK)
        abort();
}

static inline void h1_transcript_number(struct h1_transcript *transcript, uint64_t number)
{
    if (buffer_append_u64(&transcript->text, number) != OK)
        abort();
}

static inline void h1_transcript_fields(struct h1_transcript *transcript,
                                        const struct http_head *head)
{
    for (size_t i = 0; i < head->field_count; i++) {
        h1_transcript_add(transcript, SLICE("|"));
        h1_transcript_add(transcript, head->fields[i].name);
        h1_transcript_add(transcript, SLICE("="));
        h1_transcript_add(transcript, head->fields[i].value);
    }
    h1_transcript_add(transcript, SLICE("\n"));
}

static inline void h1_transcript_fault(struct h1_transcript *transcript, struct http_fault fault)
{
    h1_transcript_add(transcript, SLICE("FAULT "));
    h1_transcript_number(transcript, (uint64_t)fault.status);
    h1_transcript_add(transcript, SLICE("\n"));
}

static inline struct http_fault h1_transcript_judge(struct h1_transcript *transcript,
                                                    const struct http_head *head,
                                                    struct http_framing *out)
{
    struct http_request request = {0};
    struct http_response response = {0};
    struct http_fault fault = transcript->role == H1_REQUESTS
                                  ? request_parse(head, 80, &request)
                                  : response_parse(head, false, false, &response);

    *out = transcript->role == H1_REQUESTS ? request.framing : response.framing;
    return fault;
}

/* False: the message is refused. */
static inline bool h1_transcript_head(struct h1_transcript *transcript)
{
    struct http_head *head = h1_reader_head(transcript->reader);
    struct http_framing framing;

    h1_transcript_add(transcript, SLICE("HEAD "));
    if (transcript->role == H1_REQUESTS) {
        h1_transcript_add(transcript, head->method);
        h1_transcript_add(transcript, SLICE(" "));
        h1_transcript_add(transcript, head->target);
    } else {
        h1_transcript_number(transcript, head->status);
        h1_transcript_add(transcript, SLICE(" "));
        h1_transcript_add(transcript, head->reason);
    }
    h1_transcript_fields(transcript, head);

    struct http_fault fault = h1_transcript_judge(transcript, head, &framing);
    if (fault.status != 0)
        h1_transcript_fault(transcript, fault);
    else
        h1_reader_set_framing(transcript->reader, framing);
    return fault.status == 0;
}

static inline void h1_transcript_body(struct h1_transcript *transcript, struct slice body)
{
    if (transcript->last != H1_BODY)
        h1_transcript_add(transcript, SLICE("BODY "));
    h1_transcript_add(transcript, body);
}

static inline void h1_transcript_end(struct h1_transcript *transcript)
{
    if (transcript->last == H1_BODY)
        h1_transcript_add(transcript, SLICE("\n"));
    h1_transcript_add(transcript, SLICE("END"));
    h1_transcript_fields(transcript, h1_reader_trailers(transcript->reader));
    h1_reader_restart(transcript->reader);
}

/* False: no more input may follow. */
static inline bool h1_transcript_event(struct h1_transcript *transcript, enum h1_event event,
                                       struct slice body)
{
    bool goes_on = true;

    if (event == H1_HEAD)
        goes_on = h1_transcript_head(transcript);
    if (event == H1_BODY)
        h1_transcript_body(transcript, body);
    if (event == H1_END)
        h1_transcript_end(transcript);
    if (event == H1_FAULT) {
        h1_transcript_fault(transcript, h1_reader_fault(transcript->reader));
        goes_on = false;
    }
    if (event != H1_NEED_MORE)
        transcript->last = event;
    return goes_on;
}

static inline bool h1_transcript_feed(struct h1_transcript *transcript, struct slice piece)
{
    enum h1_event event;
    struct slice body;

    do {
        event = h1_reader_next(transcript->reader, &piece, &body);
        if (!h1_transcript_event(transcript, event, body))
            return false;
    } while (event != H1_NEED_MORE);
    return true;
}

/* The first piece has `first` bytes, each that follows `step`. The caller clears the buffer. */
static inline struct buffer h1_transcript_of(enum h1_role role, struct slice bytes, size_t first,
                                             size_t step)
{
    struct h1_transcript transcript = {.role = role, .last = H1_NEED_MORE};
    bool goes_on = true;

    transcript.reader = h1_reader_new(role);
    if (transcript.reader == NULL)
        abort();
    buffer_init(&transcript.text, H1_TRANSCRIPT_MAX);
    for (size_t len = first; bytes.len > 0 && goes_on; len = step) {
        goes_on = h1_transcript_feed(&transcript, slice_take(bytes, len));
        bytes = slice_skip(bytes, len);
    }
    if (goes_on)
        h1_transcript_event(&transcript, h1_reader_finish(transcript.reader), SLICE_NONE);
    h1_reader_free(transcript.reader);
    return transcript.text;
}
