/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The frames of a WebSocket, read strictly (RFC 6455, 5). Bytes in, events out, however they are
 * cut. Refused: reserved bits (no extension is negotiated where frames are read) and opcodes, a
 * mask where there must be none and none where there must be one, lengths that are not minimal or
 * over 2^63 - 1, control frames that are long or fragmented, a Close of one byte, a continuation of
 * nothing, a new message inside of another, data after a Close. */

#include "base/slice.h"

enum websocket_role { WEBSOCKET_FROM_CLIENT /* masked */, WEBSOCKET_FROM_SERVER };

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0x0,
    WEBSOCKET_TEXT = 0x1,
    WEBSOCKET_BINARY = 0x2,
    WEBSOCKET_CLOSE = 0x8,
    WEBSOCKET_PING = 0x9,
    WEBSOCKET_PONG = 0xa,
};

enum {
    WEBSOCKET_CONTROL_MAX = 125,
    WEBSOCKET_KEY_LEN = 4,
    WEBSOCKET_PIECE_MAX = 16 * 1024, /* of payload, in one event */
    WEBSOCKET_UNMASKED_MAX = 512,    /* ... of what was masked */
};

enum websocket_event {
    WEBSOCKET_NEED_MORE, /* all of the input was taken */
    WEBSOCKET_PAYLOAD,   /* a piece of the frame that is under way, not empty, without its mask */
    WEBSOCKET_FRAME_END, /* ... which is complete; an empty frame has this event alone */
    WEBSOCKET_FAULT,     /* nothing more can be read */
};

struct websocket_reader {
    enum websocket_role role;
    enum websocket_opcode opcode;  /* of the frame under way; of a continuation its message's */
    bool is_last;                  /* it ends its message */
    enum websocket_opcode message; /* under way; CONTINUATION: none is */
    bool in_frame, is_closed, has_fault;
    uint64_t left; /* payload */
    size_t key_at; /* which byte of the key comes next */
    uint8_t key[WEBSOCKET_KEY_LEN];
    uint8_t head[14]; /* what has come of the next frame's head */
    size_t head_len;
    char unmasked[WEBSOCKET_UNMASKED_MAX]; /* what a piece of a masked frame points into */
};

void websocket_reader_init(struct websocket_reader *reader, enum websocket_role role);
/* Takes one event's bytes off the input. A piece is valid until the next call. */
enum websocket_event websocket_reader_next(struct websocket_reader *reader, struct slice *input,
                                           struct slice *piece);
static inline bool websocket_is_control(enum websocket_opcode opcode)
{
    return ((unsigned)opcode & 0x8u) != 0;
}
