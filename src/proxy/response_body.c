/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding and redaction of a response body as a stream. Never holds more than its steps need. */
#include "proxy/response_body.h"

/* The longest head of a coded stream is that of zstd. */
enum { CODED_HEAD_MAX = 18 };
enum { DECODED_MAX = RESPONSE_BODY_STEP, CODED_MAX = 256 * 1024, WHOLE_LIMIT = 1024 * 1024 };

/* CODING_UNKNOWN: also more than one that is to be undone. */
static enum coding_kind coding_and(enum coding_kind kind, struct slice element)
{
    enum coding_kind next = element.len == 0 ? CODING_IDENTITY : coding_parse(element);

    if (next == CODING_IDENTITY)
        return kind;
    return kind == CODING_IDENTITY ? next : CODING_UNKNOWN;
}

/* Of all lines of Content-Encoding; empty elements say nothing (RFC 9110, 5.6.1). */
static enum coding_kind coding_of(const struct http_head *head)
{
    enum coding_kind kind = CODING_IDENTITY;

    for (size_t i = 0; i < head->field_count; i++) {
        struct slice value = head->fields[i].value;
        if (!http_name_equals(head->fields[i].name, SLICE("content-encoding")))
            continue;
        while (value.len > 0)
            kind = coding_and(kind, slice_trim(slice_split(&value, ',')));
    }
    return kind;
}

static enum error start_decoder(struct response_body *body, struct http_head *head)
{
    enum coding_kind kind = coding_of(head);

    if (kind == CODING_UNKNOWN)
        return ERR_UNSUPPORTED;
    if (kind == CODING_IDENTITY)
        return OK;
    TRY(coding_decoder_new(kind, &body->decoder));
    http_head_remove(head, SLICE("content-encoding"));
    return OK;
}

/* Of gRPC: messages that are compressed one by one are not looked into. */
static bool has_coded_messages(const struct http_head *head)
{
    const struct http_field *field = http_head_find(head, SLICE("grpc-encoding"));

    return field != NULL && !slice_equals_nocase(field->value, SLICE("identity"));
}

/* Lengths stand between the parts of the body: what hides a value must be as long as it is. */
static bool has_inner_lengths(const struct http_head *head)
{
    const struct http_field *field = http_head_find(head, SLICE("content-type"));

    return field != NULL && slice_starts_with_nocase(field->value, SLICE("application/grpc"));
}

/* A length survives only where nothing changes it. */
static void plan_filtering(struct response_body *body, struct http_framing upstream)
{
    bool keeps_length = upstream.kind == HTTP_BODY_LENGTH && body->decoder == NULL;

    body->mode = RESPONSE_BODY_FILTERED;
    body->framing = (struct http_framing){.kind = HTTP_BODY_CHUNKED};
    if (!keeps_length)
        return;
    body->framing = upstream;
    if (upstream.length <= RESPONSE_BODY_WHOLE_MAX)
        body->mode = RESPONSE_BODY_WHOLE;
}

static void start(struct response_body *body, struct http_framing upstream)
{
    *body = (struct response_body){.mode = RESPONSE_BODY_DIRECT, .framing = upstream};
    buffer_init(&body->coded, CODED_MAX);
    buffer_init(&body->decoded, DECODED_MAX);
    buffer_init(&body->whole, WHOLE_LIMIT);
    if (upstream.kind == HTTP_BODY_UNTIL_CLOSE)
        body->framing.kind = HTTP_BODY_CHUNKED;
}

static void avoid_chunks(struct response_body *body, bool is_http10_client)
{
    if (is_http10_client && body->framing.kind == HTTP_BODY_CHUNKED)
        body->framing.kind = HTTP_BODY_UNTIL_CLOSE;
}

