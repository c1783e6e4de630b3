/* SPDX-License-Identifier: Apache-2.0 */
/* One message at a time out of a stream of bytes. Never consumes a byte that belongs to the next.
 */
#include "http/h1_reader.h"

#include "http/h1_chunked.h"
#include "http/h1_head.h"
#include "http/h1_scan.h"

#include <stdlib.h>

enum phase {
    PHASE_IDLE,
    PHASE_HEAD,
    PHASE_FRAMING, /* the head was handed out, its framing is awaited */
    PHASE_LENGTH,
    PHASE_CHUNKED,
    PHASE_UNTIL_CLOSE,
    PHASE_END,
    PHASE_FAULT,
};

/* Only while a message is there, so that an idle connection holds none. */
struct message {
    struct http_head head, trailers;
};

struct h1_reader {
    enum h1_role role;
    enum phase phase;
    struct message *message; /* NULL when idle */
    struct h1_scan scan;
    struct h1_chunked chunked;
    uint64_t body_left; /* PHASE_LENGTH */
    struct http_fault fault;
};

/* Messages come and go with each request: a few wait, wiped, for the next. Not shared by threads,
 * so none is kept until h1_reader_keep_spares(). */
enum { SPARE_MAX = 16 };
static struct message *spares[SPARE_MAX];
static size_t spare_count, spare_max;

void h1_reader_keep_spares(void)
{
    spare_max = SPARE_MAX;
}

static struct message *message_new(void)
{
    if (spare_count > 0)
        return spares[--spare_count];

    /* Not zeroed: http_head_init() sets what has a meaning. */
    struct message *message = malloc(sizeof(*message));
    if (message == NULL)
        return NULL;
    http_head_init(&message->head);
    http_head_init(&message->trailers);
    return message;
}

static void message_free(struct message *message)
{
    if (message == NULL)
        return;
    http_head_reset(&message->head);
    http_head_reset(&message->trailers);
    if (spare_count < spare_max) {
        spares[spare_count++] = message;
        return;
    }
    http_head_clear(&message->head);
    http_head_clear(&message->trailers);
    free(message);
}

struct h1_reader *h1_reader_new(enum h1_role role)
{
    struct h1_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        return NULL;
    reader->role = role;
    h1_scan_init_head(&reader->scan);
    return reader;
}

void h1_reader_restart(struct h1_reader *reader)
{
    message_free(reader->message);
    *reader = (struct h1_reader){.role = reader->role};
    h1_scan_init_head(&reader->scan);
}

void h1_reader_free(struct h1_reader *reader)
{
    if (reader == NULL)
        return;
    h1_reader_restart(reader);
    free(reader);
}

/* Whatever is wrong with a response, the answer to the client is 502. */
static enum h1_event fail(struct h1_reader *reader, struct http_fault fault)
{
    if (reader->role == H1_RESPONSES)
        fault.status = 502;
    reader->fault = fault;
    reader->phase = PHASE_FAULT;
    return H1_FAULT;
}

static bool start_message(struct h1_reader *reader)
{
    reader->message = message_new();
    if (reader->message == NULL)
        return false;
    reader->phase = PHASE_HEAD;
    return true;
}

static enum h1_event on_head_complete(struct h1_reader *reader)
{
    struct http_fault fault =
        h1_head_parse(&reader->message->head, reader->role, reader->scan.field_count);

    if (fault.status != 0)
        return fail(reader, fault);
    reader->phase = PHASE_FRAMING;
    return H1_HEAD;
}

static enum h1_event read_head(struct h1_reader *reader, struct slice *input)
{
    size_t len = h1_scan_feed(&reader->scan, *input);

    if (reader->scan.state == H1_SCAN_FAULT)
        return fail(reader, reader->scan.fault);
    if (buffer_append(&reader->message->head.storage, slice_take(*input, len)) != OK)
        return fail(reader, (struct http_fault){500, "out of memory"});
    *input = slice_skip(*input, len);
    return reader->scan.state == H1_SCAN_DONE ? on_head_complete(reader) : H1_NEED_MORE;
}

static enum h1_event read_first_byte(struct h1_reader *reader, struct slice *input)
{
    if (input->len == 0)
        return H1_NEED_MORE;
    if (!start_message(reader))
        return fail(reader, (struct http_fault){500, "out of memory"});
    return read_head(reader, input);
}

