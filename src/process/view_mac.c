/* SPDX-License-Identifier: Apache-2.0 */
/* The MAC of a view. Never decodes a view that does not carry a good one. */
#include "process/view_mac.h"

#include <sodium.h>

void view_mac_sign(const struct view_mac_key *key, struct slice encoded,
                   uint8_t mac[MESSAGE_KEY_SIZE])
{
    crypto_generichash(mac, MESSAGE_KEY_SIZE, (const unsigned char *)encoded.data, encoded.len,
                       key->bytes, sizeof(key->bytes));
}

enum error view_mac_open(const struct view_mac_key *key, const struct message_present_view *message,
                         struct view **out)
{
    uint8_t mac[MESSAGE_KEY_SIZE];

    view_mac_sign(key, message->view, mac);
    if (sodium_memcmp(mac, message->mac, sizeof(mac)) != 0)
        return ERR_FORBIDDEN;
    return view_decode(message->view, out);
}
