/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What authenticates a view toward keyholder and dialer: keyed BLAKE2b over its encoding, under a
 * key that the supervisor makes at each start and workers never see. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"
#include "policy/view.h"
#include "process/messages.h"

struct view_mac_key {
    uint8_t bytes[MESSAGE_KEY_SIZE];
};

void view_mac_sign(const struct view_mac_key *key, struct slice encoded,
                   uint8_t mac[MESSAGE_KEY_SIZE]);
/* ERR_FORBIDDEN unless control made the MAC; then decodes. One reference, the caller's. */
MUST_USE enum error view_mac_open(const struct view_mac_key *key,
                                  const struct message_present_view *message, struct view **out);