enum error response_body_plan(struct response_body *body, struct inject_values *values,
                              struct http_head *head, struct http_framing upstream,
                              bool is_http10_client)
{
    start(body, upstream);
    if (upstream.kind != HTTP_BODY_NONE && inject_values_redact(values)) {
        if (has_coded_messages(head))
            return ERR_UNSUPPORTED;
        TRY(start_decoder(body, head));
        plan_filtering(body, upstream);
        bool keeps_length = has_inner_lengths(head) || (body->mode == RESPONSE_BODY_FILTERED &&
                                                        body->framing.kind == HTTP_BODY_LENGTH);
        TRY(redactor_new(values, keeps_length, &body->redactor));
    }
    avoid_chunks(body, is_http10_client);
    return OK;
}

enum error response_body_plan_frames(struct response_body *body, struct inject_values *values)
{
    body->mode = RESPONSE_BODY_FRAMES;
    return websocket_rewriter_new_hiding(values, &body->frames);
}

void response_body_pass(struct response_body *body, struct http_framing upstream,
                        bool is_http10_client)
{
    start(body, upstream);
    avoid_chunks(body, is_http10_client);
}

void response_body_clear(struct response_body *body)
{
    coding_decoder_free(body->decoder);
    redactor_free(body->redactor);
    websocket_rewriter_free(body->frames);
    body->frames = NULL;
    body->decoder = NULL;
    body->redactor = NULL;
    buffer_clear(&body->coded);
    buffer_clear(&body->decoded);
    buffer_clear(&body->whole);
}

static struct buffer *destination(struct response_body *body, struct buffer *out)
{
    return body->mode == RESPONSE_BODY_WHOLE ? &body->whole : out;
}

/* One step of the decoder: what comes out goes through the redactor. */
static enum error decode_step(struct response_body *body, struct slice *input, struct buffer *out)
{
    enum error error = coding_decode(body->decoder, input, &body->decoded);

    body->has_more = error == ERR_AGAIN || input->len > 0;
    if (error != OK && error != ERR_AGAIN)
        return error;
    error = redactor_feed(body->redactor, buffer_view(&body->decoded), out);
    buffer_reset(&body->decoded);
    return error;
}

static enum error push_coded(struct response_body *body, struct slice piece, struct buffer *out)
{
    body->coded_seen += piece.len;
    if (buffer_len(&body->coded) == 0) {
        TRY(decode_step(body, &piece, out));
        return buffer_append(&body->coded, piece);
    }
    TRY(buffer_append(&body->coded, piece));
    struct slice held = buffer_view(&body->coded), rest = held;
    TRY(decode_step(body, &rest, out));
    buffer_consume(&body->coded, held.len - rest.len);
    return OK;
}

bool response_body_may_begin(const struct response_body *body)
{
    if (body->mode == RESPONSE_BODY_WHOLE)
        return false;
    return body->decoder == NULL || body->coded_seen >= CODED_HEAD_MAX;
}

static enum error push_frames(struct response_body *body, struct slice input, struct buffer *out)
{
    TRY(websocket_rewriter_push(body->frames, input, out));
    body->has_more = websocket_rewriter_has_more(body->frames);
    return OK;
}

enum error response_body_push(struct response_body *body, struct slice piece, struct buffer *out)
{
    if (body->mode == RESPONSE_BODY_DIRECT)
        return buffer_append(out, piece);
    if (body->mode == RESPONSE_BODY_FRAMES)
        return push_frames(body, piece, out);
    if (body->decoder != NULL)
        return push_coded(body, piece, out);
    return redactor_feed(body->redactor, piece, destination(body, out));
}

enum error response_body_end(struct response_body *body, struct buffer *out)
{
    if (body->mode == RESPONSE_BODY_DIRECT || body->mode == RESPONSE_BODY_FRAMES)
        return OK; /* what a message that broke off holds back is lost with it */
    if (body->decoder != NULL)
        TRY(coding_decoder_finish(body->decoder));
    TRY(redactor_finish(body->redactor, destination(body, out)));
    if (body->mode == RESPONSE_BODY_WHOLE) {
        body->framing.length = buffer_len(&body->whole);
        return buffer_append(out, buffer_view(&body->whole));
    }
    return OK;
}

size_t response_body_hits(const struct response_body *body)
{
    size_t hits = body->redactor != NULL ? redactor_hits(body->redactor) : 0;

    return hits + websocket_rewriter_hidden(body->frames);
}
