/* SPDX-License-Identifier: Apache-2.0 */
/* Any input either is no token, or prints back into the same bytes. */
#include "policy/token.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct token token;
    char printed[TOKEN_TEXT_LEN];

    if (token_parse(text, &token) != OK)
        return 0;
    token_format(&token, printed);
    if (!slice_equals(text, slice_of(printed, TOKEN_TEXT_LEN)))
        abort();
    return 0;
}
