/* SPDX-License-Identifier: Apache-2.0 */
/* Random names. Never uses another source than the system's. */

#include "store/identifier.h"

#include <sodium.h>
#include <stdio.h>

struct slice identifier_uuid(char text[IDENTIFIER_SIZE])
{
    uint8_t b[16];
    randombytes_buf(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4, RFC 9562 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); /* its variant */

    snprintf(text, IDENTIFIER_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return slice_of(text, IDENTIFIER_UUID_LEN);
}

struct slice identifier_short(const char *prefix, char text[IDENTIFIER_SIZE])
{
    uint8_t bytes[8];
    randombytes_buf(bytes, sizeof bytes);

    size_t prefix_len = IDENTIFIER_SHORT_LEN - 2 * sizeof bytes;
    memcpy(text, prefix, prefix_len);
    sodium_bin2hex(text + prefix_len, IDENTIFIER_SIZE - prefix_len, bytes, sizeof bytes);
    return slice_of(text, IDENTIFIER_SHORT_LEN);
}

struct slice identifier_proxy_token(char text[IDENTIFIER_SIZE])
{
    uint8_t bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2base64(text, IDENTIFIER_SIZE, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return slice_of(text, IDENTIFIER_PROXY_TOKEN_LEN);
}
