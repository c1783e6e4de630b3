/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Frames to write and to read back, for the tests and fuzz targets of the WebSocket rewriter. */

#include "inject/websocket_rewriter.h"
#include "inject_fixture.h"

struct websocket_messages {
    struct websocket_reader reader;
    struct slice stream;          /* what is left to read */
    struct buffer data, control;  /* payload; `data` also of a message that is not complete */
    enum websocket_opcode opcode; /* of the message that came last, */
    struct slice payload;         /* ... and what it says; until the next call */
    bool has_fault;
};

static inline void websocket_messages_init(struct websocket_messages *messages,
                                           enum websocket_role role, struct slice stream)
{
    *messages = (struct websocket_messages){.stream = stream};
    websocket_reader_init(&messages->reader, role);
    buffer_init(&messages->data, SIZE_MAX / 4);
    buffer_init(&messages->control, WEBSOCKET_CONTROL_MAX);
}

static inline void websocket_messages_clear(struct websocket_messages *messages)
{
    buffer_clear(&messages->data);
    buffer_clear(&messages->control);
}

/* The next message, or control frame, that is complete. */
static inline bool websocket_messages_next(struct websocket_messages *messages)
{
    const struct websocket_reader *reader = &messages->reader;

    if (messages->payload.len > 0)
        buffer_reset(websocket_is_control(messages->opcode) ? &messages->control : &messages->data);
    messages->payload = SLICE_NONE;
    for (;;) {
        struct slice piece;
        enum websocket_event event =
            websocket_reader_next(&messages->reader, &messages->stream, &piece);
        struct buffer *payload =
            websocket_is_control(reader->opcode) ? &messages->control : &messages->data;

        messages->has_fault = event == WEBSOCKET_FAULT;
        if (event == WEBSOCKET_FAULT || event == WEBSOCKET_NEED_MORE)
            return false;
        if (event == WEBSOCKET_PAYLOAD)
            fixture_must(buffer_append(payload, piece));
        if (event == WEBSOCKET_FRAME_END && reader->is_last) {
            messages->opcode = reader->opcode;
            messages->payload = buffer_view(payload);
            return true;
        }
    }
}

static inline char websocket_letter(enum websocket_opcode opcode)
{
    static const char letters[] = {[WEBSOCKET_TEXT] = 'T',
                                   [WEBSOCKET_BINARY] = 'B',
                                   [WEBSOCKET_CLOSE] = 'C',
                                   [WEBSOCKET_PING] = 'P',
                                   [WEBSOCKET_PONG] = 'O'};

    return letters[opcode];
}

static inline void websocket_put(enum websocket_opcode opcode, struct slice payload,
                                 struct buffer *out)
{
    fixture_must(buffer_append_byte(out, websocket_letter(opcode)));
    fixture_must(buffer_append_byte(out, '<'));
    fixture_must(buffer_append(out, payload));
    fixture_must(buffer_append_byte(out, '>'));
}

/* The messages of a stream of frames, as text: "T<hello>" a text message, "B" binary, "C" Close,
 * "P" ping, "O" pong, each where it ends; "!" a fault; "T<..." a message that is not complete. */
static inline void websocket_transcribe(enum websocket_role role, struct slice stream,
                                        struct buffer *out)
{
    struct websocket_messages messages;

    websocket_messages_init(&messages, role, stream);
    while (websocket_messages_next(&messages))
        websocket_put(messages.opcode, messages.payload, out);
    if (messages.has_fault)
        fixture_must(buffer_append_byte(out, '!'));
    if (messages.reader.message != WEBSOCKET_CONTINUATION) {
        fixture_must(buffer_append_byte(out, websocket_letter(messages.reader.message)));
        fixture_must(buffer_append_byte(out, '<'));
        fixture_must(buffer_append(out, buffer_view(&messages.data)));
    }
    websocket_messages_clear(&messages);
}

/* All that comes out for a stream that arrives in pieces of this size. False: it ended in a fault,
 * and a Close was put there. */
static inline bool websocket_rewrite(struct websocket_rewriter *rewriter, struct slice stream,
                                     size_t size, struct buffer *out)
{
    OWNED_STRUCT(buffer) *step = &(struct buffer){.limit = 512 * 1024};
    enum error error = OK;

    while (error == OK && (stream.len > 0 || websocket_rewriter_has_more(rewriter))) {
        bool waits = websocket_rewriter_has_more(rewriter);
        struct slice piece = waits ? SLICE_NONE : slice_take(stream, size);

        stream = slice_skip(stream, piece.len);
        error = websocket_rewriter_push(rewriter, piece, step);
        fixture_must(error == ERR_SYNTAX ? OK : error);
        fixture_must(buffer_append(out, buffer_view(step)));
        buffer_reset(step);
    }
    if (error == OK)
        return true;
    fixture_must(websocket_rewriter_close(rewriter, 1002, SLICE("no"), out));
    return false;
}
