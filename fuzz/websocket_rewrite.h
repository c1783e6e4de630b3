/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What both directions of a WebSocket are held to: however the stream is cut, what is written reads
 * back in order, as the same messages, except for what a model says about each; and what is not in
 * order becomes a Close. Input: the step of the cuts, then 'r' and a stream as it is, or frames: a
 * first byte and a payload up to a line's end, in which bytes 1 to 8 stand for tokens, values, and
 * halves of them. */

#include "tests/unit/websocket_fixture.h"

#define WEBSOCKET_VALUE "sk-live-0123456789"
#define WEBSOCKET_TOKEN "osb_sealed_11111111111111111111111111111111"
#define WEBSOCKET_OTHER "osb_sealed_22222222222222222222222222222222"

enum { WEBSOCKET_INPUT_LIMIT = 4096 };

/* Makes of a message, given whole, what it has to become. */
typedef void websocket_model(struct inject_values *values, enum websocket_opcode opcode,
                             struct slice payload, struct buffer *out);
typedef struct websocket_rewriter *websocket_maker(struct inject_values *values);

static inline void websocket_must(bool claim)
{
    if (!claim)
        abort();
}

static inline struct inject_values *websocket_values(void)
{
    static const struct fixture_secret secrets[] = {
        {.name = "A_KEY", .value = WEBSOCKET_VALUE, .place = "websocket"},
        {.name = "B_HEADER", .value = "for a header"},
    };
    static struct inject_values *values;

    if (values == NULL)
        values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    return values;
}

static inline struct slice websocket_planted(const char *byte)
{
    static const struct slice planted[] = {
        [1] = SLICE_INIT(WEBSOCKET_TOKEN),
        [2] = SLICE_INIT(WEBSOCKET_VALUE),
        [3] = SLICE_INIT(WEBSOCKET_OTHER),
        [4] = SLICE_INIT("osb_sealed_111111"),
        [5] = SLICE_INIT("11111111111111111111111111"),
        [6] = SLICE_INIT("sk-live-01"),
        [7] = SLICE_INIT("23456789"),
        [8] = SLICE_INIT("c2stbGl2ZS0wMTIzNDU2Nzg5"),
    };
    size_t index = (unsigned char)*byte;

    return index > 0 && index < ARRAY_LEN(planted) ? planted[index] : slice_of(byte, 1);
}

static inline void websocket_plant(struct slice line, struct buffer *out)
{
    for (size_t i = 0; i < line.len; i++)
        fixture_must(buffer_append(out, websocket_planted(&line.data[i])));
}

/* The writer has no say in the first byte: it may be as wrong as the input wants it. */
static inline void websocket_build(enum websocket_role role, struct slice lines, struct buffer *out)
{
    while (lines.len > 0) {
        OWNED_STRUCT(buffer) *payload = &(struct buffer){.limit = SIZE_MAX / 4};
        OWNED_STRUCT(buffer) *frame = &(struct buffer){.limit = SIZE_MAX / 4};
        struct websocket_writer writer = {.role = role};
        struct slice line = slice_split(&lines, '\n');

        websocket_plant(slice_skip(line, 1), payload);
        fixture_must(
            websocket_writer_data(&writer, WEBSOCKET_TEXT, true, buffer_view(payload), frame));
        fixture_must(buffer_append_byte(out, line.len > 0 ? line.data[0] : '\x81'));
        fixture_must(buffer_append(out, slice_skip(buffer_view(frame), 1)));
    }
}

static inline void websocket_expect(enum websocket_role role, struct slice stream,
                                    websocket_model *model, struct buffer *out)
{
    struct websocket_messages messages;

    websocket_messages_init(&messages, role, stream);
    while (websocket_messages_next(&messages)) {
        OWNED_STRUCT(buffer) *changed = &(struct buffer){.limit = SIZE_MAX / 4};
        model(websocket_values(), messages.opcode, messages.payload, changed);
        websocket_put(messages.opcode, buffer_view(changed), out);
    }
    if (messages.has_fault && !messages.reader.is_closed)
        websocket_put(WEBSOCKET_CLOSE, SLICE("\x03\xeano"), out);
    websocket_messages_clear(&messages);
}

static inline void websocket_check(enum websocket_role role, struct slice stream, size_t step,
                                   websocket_maker *make, struct slice expected)
{
    OWNED_STRUCT(websocket_rewriter) *rewriter = make(websocket_values());
    OWNED_STRUCT(buffer) *written = &(struct buffer){.limit = SIZE_MAX / 4};
    OWNED_STRUCT(buffer) *seen = &(struct buffer){.limit = SIZE_MAX / 4};
    struct websocket_messages messages;

    websocket_rewrite(rewriter, stream, step, written);
    websocket_messages_init(&messages, role, buffer_view(written));
    while (websocket_messages_next(&messages))
        websocket_put(messages.opcode, messages.payload, seen);
    websocket_must(!messages.has_fault && !messages.reader.in_frame);
    websocket_must(slice_equals(buffer_view(seen), expected));
    websocket_messages_clear(&messages);
}

static inline void websocket_fuzz(enum websocket_role role, struct slice input,
                                  websocket_maker *make, websocket_model *model)
{
    OWNED_STRUCT(buffer) *stream = &(struct buffer){.limit = SIZE_MAX / 4};
    OWNED_STRUCT(buffer) *expected = &(struct buffer){.limit = SIZE_MAX / 4};

    input = slice_take(input, WEBSOCKET_INPUT_LIMIT);
    if (input.len < 2)
        return;
    if (input.data[1] == 'r')
        fixture_must(buffer_append(stream, slice_skip(input, 2)));
    else
        websocket_build(role, slice_skip(input, 1), stream);
    websocket_expect(role, buffer_view(stream), model, expected);
    size_t step = (unsigned char)input.data[0] % 60u + 1;
    websocket_check(role, buffer_view(stream), SIZE_MAX, make, buffer_view(expected));
    websocket_check(role, buffer_view(stream), step, make, buffer_view(expected));
}
