/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the frames of a WebSocket. Never gives out a byte of a frame whose head is not in order. */
#include "http/websocket_reader.h"

enum { FIXED_LEN = 2, LENGTH_16 = 126, LENGTH_64 = 127 };
enum { FINAL = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80, LENGTH = 0x7f };

void websocket_reader_init(struct websocket_reader *reader, enum websocket_role role)
{
    *reader = (struct websocket_reader){.role = role};
}

static size_t length_size(uint8_t length)
{
    if (length == LENGTH_64)
        return 8;
    return length == LENGTH_16 ? 2 : 0;
}

/* How long the head is, as far as what has come of it tells. */
static size_t head_size(const struct websocket_reader *reader)
{
    if (reader->head_len < FIXED_LEN)
        return FIXED_LEN;
    size_t key = reader->role == WEBSOCKET_FROM_CLIENT ? WEBSOCKET_KEY_LEN : 0;
    return FIXED_LEN + length_size(reader->head[1] & LENGTH) + key;
}

/* What the first two bytes alone say. */
static bool is_fixed_part_valid(const struct websocket_reader *reader)
{
    enum websocket_opcode opcode = reader->head[0] & OPCODE;
    bool is_masked = (reader->head[1] & MASKED) != 0;
    bool is_final = (reader->head[0] & FINAL) != 0;
    uint8_t length = reader->head[1] & LENGTH;

    if ((reader->head[0] & RESERVED) != 0 || is_masked != (reader->role == WEBSOCKET_FROM_CLIENT))
        return false;
    if (websocket_is_control(opcode))
        return opcode <= WEBSOCKET_PONG && is_final && length <= WEBSOCKET_CONTROL_MAX &&
               !(opcode == WEBSOCKET_CLOSE && length == 1);
    if (reader->is_closed)
        return false;
    if (opcode == WEBSOCKET_CONTINUATION)
        return reader->message != WEBSOCKET_CONTINUATION;
    return opcode <= WEBSOCKET_BINARY && reader->message == WEBSOCKET_CONTINUATION;
}

/* False: longer than it had to be written, or too long for any peer (RFC 6455, 5.2). */
static bool take_length(struct websocket_reader *reader)
{
    static const uint64_t least[] = {[0] = 0, [2] = LENGTH_16, [8] = 1 << 16};
    uint8_t length = reader->head[1] & LENGTH;
    size_t size = length_size(length);
    uint64_t value = size == 0 ? length : 0;

    for (size_t i = 0; i < size; i++)
        value = value << 8 | reader->head[FIXED_LEN + i];
    reader->left = value;
    return value >= least[size] && value <= INT64_MAX;
}

static bool begin_frame(struct websocket_reader *reader)
{
    enum websocket_opcode opcode = reader->head[0] & OPCODE;

    if (!take_length(reader))
        return false;
    reader->is_last = (reader->head[0] & FINAL) != 0;
    reader->opcode = opcode == WEBSOCKET_CONTINUATION ? reader->message : opcode;
    if (!websocket_is_control(opcode))
        reader->message = reader->opcode;
    if (reader->role == WEBSOCKET_FROM_CLIENT)
        memcpy(reader->key, reader->head + reader->head_len - WEBSOCKET_KEY_LEN, WEBSOCKET_KEY_LEN);
    reader->key_at = reader->head_len = 0;
    reader->in_frame = true;
    return true;
}

/* False at the first byte that no valid head has. */
static bool read_head(struct websocket_reader *reader, struct slice *input)
{
    while (input->len > 0 && reader->head_len < head_size(reader)) {
        reader->head[reader->head_len++] = (uint8_t)input->data[0];
        *input = slice_skip(*input, 1);
        if (reader->head_len == FIXED_LEN && !is_fixed_part_valid(reader))
            return false;
    }
    return reader->head_len < head_size(reader) || begin_frame(reader);
}

static enum websocket_event end_frame(struct websocket_reader *reader)
{
    reader->in_frame = false;
    if (reader->opcode == WEBSOCKET_CLOSE)
        reader->is_closed = true;
    else if (reader->is_last && !websocket_is_control(reader->opcode))
        reader->message = WEBSOCKET_CONTINUATION;
    return WEBSOCKET_FRAME_END;
}

static struct slice unmask(struct websocket_reader *reader, struct slice piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        reader->unmasked[i] = (char)(piece.data[i] ^ reader->key[reader->key_at]);
        reader->key_at = (reader->key_at + 1) % WEBSOCKET_KEY_LEN;
    }
    return slice_of(reader->unmasked, piece.len);
}

static enum websocket_event take_payload(struct websocket_reader *reader, struct slice *input,
                                         struct slice *piece)
{
    bool is_masked = reader->role == WEBSOCKET_FROM_CLIENT;
    size_t most = is_masked ? WEBSOCKET_UNMASKED_MAX : WEBSOCKET_PIECE_MAX;

    *piece = slice_take(*input, reader->left < most ? (size_t)reader->left : most);
    *input = slice_skip(*input, piece->len);
    reader->left -= piece->len;
    if (is_masked)
        *piece = unmask(reader, *piece);
    return WEBSOCKET_PAYLOAD;
}

enum websocket_event websocket_reader_next(struct websocket_reader *reader, struct slice *input,
                                           struct slice *piece)
{
    if (!reader->has_fault && !reader->in_frame)
        reader->has_fault = !read_head(reader, input);
    if (reader->has_fault)
        return WEBSOCKET_FAULT;
    if (reader->in_frame && reader->left == 0)
        return end_frame(reader);
    if (input->len == 0)
        return WEBSOCKET_NEED_MORE;
    return take_payload(reader, input, piece);
}
