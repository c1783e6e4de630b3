/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sealed values: the only form in which a value is ever at rest. A box is a libsodium sealed box
 * (crypto_box_seal, X25519 + XSalsa20-Poly1305) of an encoding (base/wire.h) that binds the value
 * to its place:
 *
 *   "SGB1" raw, org, store id, name (byte strings), u32 count + inject places (byte strings),
 *   u32 count + allowed host patterns (byte strings), value (byte string)
 *
 * A sealed value, as it travels and is stored, is text: "sealgate.v1." key id "." base64url(box)
 * without padding. The key id is 16 lower-case hex digits: the first 8 bytes of BLAKE2b-256 of the
 * public key. docs/sealed-values.md has the same for who seals elsewhere. */

#include "base/buffer.h"
#include "base/secret.h"

enum {
    SEAL_PUBLIC_KEY_SIZE = 32,
    SEAL_KEY_ID_LEN = 16,
    SEAL_TEXT_MAX = 96 * 1024,
    SEAL_MAC_SIZE = 32,
    SEAL_PLACES_MAX = 16,
    SEAL_HOSTS_MAX = 1000,
    SEAL_STRING_MAX = 512, /* of org, store, name, and each place and host */
    KEYRING_KEYS_MAX = 64,
};

#define SEAL_FORMAT "sealgate.v1"

struct seal_public_key {
    uint8_t bytes[SEAL_PUBLIC_KEY_SIZE];
    char id[SEAL_KEY_ID_LEN + 1];
};

/* What a box says beside the value. Slices are borrowed. */
struct seal_binding {
    struct slice org, store, name;
    const struct slice *places;
    size_t place_count;
    const struct slice *hosts;
    size_t host_count;
};

/* sealed_value.c, public half: may be linked where no key is. */

void seal_public_key_from_bytes(const uint8_t *bytes, struct seal_public_key *out);
/* 0 < value.len <= SECRET_VALUE_MAX, no CR, LF or NUL: ERR_SYNTAX, ERR_TOO_LARGE (also for a
 * binding beyond the limits above). Appends the text form, or nothing. Every buffer in between is
 * wiped. */
MUST_USE enum error seal_value(const struct seal_public_key *key,
                               const struct seal_binding *binding, struct slice value,
                               struct buffer *out);
/* Only looks at the form. ERR_BOX_FORM; `out_key_id` gets SEAL_KEY_ID_LEN bytes and a NUL. */
MUST_USE enum error seal_key_id_of(struct slice sealed, char *out_key_id);

struct seal_list {
    const struct slice *items;
    size_t count;
};

/* What the keyholder vouches for in a secret store. Slices are borrowed. */
struct seal_store {
    struct slice org, id;
    struct seal_list egress, passthrough, private_hosts;
    bool redact_responses;
};

/* store_mac.c: keyed BLAKE2b over all of it, lists in their order. `key` has SEAL_MAC_SIZE bytes;
 * NULL: just a digest. */
void seal_store_mac(const uint8_t *key, const struct seal_store *store, uint8_t mac[SEAL_MAC_SIZE]);

/* keyring.c, secret half: only the keyholder has one. Newest key first. */

struct keyring;
struct opened_box; /* guarded; the value and what the box says */

struct keyring *keyring_new(void); /* NULL when out of memory */
void keyring_free(struct keyring *ring);
DEFINE_OWNED_STRUCT(keyring, keyring_free)
/* Adds a new key pair as the current one; `out_secret` (32 bytes, may be NULL) is for its file and
 * is the caller's to wipe. ERR_TOO_LARGE beyond KEYRING_KEYS_MAX. */
MUST_USE enum error keyring_generate(struct keyring *ring, uint8_t *out_secret);
/* Adds one from its file as the current one. ERR_EXISTS when it is there already. */
MUST_USE enum error keyring_add(struct keyring *ring, const uint8_t secret[32]);
void keyring_retire(struct keyring *ring, const char *key_id); /* no-op when unknown or current */
size_t keyring_count(const struct keyring *ring);
const struct seal_public_key *keyring_public(const struct keyring *ring, size_t index);

/* ERR_BOX_FORM, ERR_BOX_KEY (no such key, or it does not open). What a client sealed itself obeys
 * the rules of seal_value(): ERR_SYNTAX for a value that is empty or has CR, LF or NUL,
 * ERR_TOO_LARGE. */
MUST_USE enum error keyring_open(const struct keyring *ring, struct slice sealed,
                                 struct opened_box **out);
void opened_box_free(struct opened_box *box);
DEFINE_OWNED_STRUCT(opened_box, opened_box_free)
/* Borrowed from the box. */
const struct seal_binding *opened_box_binding(const struct opened_box *box);
struct secret opened_box_value(const struct opened_box *box);
/* ERR_BOX_PLACE unless org, store and name are these. */
MUST_USE enum error opened_box_expect(const struct opened_box *box, struct slice org,
                                      struct slice store, struct slice name);

/* ERR_NOT_FOUND in an empty ring. Seals the same value again with the current key and another
 * binding: for a change of hosts alone, and for rotation. */
MUST_USE enum error keyring_reseal(const struct keyring *ring, const struct opened_box *box,
                                   const struct seal_binding *binding, struct buffer *out);

/* A store's lists that the keyholder will honour. The key is derived from the current sealing key;
 * keyring_store_verify() tries every key in the ring. An empty ring signs nothing: the MAC is all
 * zero, and none verifies. */
void keyring_store_sign(const struct keyring *ring, const struct seal_store *store,
                        uint8_t mac[SEAL_MAC_SIZE]);
bool keyring_store_verify(const struct keyring *ring, const struct seal_store *store,
                          const uint8_t mac[SEAL_MAC_SIZE]);
