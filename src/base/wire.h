/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The encoding of everything that crosses processes or is sealed: integers big-endian, byte strings
 * behind a 32-bit length, in a fixed order, no tags, no padding. A writer or reader that fails
 * stays failed, so a sequence is checked once, at its end. */

#include "base/buffer.h"

struct wire_writer {
    struct buffer *out; /* borrowed */
    enum error error;   /* the first failure, or OK */
};

struct wire_reader {
    struct slice rest;
    bool failed;
};

struct wire_writer wire_writer_of(struct buffer *out);
void wire_write_u8(struct wire_writer *writer, uint8_t value);
void wire_write_u16(struct wire_writer *writer, uint16_t value);
void wire_write_u32(struct wire_writer *writer, uint32_t value);
void wire_write_u64(struct wire_writer *writer, uint64_t value);
void wire_write_slice(struct wire_writer *writer, struct slice bytes);
/* Without a length: for fields of a fixed size. */
void wire_write_raw(struct wire_writer *writer, const void *bytes, size_t len);

struct wire_reader wire_reader_of(struct slice bytes);
/* Each returns 0, or an empty slice, once the reader has failed. */
uint8_t wire_read_u8(struct wire_reader *reader);
uint16_t wire_read_u16(struct wire_reader *reader);
uint32_t wire_read_u32(struct wire_reader *reader);
uint64_t wire_read_u64(struct wire_reader *reader);
/* Points into the bytes that the reader was made of. Fails when longer than `limit`. */
struct slice wire_read_slice(struct wire_reader *reader, size_t limit);
void wire_read_raw(struct wire_reader *reader, void *out, size_t len);
/* A 32-bit count of things that take at least `min_size` bytes each: fails when there cannot be
 * that many in what is left, so that a forged count never allocates. */
uint32_t wire_read_count(struct wire_reader *reader, size_t min_size);
/* True when nothing failed and nothing is left over. */
bool wire_reader_done(const struct wire_reader *reader);
