/* SPDX-License-Identifier: Apache-2.0 */
/* Integers and byte strings in a fixed order. Never reads past what it was given. */
#include "base/wire.h"

struct wire_writer wire_writer_of(struct buffer *out)
{
    return (struct wire_writer){.out = out, .error = OK};
}

void wire_write_raw(struct wire_writer *writer, const void *bytes, size_t len)
{
    if (writer->error == OK)
        writer->error = buffer_append(writer->out, slice_of(bytes, len));
}

static void write_big_endian(struct wire_writer *writer, uint64_t value, size_t size)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    wire_write_raw(writer, bytes, size);
}

void wire_write_u8(struct wire_writer *writer, uint8_t value)
{
    write_big_endian(writer, value, 1);
}

void wire_write_u16(struct wire_writer *writer, uint16_t value)
{
    write_big_endian(writer, value, 2);
}

void wire_write_u32(struct wire_writer *writer, uint32_t value)
{
    write_big_endian(writer, value, 4);
}

void wire_write_u64(struct wire_writer *writer, uint64_t value)
{
    write_big_endian(writer, value, 8);
}

void wire_write_slice(struct wire_writer *writer, struct slice bytes)
{
    if (bytes.len > UINT32_MAX) {
        writer->error = writer->error != OK ? writer->error : ERR_TOO_LARGE;
        return;
    }
    wire_write_u32(writer, (uint32_t)bytes.len);
    wire_write_raw(writer, bytes.data, bytes.len);
}

struct wire_reader wire_reader_of(struct slice bytes)
{
    return (struct wire_reader){.rest = bytes, .failed = false};
}

static struct slice read_bytes(struct wire_reader *reader, size_t len)
{
    if (reader->failed || len > reader->rest.len) {
        reader->failed = true;
        return SLICE_NONE;
    }
    struct slice bytes = slice_take(reader->rest, len);
    reader->rest = slice_skip(reader->rest, len);
    return bytes;
}

static uint64_t read_big_endian(struct wire_reader *reader, size_t size)
{
    struct slice bytes = read_bytes(reader, size);
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (uint8_t)bytes.data[i];
    return value;
}

uint8_t wire_read_u8(struct wire_reader *reader)
{
    return (uint8_t)read_big_endian(reader, 1);
}

uint16_t wire_read_u16(struct wire_reader *reader)
{
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t wire_read_u32(struct wire_reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t wire_read_u64(struct wire_reader *reader)
{
    return read_big_endian(reader, 8);
}

struct slice wire_read_slice(struct wire_reader *reader, size_t limit)
{
    uint32_t len = wire_read_u32(reader);

    if (len > limit)
        reader->failed = true;
    return read_bytes(reader, len);
}

void wire_read_raw(struct wire_reader *reader, void *out, size_t len)
{
    struct slice bytes = read_bytes(reader, len);

    memset(out, 0, len);
    if (bytes.len > 0)
        memcpy(out, bytes.data, bytes.len);
}

uint32_t wire_read_count(struct wire_reader *reader, size_t min_size)
{
    uint32_t count = wire_read_u32(reader);

    if (reader->failed || count > reader->rest.len / min_size) {
        reader->failed = true;
        return 0;
    }
    return count;
}

bool wire_reader_done(const struct wire_reader *reader)
{
    return !reader->failed && reader->rest.len == 0;
}
