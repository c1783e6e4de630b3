/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a token, and back. Never accepts a second spelling of one. */
#include "policy/token.h"

#include <sodium.h>

enum { HEX_LEN = TOKEN_TEXT_LEN - TOKEN_PREFIX_LEN };

void token_format(const struct token *token, char *text)
{
    char hex[HEX_LEN + 1];

    sodium_bin2hex(hex, sizeof(hex), token->bytes, TOKEN_SIZE);
    memcpy(text, TOKEN_PREFIX, TOKEN_PREFIX_LEN);
    memcpy(text + TOKEN_PREFIX_LEN, hex, HEX_LEN);
}

/* -1: none of the digits that a token is written with. */
static int hex_value(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Not by sodium_hex2bin(), which takes upper case too, and whose constant time costs as much as the
 * rest of the search for tokens: what a sandbox sent is no secret. */
enum error token_parse(struct slice text, struct token *out)
{
    struct token token;

    if (text.len != TOKEN_TEXT_LEN || !slice_starts_with(text, SLICE(TOKEN_PREFIX)))
        return ERR_SYNTAX;
    const char *digits = text.data + TOKEN_PREFIX_LEN;
    for (size_t i = 0; i < TOKEN_SIZE; i++) {
        int high = hex_value(digits[2 * i]), low = hex_value(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        token.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = token;
    return OK;
}

struct token token_random(void)
{
    struct token token;

    randombytes_buf(token.bytes, TOKEN_SIZE);
    return token;
}
