/* SPDX-License-Identifier: Apache-2.0 */
/* The MAC of a sandbox. Never covers two sandboxes with the same bytes: every part has its length
 * before it. */
#include "process/keyholder/sandbox_mac.h"

#include <sodium.h>

static void hash_part(crypto_generichash_state *state, struct slice part)
{
    const uint64_t len = part.len;
    uint8_t prefix[sizeof(len)];

    for (size_t i = 0; i < sizeof(prefix); i++)
        prefix[i] = (uint8_t)(len >> (8 * i));
    crypto_generichash_update(state, prefix, sizeof(prefix));
    crypto_generichash_update(state, (const unsigned char *)part.data, part.len);
}

void sandbox_mac_make(const uint8_t key[SANDBOX_MAC_KEY_SIZE], const struct view *view,
                      uint8_t mac[VIEW_MAC_SIZE])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, key, SANDBOX_MAC_KEY_SIZE, VIEW_MAC_SIZE);
    hash_part(&state, SLICE("sandbox, version 1"));
    hash_part(&state, view->org_id);
    hash_part(&state, view->sandbox_id);
    hash_part(&state, slice_of(view->proxy_token_hash, VIEW_HASH_SIZE));
    hash_part(&state, slice_of(view->source.bytes, view->source.len));
    for (size_t i = 0; i < view->layer_count; i++)
        hash_part(&state, view->layers[i].store_id);
    crypto_generichash_final(&state, mac, VIEW_MAC_SIZE);
    sodium_memzero(&state, sizeof(state));
}

bool sandbox_mac_is_good(const uint8_t key[SANDBOX_MAC_KEY_SIZE], const struct view *view)
{
    uint8_t mac[VIEW_MAC_SIZE];

    sandbox_mac_make(key, view, mac);
    return sodium_memcmp(mac, view->sandbox_mac, sizeof(mac)) == 0;
}
