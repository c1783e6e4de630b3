/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The ordered secret stores of a sandbox, inside store/ only. All of it runs in a transaction of
 * the caller's. */

#include "store/sandboxes.h"

struct layer {
    struct slice store_id;
    bool bound; /* it serves the sandbox; otherwise it was gone when the sandbox was made */
};

struct layer_list {
    struct layer items[SANDBOXES_LAYERS_MAX];
    size_t count;
};

/* The checkpoint's list, as a fork takes it: bound are the stores that are not deleted. */
MUST_USE enum error layers_of_checkpoint(struct store *store, struct arena *arena,
                                         struct slice checkpoint_id, struct layer_list *out);
/* The sandbox's own. */
MUST_USE enum error layers_of_sandbox(struct store *store, struct arena *arena,
                                      uint64_t sandbox_seq, struct layer_list *out);
/* Adds stores, by id or name, at the end, or moves them there. ERR_NOT_FOUND, ERR_TOO_LARGE. */
MUST_USE enum error layers_add(struct store *store, struct arena *arena, struct slice org_id,
                               const struct text_list *ids_or_names, struct layer_list *layers);
/* Gives a new sandbox its list. */
MUST_USE enum error layers_bind(struct store *store, uint64_t sandbox_seq,
                                const struct layer_list *layers);
/* Copies the sandbox's list to a new checkpoint. */
MUST_USE enum error layers_save(struct store *store, uint64_t sandbox_seq,
                                struct slice checkpoint_id);
/* Erases the deleted stores that no sandbox is bound to. */
MUST_USE enum error layers_purge(struct store *store);
