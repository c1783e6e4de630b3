/* SPDX-License-Identifier: Apache-2.0 */
/* Basic credentials, taken apart and put together. Never guesses at malformed base64: it is inert.
 */
#include "inject/basic_credentials.h"

#include <sodium.h>

bool basic_credentials_recognize(struct slice name, struct slice value, struct slice *encoded)
{
    const struct slice scheme = SLICE("Basic ");

    if (!slice_equals_nocase(name, SLICE("authorization")) ||
        !slice_starts_with_nocase(value, scheme))
        return false;
    *encoded = slice_trim(slice_skip(value, scheme.len));
    return true;
}

static bool decode(struct slice encoded, int variant, char *room, size_t capacity, size_t *len)
{
    /* Without `end`, libsodium takes the whole text or refuses. */
    return sodium_base642bin((unsigned char *)room, capacity, encoded.data, encoded.len, NULL, len,
                             NULL, variant) == 0;
}

enum error basic_credentials_decode(struct slice encoded, struct buffer *out)
{
    size_t capacity = encoded.len / 4 * 3 + 3;
    size_t len;
    char *room;

    if (encoded.len == 0)
        return ERR_SYNTAX;
    TRY(buffer_reserve(out, capacity, &room));
    if (!decode(encoded, sodium_base64_VARIANT_ORIGINAL, room, capacity, &len) &&
        !decode(encoded, sodium_base64_VARIANT_ORIGINAL_NO_PADDING, room, capacity, &len)) {
        sodium_memzero(room, capacity);
        return ERR_SYNTAX;
    }
    buffer_commit(out, len);
    return OK;
}

enum error basic_credentials_encode(struct slice credentials, struct buffer *out)
{
    const int variant = sodium_base64_VARIANT_ORIGINAL;
    const struct slice scheme = SLICE("Basic ");
    size_t encoded_len = sodium_base64_ENCODED_LEN(credentials.len, variant); /* with a NUL */
    char *room;

    TRY(buffer_reserve(out, scheme.len + encoded_len, &room));
    memcpy(room, scheme.data, scheme.len);
    sodium_bin2base64(room + scheme.len, encoded_len, (const unsigned char *)credentials.data,
                      credentials.len, variant);
    buffer_commit(out, scheme.len + encoded_len - 1);
    return OK;
}
