/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Frames to write and to read back, for the tests and fuzz targets of the WebSocket rewriter. */

#include "inject/websocket_rewriter.h"
#include "inject_fixture.h"

/* The messages of a stream of frames, as text: "T<hello>" a text message, "B" binary, "C" Close,
 * "P" ping, "O" pong, each where it ends; "T<..." one that is not complete; "!" a fault. */
static inline void websocket_transcribe(enum websocket_role role, struct slice stream,
                                        struct buffer *out)
{
    static const char letters[] = {[WEBSOCKET_TEXT] = 'T',
                                   [WEBSOCKET_BINARY] = 'B',
                                   [WEBSOCKET_CLOSE] = 'C',
                                   [WEBSOCKET_PING] = 'P',
                                   [WEBSOCKET_PONG] = 'O'};
    OWNED_STRUCT(buffer) *data = &(struct buffer){.limit = SIZE_MAX / 4};
    OWNED_STRUCT(buffer) *control = &(struct buffer){.limit = WEBSOCKET_CONTROL_MAX};
    struct websocket_reader reader;

    websocket_reader_init(&reader, role);
    for (;;) {
        struct slice piece;
        enum websocket_event event = websocket_reader_next(&reader, &stream, &piece);
        struct buffer *payload = websocket_is_control(reader.opcode) ? control : data;

        if (event == WEBSOCKET_PAYLOAD)
            fixture_must(buffer_append(payload, piece));
        if (event == WEBSOCKET_FAULT)
            fixture_must(buffer_append_byte(out, '!'));
        if (event == WEBSOCKET_FAULT || event == WEBSOCKET_NEED_MORE)
            break;
        if (event != WEBSOCKET_FRAME_END || !reader.is_last)
            continue;
        fixture_must(buffer_append_byte(out, letters[reader.opcode]));
        fixture_must(buffer_append_byte(out, '<'));
        fixture_must(buffer_append(out, buffer_view(payload)));
        fixture_must(buffer_append_byte(out, '>'));
        buffer_reset(payload);
    }
    if (reader.message != WEBSOCKET_CONTINUATION) {
        fixture_must(buffer_append_byte(out, letters[reader.message]));
        fixture_must(buffer_append_byte(out, '<'));
        fixture_must(buffer_append(out, buffer_view(data)));
    }
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