static enum h1_event end(struct h1_reader *reader)
{
    reader->phase = PHASE_END;
    return H1_END;
}

static enum h1_event read_until_close(struct slice *input, struct slice *body)
{
    if (input->len == 0)
        return H1_NEED_MORE;
    *body = *input;
    *input = SLICE_NONE;
    return H1_BODY;
}

static enum h1_event read_length(struct h1_reader *reader, struct slice *input, struct slice *body)
{
    if (reader->body_left == 0)
        return end(reader);
    if (input->len == 0)
        return H1_NEED_MORE;
    *body = input->len < reader->body_left ? *input : slice_take(*input, (size_t)reader->body_left);
    *input = slice_skip(*input, body->len);
    reader->body_left -= body->len;
    return H1_BODY;
}

static enum h1_event read_chunked(struct h1_reader *reader, struct slice *input, struct slice *body)
{
    h1_chunked_next(&reader->chunked, input, body);
    if (body->len > 0)
        return H1_BODY;
    if (reader->chunked.state == H1_CHUNKED_FAULT)
        return fail(reader, reader->chunked.fault);
    return reader->chunked.state == H1_CHUNKED_END ? end(reader) : H1_NEED_MORE;
}

enum h1_event h1_reader_next(struct h1_reader *reader, struct slice *input, struct slice *body)
{
    *body = SLICE_NONE;
    switch (reader->phase) {
    case PHASE_IDLE:
        return read_first_byte(reader, input);
    case PHASE_HEAD:
        return read_head(reader, input);
    case PHASE_FRAMING:
        return fail(reader, (struct http_fault){500, "the framing of the message was not set"});
    case PHASE_LENGTH:
        return read_length(reader, input, body);
    case PHASE_CHUNKED:
        return read_chunked(reader, input, body);
    case PHASE_UNTIL_CLOSE:
        return read_until_close(input, body);
    case PHASE_END:
        return H1_END;
    case PHASE_FAULT:
        break;
    }
    return H1_FAULT;
}

struct http_head *h1_reader_head(struct h1_reader *reader)
{
    return reader->message != NULL ? &reader->message->head : NULL;
}

struct http_head *h1_reader_trailers(struct h1_reader *reader)
{
    return reader->message != NULL ? &reader->message->trailers : NULL;
}

void h1_reader_set_framing(struct h1_reader *reader, struct http_framing framing)
{
    if (reader->phase != PHASE_FRAMING)
        return;
    reader->body_left = framing.kind == HTTP_BODY_LENGTH ? framing.length : 0;
    reader->phase = PHASE_LENGTH;
    if (framing.kind == HTTP_BODY_UNTIL_CLOSE)
        reader->phase = PHASE_UNTIL_CLOSE;
    if (framing.kind == HTTP_BODY_CHUNKED) {
        reader->phase = PHASE_CHUNKED;
        h1_chunked_init(&reader->chunked, &reader->message->trailers);
    }
}

struct http_fault h1_reader_fault(const struct h1_reader *reader)
{
    return reader->fault;
}

enum h1_event h1_reader_finish(struct h1_reader *reader)
{
    bool at_end = reader->phase == PHASE_UNTIL_CLOSE ||
                  (reader->phase == PHASE_LENGTH && reader->body_left == 0);

    if (reader->phase == PHASE_IDLE)
        return H1_NEED_MORE;
    if (reader->phase == PHASE_FAULT)
        return H1_FAULT;
    if (at_end || reader->phase == PHASE_END)
        return end(reader);
    return fail(reader, (struct http_fault){400, "the connection closed before the message ended"});
}

size_t h1_reader_memory(const struct h1_reader *reader)
{
    size_t memory = sizeof(*reader);

    if (reader->message != NULL)
        memory += sizeof(*reader->message) + reader->message->head.storage.capacity +
                  reader->message->trailers.storage.capacity;
    return memory;
}

/* llhttp built without its strict mode takes the space before the colon. */
bool h1_reader_self_test(void)
{
    struct slice loose = SLICE("GET / HTTP/1.1\r\nX : y\r\n\r\n");
    struct http_head head;

    http_head_init(&head);
    bool strict = buffer_append(&head.storage, loose) == OK &&
                  h1_head_parse(&head, H1_REQUESTS, 1).status == 400;
    http_head_clear(&head);
    return strict;
}
