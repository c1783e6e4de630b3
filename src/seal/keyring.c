/* SPDX-License-Identifier: Apache-2.0 */
/* The secret keys, and what they open. Never lets a key or an opened value out of guarded memory:
 * a box is decrypted into a slab and read where it lies. */
#include "seal/box_encoding.h"

#include <sodium.h>
#include <stdlib.h>

enum {
    BASE64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING,
    LIST_KEY_ID = 1, /* of crypto_kdf: the first key derived from a sealing key */
    GUARDED_SIZE = crypto_box_SECRETKEYBYTES + crypto_kdf_KEYBYTES,
};

#define LIST_KEY_CONTEXT "SGHOSTS1" /* crypto_kdf_CONTEXTBYTES */

struct ring_key {
    struct seal_public_key public_key;
    uint8_t *guarded; /* sodium_malloc: the secret key, then the key for lists */
};

struct keyring {
    size_t count;
    struct ring_key keys[KEYRING_KEYS_MAX]; /* newest first */
};

struct opened_box {
    struct secret_slab *slab;
    struct secret value;
    struct seal_binding binding; /* points into the slab and into `items` */
    struct slice items[BOX_ENCODING_ITEMS_MAX];
};

static uint8_t *list_key_of(const struct ring_key *key)
{
    return key->guarded + crypto_box_SECRETKEYBYTES;
}

struct keyring *keyring_new(void)
{
    return sodium_init() < 0 ? NULL : calloc(1, sizeof(struct keyring));
}

void keyring_free(struct keyring *ring)
{
    if (ring == NULL)
        return;
    for (size_t i = 0; i < ring->count; i++)
        sodium_free(ring->keys[i].guarded);
    free(ring);
}

size_t keyring_count(const struct keyring *ring)
{
    return ring->count;
}

const struct seal_public_key *keyring_public(const struct keyring *ring, size_t index)
{
    return &ring->keys[index].public_key;
}

/* The index, or the count when there is none. */
static size_t find_key(const struct keyring *ring, struct slice key_id)
{
    size_t i = 0;

    while (i < ring->count && !slice_equals(slice_from_string(ring->keys[i].public_key.id), key_id))
        i++;
    return i;
}

static enum error derive(struct ring_key *key)
{
    uint8_t public_bytes[SEAL_PUBLIC_KEY_SIZE];

    if (crypto_scalarmult_base(public_bytes, key->guarded) != 0 ||
        crypto_kdf_derive_from_key(list_key_of(key), crypto_kdf_KEYBYTES, LIST_KEY_ID,
                                   LIST_KEY_CONTEXT, key->guarded) != 0)
        return ERR_CRYPTO;
    seal_public_key_from_bytes(public_bytes, &key->public_key);
    return OK;
}

static enum error insert_key(struct keyring *ring, struct ring_key *key)
{
    TRY(derive(key));
    if (find_key(ring, slice_from_string(key->public_key.id)) < ring->count)
        return ERR_EXISTS;
    sodium_mprotect_readonly(key->guarded);
    memmove(ring->keys + 1, ring->keys, ring->count * sizeof(*ring->keys));
    ring->keys[0] = *key;
    ring->count++;
    return OK;
}

enum error keyring_add(struct keyring *ring, const uint8_t secret[32])
{
    struct ring_key key = {0};

    if (ring->count == KEYRING_KEYS_MAX)
        return ERR_TOO_LARGE;
    key.guarded = sodium_malloc(GUARDED_SIZE);
    if (key.guarded == NULL)
        return ERR_NO_MEMORY;
    memcpy(key.guarded, secret, crypto_box_SECRETKEYBYTES);

    enum error error = insert_key(ring, &key);
    if (error != OK)
        sodium_free(key.guarded);
    return error;
}

enum error keyring_generate(struct keyring *ring, uint8_t *out_secret)
{
    uint8_t secret[crypto_box_SECRETKEYBYTES];

    randombytes_buf(secret, sizeof(secret));
    enum error error = keyring_add(ring, secret);
    if (error == OK && out_secret != NULL)
        memcpy(out_secret, secret, sizeof(secret));
    sodium_memzero(secret, sizeof(secret));
    return error;
}

