/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings out of hostile bytes. Never lets a byte through that could end the string or the
 * line. */
#include "observe/json_text.h"

enum { REPLACEMENT = 0xFFFD, LINE_SEPARATOR = 0x2028, PARAGRAPH_SEPARATOR = 0x2029 };

/* What a lead byte promises (RFC 3629): length, bits of its own, smallest code point. */
struct lead {
    uint8_t mask, pattern, len;
    uint32_t smallest;
};

static const struct lead leads[] = {
    {0x80, 0x00, 1, 0}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

static const struct lead *lead_of(uint8_t byte)
{
    for (size_t i = 0; i < ARRAY_LEN(leads); i++)
        if ((byte & leads[i].mask) == leads[i].pattern)
            return &leads[i];
    return NULL;
}

static bool is_continuation(char byte)
{
    return ((uint8_t)byte & 0xC0) == 0x80;
}

/* The length of the valid character at the start of `bytes`, which is not empty; 0 when there is
 * none. */
static size_t decode(struct slice bytes, uint32_t *out)
{
    const struct lead *lead = lead_of((uint8_t)bytes.data[0]);

    if (lead == NULL || lead->len > bytes.len)
        return 0;
    uint32_t code = (uint8_t)bytes.data[0] & (uint8_t)~lead->mask;
    for (size_t i = 1; i < lead->len; i++) {
        if (!is_continuation(bytes.data[i]))
            return 0;
        code = code << 6 | ((uint8_t)bytes.data[i] & 0x3F);
    }
    if (code < lead->smallest || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    *out = code;
    return lead->len;
}

static bool needs_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == '"' || code == '\\' ||
           code == LINE_SEPARATOR || code == PARAGRAPH_SEPARATOR;
}

static enum error append_escape(struct buffer *out, uint32_t code)
{
    if (code == '"' || code == '\\') {
        TRY(buffer_append_byte(out, '\\'));
        return buffer_append_byte(out, (char)code);
    }
    return buffer_append_format(out, "\\u%04x", (unsigned)code);
}

/* Nearly everything is ASCII that stays what it is: seen without decoding. */
static size_t plain_ascii_len(struct slice bytes)
{
    size_t at = 0;

    while (at < bytes.len && bytes.data[at] >= ' ' && bytes.data[at] < 0x7F &&
           bytes.data[at] != '"' && bytes.data[at] != '\\')
        at++;
    return at;
}

/* The length of the start of `bytes` that needs nothing done. */
static size_t plain_len(struct slice bytes)
{
    size_t at = plain_ascii_len(bytes), len;
    uint32_t code;

    while (at < bytes.len && (len = decode(slice_skip(bytes, at), &code)) > 0 &&
           !needs_escape(code)) {
        at += len;
        at += plain_ascii_len(slice_skip(bytes, at));
    }
    return at;
}

static enum error append_quoted(struct buffer *out, struct slice plain)
{
    char *at;

    TRY(buffer_reserve(out, plain.len + 2, &at));
    *at++ = '"';
    if (plain.len > 0)
        memcpy(at, plain.data, plain.len);
    at[plain.len] = '"';
    buffer_commit(out, plain.len + 2);
    return OK;
}

enum error json_text_append(struct buffer *out, struct slice bytes)
{
    if (plain_ascii_len(bytes) == bytes.len)
        return append_quoted(out, bytes);

    TRY(buffer_append_byte(out, '"'));
    while (bytes.len > 0) {
        size_t plain = plain_len(bytes);

        TRY(buffer_append(out, slice_take(bytes, plain)));
        bytes = slice_skip(bytes, plain);
        if (bytes.len == 0)
            break;
        uint32_t code = REPLACEMENT;
        size_t len = decode(bytes, &code);
        TRY(append_escape(out, code));
        bytes = slice_skip(bytes, len > 0 ? len : 1);
    }
    return buffer_append_byte(out, '"');
}

struct slice json_text_cut(struct slice bytes, size_t max)
{
    size_t len = max;

    if (bytes.len <= max)
        return bytes;
    while (len > 0 && max - len < 3 && is_continuation(bytes.data[len]))
        len--;
    return slice_take(bytes, is_continuation(bytes.data[len]) ? max : len);
}
