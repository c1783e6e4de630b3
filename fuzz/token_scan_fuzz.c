/* SPDX-License-Identifier: Apache-2.0 */
/* Every place where the prefix stands is seen, in order, and is whole exactly when 32 lower-case
 * hex digits and nothing of a word surround it. */
#include "inject/token_scan.h"

#include <ctype.h>
#include <stdlib.h>

static void must(bool claim)
{
    if (!claim)
        abort();
}

static bool is_word_at(struct slice text, size_t at)
{
    unsigned char c = at < text.len ? (unsigned char)text.data[at] : '.';

    return c < 0x80 && (isalnum(c) || c == '_');
}

static bool is_whole_at(struct slice text, size_t at)
{
    size_t digits = at + TOKEN_PREFIX_LEN, end = at;

    for (end = digits; end < text.len && end < digits + 32; end++)
        if (strchr("0123456789abcdef", text.data[end]) == NULL || text.data[end] == '\0')
            return false;
    return end == digits + 32 && !is_word_at(text, end) && (at == 0 || !is_word_at(text, at - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct token_scan scan = token_scan_of(text);
    struct token_sighting sighting;
    size_t from = 0;

    must(token_scan_finds(text) == (slice_find_slice(text, SLICE(TOKEN_PREFIX)) < size));
    while (token_scan_next(&scan, &sighting)) {
        char spelled[TOKEN_TEXT_LEN];
        must(sighting.at == from + slice_find_slice(slice_skip(text, from), SLICE(TOKEN_PREFIX)));
        must(sighting.is_whole == is_whole_at(text, sighting.at));
        if (sighting.is_whole) {
            token_format(&sighting.token, spelled);
            must(memcmp(spelled, text.data + sighting.at, TOKEN_TEXT_LEN) == 0);
        }
        from = sighting.at + TOKEN_PREFIX_LEN;
    }
    must(slice_find_slice(slice_skip(text, from), SLICE(TOKEN_PREFIX)) ==
         slice_skip(text, from).len);
    return 0;
}