void keyring_retire(struct keyring *ring, const char *key_id)
{
    size_t at = find_key(ring, slice_from_string(key_id));

    if (at == 0 || at >= ring->count)
        return;
    sodium_free(ring->keys[at].guarded);
    ring->count--;
    memmove(ring->keys + at, ring->keys + at + 1, (ring->count - at) * sizeof(*ring->keys));
}

/* Into the slab at once: the plaintext exists nowhere else. */
static enum error decrypt(const struct ring_key *key, struct slice box, struct opened_box *out,
                          struct secret *plain)
{
    size_t len = box.len - crypto_box_SEALBYTES;
    char *room;

    out->slab = secret_slab_new(len);
    if (out->slab == NULL)
        return ERR_NO_MEMORY;
    TRY(secret_slab_reserve(out->slab, len, &room, plain));
    if (crypto_box_seal_open((uint8_t *)room, (const uint8_t *)box.data, box.len,
                             key->public_key.bytes, key->guarded) != 0)
        return ERR_BOX_KEY;
    return OK;
}

static enum error open_box(const struct ring_key *key, struct slice box, struct opened_box **out)
{
    OWNED_STRUCT(opened_box) *opened = calloc(1, sizeof(*opened));
    struct secret plain;
    struct slice value;

    if (opened == NULL)
        return ERR_NO_MEMORY;
    TRY(decrypt(key, box, opened, &plain));
    TRY(box_encoding_read(secret_reveal(&plain), opened->items, &opened->binding, &value));
    opened->value = secret_part(&plain, value);
    *out = TAKE(opened);
    return OK;
}

enum error keyring_open(const struct keyring *ring, struct slice sealed, struct opened_box **out)
{
    OWNED_STRUCT(buffer) *box = &(struct buffer){.limit = SEAL_TEXT_MAX};
    struct slice key_id, base64;
    size_t box_len;
    char *room;

    TRY(box_encoding_split_text(sealed, &key_id, &base64));
    size_t at = find_key(ring, key_id);
    if (at >= ring->count)
        return ERR_BOX_KEY;

    TRY(buffer_reserve(box, base64.len, &room));
    if (sodium_base642bin((uint8_t *)room, base64.len, base64.data, base64.len, NULL, &box_len,
                          NULL, BASE64) != 0 ||
        box_len < crypto_box_SEALBYTES)
        return ERR_BOX_FORM;
    buffer_commit(box, box_len);
    return open_box(&ring->keys[at], buffer_view(box), out);
}

void opened_box_free(struct opened_box *box)
{
    if (box == NULL)
        return;
    secret_slab_free(box->slab);
    free(box);
}

const struct seal_binding *opened_box_binding(const struct opened_box *box)
{
    return &box->binding;
}

struct secret opened_box_value(const struct opened_box *box)
{
    return box->value;
}

enum error opened_box_expect(const struct opened_box *box, struct slice org, struct slice store,
                             struct slice name)
{
    const struct seal_binding *binding = &box->binding;

    return slice_equals(binding->org, org) && slice_equals(binding->store, store) &&
                   slice_equals(binding->name, name)
               ? OK
               : ERR_BOX_PLACE;
}

enum error keyring_reseal(const struct keyring *ring, const struct opened_box *box,
                          const struct seal_binding *binding, struct buffer *out)
{
    if (ring->count == 0)
        return ERR_NOT_FOUND;
    return seal_value(keyring_public(ring, 0), binding, secret_reveal(&box->value), out);
}

void keyring_store_sign(const struct keyring *ring, const struct seal_store *store,
                        uint8_t mac[SEAL_MAC_SIZE])
{
    memset(mac, 0, SEAL_MAC_SIZE);
    if (ring->count > 0)
        seal_store_mac(list_key_of(&ring->keys[0]), store, mac);
}

bool keyring_store_verify(const struct keyring *ring, const struct seal_store *store,
                          const uint8_t mac[SEAL_MAC_SIZE])
{
    uint8_t expected[SEAL_MAC_SIZE];
    bool verified = false;

    for (size_t i = 0; i < ring->count; i++) {
        seal_store_mac(list_key_of(&ring->keys[i]), store, expected);
        verified |= sodium_memcmp(expected, mac, SEAL_MAC_SIZE) == 0;
    }
    return verified;
}
