/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a WebSocket, found in a stream. Never changes or holds back a byte. */
#include "http/websocket_frames.h"

enum { FIXED_LEN = 2, MASKED = 0x80, LENGTH_BITS = 0x7f, LENGTH_16 = 126, LENGTH_64 = 127 };
enum { MASK_KEY_LEN = 4 };

static size_t length_size(uint8_t length)
{
    if (length == LENGTH_64)
        return 8;
    return length == LENGTH_16 ? 2 : 0;
}

/* How long the head is, as far as what has come of it tells. */
static size_t head_size(const struct websocket_frames *frames)
{
    if (frames->head_len < FIXED_LEN)
        return FIXED_LEN;
    size_t key = (frames->head[1] & MASKED) != 0 ? MASK_KEY_LEN : 0;
    return FIXED_LEN + length_size(frames->head[1] & LENGTH_BITS) + key;
}

static uint64_t payload_length(const struct websocket_frames *frames)
{
    uint8_t length = frames->head[1] & LENGTH_BITS;
    uint64_t extended = 0;

    for (size_t i = 0; i < length_size(length); i++)
        extended = extended << 8 | frames->head[FIXED_LEN + i];
    return length_size(length) > 0 ? extended : length;
}

static enum websocket_piece take_payload(struct websocket_frames *frames, struct slice *input,
                                         struct slice *piece)
{
    size_t len = input->len < frames->payload_left ? input->len : (size_t)frames->payload_left;

    *piece = slice_take(*input, len);
    *input = slice_skip(*input, len);
    frames->payload_left -= len;
    return frames->payload_left > 0 ? WEBSOCKET_PAYLOAD : WEBSOCKET_LAST_PIECE;
}

enum websocket_piece websocket_frames_next(struct websocket_frames *frames, struct slice *input,
                                           struct slice *piece)
{
    size_t taken = 0;

    if (frames->payload_left > 0)
        return take_payload(frames, input, piece);
    while (taken < input->len && frames->head_len < head_size(frames))
        frames->head[frames->head_len++] = (uint8_t)input->data[taken++];
    if (frames->head_len == head_size(frames)) {
        frames->payload_left = payload_length(frames);
        frames->head_len = 0;
    }
    *piece = slice_take(*input, taken);
    *input = slice_skip(*input, taken);
    return WEBSOCKET_HEAD;
}
