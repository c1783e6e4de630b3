/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which token stands for which name, inside store/ only. All of it runs in a transaction of the
 * caller's, and leaves every sandbox with one token for each name that its layers have and none for
 * any other. */

#include "store/arena.h"

struct store;

/* After the layers of a sandbox were set: drops tokens of names that they do not have, makes those
 * that are missing. */
MUST_USE enum error token_map_sync(struct store *store, uint64_t sandbox_seq);
/* After a name came into a store: a token in each sandbox bound to it that has none for the name.
 */
MUST_USE enum error token_map_add(struct store *store, struct slice store_id, struct slice name);
/* After a name went from a store: kills its tokens in each sandbox and checkpoint where no other
 * layer has it. */
MUST_USE enum error token_map_kill(struct store *store, struct slice store_id, struct slice name);
/* Copies the sandbox's tokens to a new checkpoint. */
MUST_USE enum error token_map_save(struct store *store, uint64_t sandbox_seq,
                                   struct slice checkpoint_id);
/* Replaces the sandbox's tokens with the checkpoint's; token_map_sync() must follow. */
MUST_USE enum error token_map_restore(struct store *store, uint64_t sandbox_seq,
                                      struct slice checkpoint_id);
