/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Checkpoints: the layers and the live tokens of a sandbox at one moment. They outlive the sandbox,
 * but keep no secret store alive. */

#include "store/text_list.h"

struct store;

struct checkpoint {
    struct slice id, sandbox_id, org_id, name;
    struct slice envs, metadata, config; /* the sandbox's at that moment */
    uint32_t timeout_s;                  /* likewise */
    int64_t created_at_ms;
};

struct checkpoint_list {
    struct checkpoint *items;
    size_t count;
};

/* ERR_NOT_FOUND: the sandbox. ERR_EXISTS: it has a checkpoint of that name. */
MUST_USE enum error checkpoints_create(struct store *store, struct arena *arena,
                                       struct slice org_id, struct slice sandbox_id,
                                       struct slice name, struct checkpoint *out);
/* ERR_NOT_FOUND. */
MUST_USE enum error checkpoints_get(struct store *store, struct arena *arena, struct slice org_id,
                                    struct slice id, struct checkpoint *out);
/* Of a sandbox, also of a deleted one. ERR_NOT_FOUND when there is neither sandbox nor checkpoint.
 */
MUST_USE enum error checkpoints_list(struct store *store, struct arena *arena, struct slice org_id,
                                     struct slice sandbox_id, struct checkpoint_list *out);
/* ERR_NOT_FOUND unless it is that sandbox's, which may be deleted. */
MUST_USE enum error checkpoints_delete(struct store *store, struct slice org_id,
                                       struct slice sandbox_id, struct slice id);
/* Puts the tokens back; the layers are those of then anyway, as nothing changes them after a
 * sandbox was made. Tokens that were killed since stay dead, names that came since get new ones.
 * ERR_NOT_FOUND: the sandbox, or its checkpoint. */
MUST_USE enum error checkpoints_restore(struct store *store, struct slice org_id,
                                        struct slice sandbox_id, struct slice id);
