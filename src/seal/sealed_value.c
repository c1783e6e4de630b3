/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing with the public key alone. Never leaves a readable copy of the value behind. */
#include "seal/box_encoding.h"

#include <sodium.h>

enum {
    BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
    KEY_ID_BYTES = SEAL_KEY_ID_LEN / 2,
    /* What makes a text of SEAL_TEXT_MAX, so that whatever is sealed can be opened. */
    BOX_MAX = (SEAL_TEXT_MAX - BOX_ENCODING_PREFIX_LEN) / 4 * 3,
    PLAIN_MAX = BOX_MAX - crypto_box_SEALBYTES,
};

void seal_public_key_from_bytes(const uint8_t *bytes, struct seal_public_key *out)
{
    uint8_t digest[crypto_generichash_BYTES];

    memcpy(out->bytes, bytes, SEAL_PUBLIC_KEY_SIZE);
    crypto_generichash(digest, sizeof(digest), out->bytes, sizeof(out->bytes), NULL, 0);
    sodium_bin2hex(out->id, sizeof(out->id), digest, KEY_ID_BYTES);
}

static enum error append_text(const struct seal_public_key *key, struct slice box,
                              struct buffer *out)
{
    size_t base64_size = sodium_base64_encoded_len(box.len, BASE64); /* with a NUL */
    char *room;

    TRY(buffer_reserve(out, BOX_ENCODING_PREFIX_LEN + base64_size, &room));
    memcpy(room, SEAL_FORMAT ".", sizeof(SEAL_FORMAT));
    memcpy(room + sizeof(SEAL_FORMAT), key->id, SEAL_KEY_ID_LEN);
    room[BOX_ENCODING_PREFIX_LEN - 1] = '.';
    sodium_bin2base64(room + BOX_ENCODING_PREFIX_LEN, base64_size, (const uint8_t *)box.data,
                      box.len, BASE64);
    buffer_commit(out, BOX_ENCODING_PREFIX_LEN + base64_size - 1);
    return OK;
}

static enum error seal_plain(const struct seal_public_key *key, struct slice plain,
                             struct buffer *out)
{
    OWNED_STRUCT(buffer) *box = &(struct buffer){.limit = BOX_MAX};
    char *room;

    TRY(buffer_reserve(box, plain.len + crypto_box_SEALBYTES, &room));
    if (crypto_box_seal((uint8_t *)room, (const uint8_t *)plain.data, plain.len, key->bytes) != 0)
        return ERR_CRYPTO;
    buffer_commit(box, plain.len + crypto_box_SEALBYTES);
    return append_text(key, buffer_view(box), out);
}

enum error seal_value(const struct seal_public_key *key, const struct seal_binding *binding,
                      struct slice value, struct buffer *out)
{
    OWNED_STRUCT(buffer) *plain = &(struct buffer){.limit = PLAIN_MAX};

    if (sodium_init() < 0)
        return ERR_CRYPTO;
    TRY(box_encoding_check_value(value));
    TRY(box_encoding_write(binding, value, plain));
    return seal_plain(key, buffer_view(plain), out);
}

enum error seal_key_id_of(struct slice sealed, char *out_key_id)
{
    struct slice key_id, base64;

    TRY(box_encoding_split_text(sealed, &key_id, &base64));
    memcpy(out_key_id, key_id.data, SEAL_KEY_ID_LEN);
    out_key_id[SEAL_KEY_ID_LEN] = '\0';
    return OK;
}
