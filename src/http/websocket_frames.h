/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the frames of a WebSocket lie in a stream of bytes (RFC 6455, 5.2). Bytes in, pieces out;
 * judges nothing: who reads the frames does. */

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct websocket_frames {
    uint64_t payload_left; /* of the frame that is under way */
    uint8_t head[14];      /* what has come of the next frame's head */
    uint8_t head_len;
};

enum websocket_piece {
    WEBSOCKET_HEAD,       /* a head, or a part of one, or a frame without payload */
    WEBSOCKET_PAYLOAD,    /* payload, with more of it to come */
    WEBSOCKET_LAST_PIECE, /* payload, to the end of its frame */
};

/* All zero is the beginning. Takes one piece off a non-empty input. */
enum websocket_piece websocket_frames_next(struct websocket_frames *frames, struct slice *input,
                                           struct slice *piece);
