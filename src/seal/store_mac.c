/* SPDX-License-Identifier: Apache-2.0 */
/* A store as bytes for its MAC. Never gives two stores the same: every list has its count before
 * it, every string its length. Fed piece by piece rather than through a wire_writer, so that
 * signing cannot fail. */
#include "seal/seal.h"

#include <sodium.h>

static void hash_u32(crypto_generichash_state *state, uint32_t number)
{
    const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 8), (uint8_t)number};

    crypto_generichash_update(state, bytes, sizeof(bytes));
}

static void hash_string(crypto_generichash_state *state, struct slice string)
{
    hash_u32(state, (uint32_t)string.len);
    crypto_generichash_update(state, (const uint8_t *)string.data, string.len);
}

static void hash_list(crypto_generichash_state *state, const struct seal_list *list)
{
    hash_u32(state, (uint32_t)list->count);
    for (size_t i = 0; i < list->count; i++)
        hash_string(state, list->items[i]);
}

void seal_store_mac(const uint8_t *key, const struct seal_store *store, uint8_t mac[SEAL_MAC_SIZE])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, key, key == NULL ? 0 : SEAL_MAC_SIZE, SEAL_MAC_SIZE);
    hash_string(&state, SLICE("store, version 2"));
    hash_string(&state, store->org);
    hash_string(&state, store->id);
    hash_list(&state, &store->egress);
    hash_list(&state, &store->passthrough);
    hash_list(&state, &store->private_hosts);
    hash_u32(&state, store->redact_responses);
    crypto_generichash_final(&state, mac, SEAL_MAC_SIZE);
    sodium_memzero(&state, sizeof(state));
}
