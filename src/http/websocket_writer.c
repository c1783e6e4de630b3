/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the frames of a WebSocket. Never uses a masking key twice. */
#include "http/websocket_writer.h"

#include <sodium.h>

enum { FINAL = 0x80, MASKED = 0x80, LENGTH_16 = 126, LENGTH_64 = 127, HEAD_MAX = 14 };
enum { STATUS_LEN = 2 };

static size_t put_big_endian(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return size;
}

/* Behind the first byte. Returns how long the head is now. */
static size_t put_length(uint8_t *head, uint64_t length)
{
    if (length < LENGTH_16) {
        head[1] = (uint8_t)length;
        return 2;
    }
    head[1] = length <= UINT16_MAX ? LENGTH_16 : LENGTH_64;
    return 2 + put_big_endian(head + 2, length, length <= UINT16_MAX ? 2 : 8);
}

static enum error append_masked(struct buffer *out, struct slice payload, const uint8_t *key)
{
    char *room;

    TRY(buffer_reserve(out, payload.len, &room));
    for (size_t i = 0; i < payload.len; i++)
        room[i] = (char)(payload.data[i] ^ key[i % WEBSOCKET_KEY_LEN]);
    buffer_commit(out, payload.len);
    return OK;
}

static enum error write_frame(enum websocket_role role, uint8_t first, struct slice payload,
                              struct buffer *out)
{
    uint8_t head[HEAD_MAX] = {first}, *key;
    size_t len = put_length(head, payload.len);

    if (role == WEBSOCKET_FROM_SERVER) {
        TRY(buffer_append(out, slice_of(head, len)));
        return buffer_append(out, payload);
    }
    key = head + len;
    head[1] |= MASKED;
    randombytes_buf(key, WEBSOCKET_KEY_LEN);
    TRY(buffer_append(out, slice_of(head, len + WEBSOCKET_KEY_LEN)));
    return append_masked(out, payload, key);
}

enum error websocket_writer_data(struct websocket_writer *writer, enum websocket_opcode kind,
                                 bool is_last, struct slice payload, struct buffer *out)
{
    enum websocket_opcode opcode = writer->in_message ? WEBSOCKET_CONTINUATION : kind;

    TRY(write_frame(writer->role, (uint8_t)((is_last ? FINAL : 0) | opcode), payload, out));
    writer->in_message = !is_last;
    return OK;
}

enum error websocket_writer_control(const struct websocket_writer *writer,
                                    enum websocket_opcode opcode, struct slice payload,
                                    struct buffer *out)
{
    if (payload.len > WEBSOCKET_CONTROL_MAX)
        return ERR_TOO_LARGE;
    return write_frame(writer->role, (uint8_t)(FINAL | opcode), payload, out);
}

enum error websocket_writer_close(const struct websocket_writer *writer, uint16_t status,
                                  struct slice reason, struct buffer *out)
{
    uint8_t payload[WEBSOCKET_CONTROL_MAX];
    struct slice text = slice_take(reason, sizeof(payload) - STATUS_LEN);

    put_big_endian(payload, status, STATUS_LEN);
    memcpy(payload + STATUS_LEN, text.data, text.len);
    return websocket_writer_control(writer, WEBSOCKET_CLOSE,
                                    slice_of(payload, STATUS_LEN + text.len), out);
}
