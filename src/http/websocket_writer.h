/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Frames of a WebSocket, written (RFC 6455, 5.2): minimal lengths, no reserved bits; those of a
 * client with a mask of their own each. A message may leave in as many frames as it comes in
 * pieces. */

#include "base/buffer.h"
#include "http/websocket_reader.h"

struct websocket_writer {
    enum websocket_role role; /* as whom we write */
    bool in_message;          /* a frame of it was written, and not the last */
};

/* One more frame of a message of this kind; `is_last` ends it. */
MUST_USE enum error websocket_writer_data(struct websocket_writer *writer,
                                          enum websocket_opcode kind, bool is_last,
                                          struct slice payload, struct buffer *out);
/* A whole control frame. ERR_TOO_LARGE past WEBSOCKET_CONTROL_MAX. */
MUST_USE enum error websocket_writer_control(const struct websocket_writer *writer,
                                             enum websocket_opcode opcode, struct slice payload,
                                             struct buffer *out);
/* A Close with this status (RFC 6455, 7.4) and a reason, which is cut where it is too long. */
MUST_USE enum error websocket_writer_close(const struct websocket_writer *writer, uint16_t status,
                                           struct slice reason, struct buffer *out);
