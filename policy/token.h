/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a sandbox sees instead of a value: "osb_sealed_" and 32 lower-case hex digits. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

#define TOKEN_PREFIX "osb_sealed_"
enum { TOKEN_SIZE = 16, TOKEN_PREFIX_LEN = 11, TOKEN_TEXT_LEN = TOKEN_PREFIX_LEN + 32 };

struct token {
    uint8_t bytes[TOKEN_SIZE];
};

/* Exactly one whole token. ERR_SYNTAX. */
MUST_USE enum error token_parse(struct slice text, struct token *out);
/* Writes TOKEN_TEXT_LEN bytes, no NUL. */
void token_format(const struct token *token, char *text);
/* From the system's random source. */
struct token token_random(void);
