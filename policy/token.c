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

/* sodium_hex2bin() takes upper case too: what does not print back is refused. */
enum error token_parse(struct slice text, struct token *out)
{
    struct token token;
    char printed[TOKEN_TEXT_LEN];
    size_t len = 0;

    if (text.len != TOKEN_TEXT_LEN || !slice_starts_with(text, SLICE(TOKEN_PREFIX)))
        return ERR_SYNTAX;
    if (sodium_hex2bin(token.bytes, TOKEN_SIZE, text.data + TOKEN_PREFIX_LEN, HEX_LEN, NULL, &len,
                       NULL) != 0 ||
        len != TOKEN_SIZE)
        return ERR_SYNTAX;
    token_format(&token, printed);
    if (memcmp(printed, text.data, TOKEN_TEXT_LEN) != 0)
        return ERR_SYNTAX;
    *out = token;
    return OK;
}

struct token token_random(void)
{
    struct token token;

    randombytes_buf(token.bytes, TOKEN_SIZE);
    return token;
}
