/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket handshake as a proxy sees it. Never opens a tunnel on the client's word alone. */
#include "proxy/exchange_websocket.h"

#include <openssl/sha.h>
#include <sodium.h>

enum { KEY_SIZE = 16 };

static enum error add_random_key(struct http_head *head)
{
    unsigned char key[KEY_SIZE];
    char text[sodium_base64_ENCODED_LEN(KEY_SIZE, sodium_base64_VARIANT_ORIGINAL)];

    randombytes_buf(key, sizeof(key));
    sodium_bin2base64(text, sizeof(text), key, sizeof(key), sodium_base64_VARIANT_ORIGINAL);
    return http_head_add(head, SLICE("Sec-WebSocket-Key"), slice_from_string(text));
}

/* base64(SHA-1(key . GUID)), RFC 6455, 4.2.2. */
static void expected_accept(struct slice key, char *out)
{
    static const struct slice guid = SLICE_INIT("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    unsigned char text[64 + 36], digest[SHA_DIGEST_LENGTH];
    struct slice part = slice_take(key, 64);

    memcpy(text, part.data, part.len);
    memcpy(text + part.len, guid.data, guid.len);
    SHA1(text, part.len + guid.len, digest);
    sodium_bin2base64(out, EXCHANGE_WEBSOCKET_ACCEPT_SIZE, digest, sizeof(digest),
                      sodium_base64_VARIANT_ORIGINAL);
}

enum error exchange_websocket_prepare(struct exchange *exchange, struct http_head *head)
{
    const struct http_field *key = http_head_find(head, SLICE("sec-websocket-key"));

    if (key == NULL) {
        TRY(add_random_key(head));
        key = http_head_find(head, SLICE("sec-websocket-key"));
    }
    expected_accept(key->value, exchange->websocket_accept);
    return OK;
}

bool exchange_websocket_accepts(const struct exchange *exchange, const struct http_head *head)
{
    const struct http_field *accept = http_head_find(head, SLICE("sec-websocket-accept"));

    bool has_extension = http_head_find(head, SLICE("sec-websocket-extensions")) != NULL;

    /* One that was not offered, or not by us because frames could not be read then. */
    if (has_extension && exchange->values != NULL && inject_values_redact(exchange->values))
        return false;
    return accept != NULL && http_head_count(head, SLICE("sec-websocket-accept")) == 1 &&
           http_head_lists(head, SLICE("upgrade"), SLICE("websocket")) &&
           http_head_lists(head, SLICE("connection"), SLICE("upgrade")) &&
           slice_equals(accept->value, slice_from_string(exchange->websocket_accept));
}
