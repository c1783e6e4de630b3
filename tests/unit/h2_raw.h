/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Frames written by hand, also such as no library would write. */

#include "base/buffer.h"

#include <stdlib.h>

enum {
    RAW_DATA,
    RAW_HEADERS,
    RAW_PRIORITY,
    RAW_RST_STREAM,
    RAW_SETTINGS,
    RAW_PUSH_PROMISE,
    RAW_PING,
    RAW_GOAWAY,
    RAW_WINDOW_UPDATE,
    RAW_CONTINUATION,
    RAW_FRAME_HEADER_LEN = 9,
    RAW_END_STREAM = 1,
    RAW_ACK = 1,
    RAW_END_HEADERS = 4,
    RAW_PADDED = 8,
};

#define RAW_PREFACE SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")

static inline void raw_bytes(struct buffer *out, struct slice bytes)
{
    if (buffer_append(out, bytes) != OK)
        abort();
}

static inline void raw_number(struct buffer *out, uint32_t number, int len)
{
    while (len-- > 0)
        if (buffer_append_byte(out, (char)(number >> (8 * len))) != OK)
            abort();
}

static inline void raw_frame(struct buffer *out, int type, int flags, uint32_t stream,
                             struct slice payload)
{
    raw_number(out, (uint32_t)payload.len, 3);
    raw_number(out, (uint32_t)type, 1);
    raw_number(out, (uint32_t)flags, 1);
    raw_number(out, stream, 4);
    raw_bytes(out, payload);
}

/* RFC 7541, 5.1, with a prefix of 7 bits. */
static inline void raw_length(struct buffer *out, size_t len)
{
    if (len < 127) {
        raw_number(out, (uint32_t)len, 1);
        return;
    }
    raw_number(out, 127, 1);
    for (len -= 127; len >= 128; len /= 128)
        raw_number(out, (uint32_t)(len % 128 + 128), 1);
    raw_number(out, (uint32_t)len, 1);
}

/* A literal that is not indexed; nothing of it is checked. */
static inline void raw_field(struct buffer *out, struct slice name, struct slice value)
{
    raw_number(out, 0, 1);
    raw_length(out, name.len);
    raw_bytes(out, name);
    raw_length(out, value.len);
    raw_bytes(out, value);
}

/* Lines of "name=value"; a pseudo-field keeps its colon. */
static inline void raw_fields(struct buffer *out, struct slice lines)
{
    while (lines.len > 0) {
        struct slice value = slice_split(&lines, '\n');
        struct slice name = slice_split(&value, '=');
        raw_field(out, name, value);
    }
}

/* A whole header block in one frame. */
static inline void raw_headers(struct buffer *out, uint32_t stream, int flags, struct slice lines)
{
    OWNED_STRUCT(buffer) *block = &(struct buffer){.limit = 1 << 20};

    raw_fields(block, lines);
    raw_frame(out, RAW_HEADERS, flags | RAW_END_HEADERS, stream, buffer_view(block));
}

#define RAW_GET SLICE(":method=GET\n:scheme=https\n:authority=a.example\n:path=/")

/* The next frame off the front; false when there is no whole one. */
static inline bool raw_next_frame(struct slice *wire, int *type, struct slice *payload)
{
    const unsigned char *header = (const unsigned char *)wire->data;

    if (wire->len < RAW_FRAME_HEADER_LEN)
        return false;
    size_t len = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
    if (wire->len - RAW_FRAME_HEADER_LEN < len)
        return false;
    *type = header[3];
    *payload = slice_take(slice_skip(*wire, RAW_FRAME_HEADER_LEN), len);
    *wire = slice_skip(*wire, RAW_FRAME_HEADER_LEN + len);
    return true;
}

/* The error code of the last frame of that type; -1 when there is none. */
static inline int64_t raw_find_code(struct slice wire, int wanted)
{
    size_t at = wanted == RAW_GOAWAY ? 4 : 0;
    struct slice payload;
    int64_t code = -1;
    int type;

    if (slice_starts_with(wire, RAW_PREFACE))
        wire = slice_skip(wire, RAW_PREFACE.len);
    while (raw_next_frame(&wire, &type, &payload))
        if (type == wanted && payload.len >= at + 4)
            code = (int64_t)((const unsigned char *)payload.data)[at + 3];
    return code;
}
