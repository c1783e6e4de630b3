/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What binds a sandbox to its stores: keyed BLAKE2b over its id, organization, proxy token
 * (hashed), source address and the ordered ids of its layers, under a key that only the keyholder
 * has. Names, lists and values have authenticators of their own. */

#include "policy/view.h"

enum { SANDBOX_MAC_KEY_SIZE = 32 };

/* Reads just these parts of `view`. */
void sandbox_mac_make(const uint8_t key[SANDBOX_MAC_KEY_SIZE], const struct view *view,
                      uint8_t mac[VIEW_MAC_SIZE]);
/* Whether view->sandbox_mac is that. */
bool sandbox_mac_is_good(const uint8_t key[SANDBOX_MAC_KEY_SIZE], const struct view *view);
