/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Keys of the control API. Only a hash is kept: a key is high-entropy, so a plain BLAKE2b will do.
 */

#include "store/arena.h"

struct store;

enum {
    API_KEYS_HASH_SIZE = 32,
    API_KEYS_PREFIX_LEN = 12, /* what is kept in the clear, to tell keys apart */
    API_KEYS_TEXT_MIN = 32,
};

struct api_key {
    struct slice id, org_id, name;
    struct slice prefix; /* the first API_KEYS_PREFIX_LEN bytes of the key */
    bool is_admin;
    int64_t created_at_ms;
    int64_t revoked_at_ms; /* 0: live */
};

struct api_key_list {
    struct api_key *items;
    size_t count;
};

struct api_key_new {
    struct slice org_id, name;
    struct slice text; /* the key itself; not kept */
    bool is_admin;
};

void api_keys_hash(struct slice text, uint8_t hash[API_KEYS_HASH_SIZE]);
/* ERR_NOT_FOUND: no such org. ERR_EXISTS: that very key is there. ERR_SYNTAX: shorter than
 * API_KEYS_TEXT_MIN. */
MUST_USE enum error api_keys_create(struct store *store, struct arena *arena,
                                    const struct api_key_new *key, struct api_key *out);
/* Who calls? ERR_NOT_FOUND for an unknown or revoked key. */
MUST_USE enum error api_keys_authenticate(struct store *store, struct arena *arena,
                                          struct slice text, struct api_key *out);
/* Of one org; of all when `org_id` is empty. Revoked ones are listed too. */
MUST_USE enum error api_keys_list(struct store *store, struct arena *arena, struct slice org_id,
                                  struct api_key_list *out);
/* Of one org, or of any when `org_id` is empty. Again is fine. ERR_NOT_FOUND. */
MUST_USE enum error api_keys_revoke(struct store *store, struct slice org_id, struct slice id);
/* Revoked ones count: who revoked the last key did not ask for another. */
MUST_USE enum error api_keys_count(struct store *store, uint64_t *out);
