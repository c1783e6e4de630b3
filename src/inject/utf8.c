/* SPDX-License-Identifier: Apache-2.0 */
/* Reads UTF-8. Never takes two spellings for one character. */
#include "inject/utf8.h"

/* How many bytes the sequence with this first byte has; 0: none begins so. */
static size_t sequence_len(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

size_t utf8_decode(struct slice text, uint32_t *point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = sequence_len((unsigned char)text.data[0]);

    if (len == 0 || len > text.len)
        return 0;
    *point = (unsigned char)text.data[0] & (len == 1 ? 0x7fu : 0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        unsigned char next = (unsigned char)text.data[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        *point = *point << 6 | (next & 0x3f);
    }
    bool is_surrogate = *point >= 0xd800 && *point <= 0xdfff;
    return *point < smallest[len] || *point > 0x10ffff || is_surrogate ? 0 : len;
}

bool utf8_is_valid(struct slice text)
{
    uint32_t point;

    while (text.len > 0) {
        size_t len = utf8_decode(text, &point);
        if (len == 0)
            return false;
        text = slice_skip(text, len);
    }
    return true;
}
