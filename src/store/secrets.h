/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets, sealed. No value ever comes here, only boxes that the database cannot open.
 *
 * Setting a name again keeps its id, its creation time and its tokens. A name that is new in a
 * store gets a token in every sandbox bound to the store that has none for that name. Deleting one
 * kills its tokens in every sandbox and checkpoint where no other layer has the name. */

#include "store/text_list.h"

struct store;

enum { SECRETS_PER_STORE_MAX = 1000, SECRETS_PAGE = 256 };

struct secret_entry {
    uint64_t seq; /* order of creation, over all stores */
    struct slice id, org_id, store_id, name;
    struct slice sealed;
    struct text_list hosts;  /* as given; empty: the merged egress allowlist */
    struct text_list places; /* as given; what an empty one means is for the caller */
    int64_t created_at_ms, updated_at_ms;
};

struct secret_entry_list {
    struct secret_entry *items;
    size_t count;
};

struct secret_entry_new {
    struct slice org_id, store_id, name, sealed;
    struct text_list hosts, places;
};

struct secret_set_outcome {
    bool is_new;        /* the name was not in the store: tokens were made */
    uint64_t refreshed; /* running sandboxes in which this secret wins */
};

/* ERR_NOT_FOUND: no such store, or deleted. ERR_TOO_LARGE: SECRETS_PER_STORE_MAX are there. */
MUST_USE enum error secrets_set(struct store *store, const struct secret_entry_new *secret,
                                struct secret_set_outcome *out);
/* ERR_NOT_FOUND. */
MUST_USE enum error secrets_get(struct store *store, struct arena *arena, struct slice org_id,
                                struct slice store_id, struct slice name, struct secret_entry *out);
/* ERR_NOT_FOUND: no such store. */
MUST_USE enum error secrets_list(struct store *store, struct arena *arena, struct slice org_id,
                                 struct slice store_id, struct secret_entry_list *out);
/* ERR_NOT_FOUND. */
MUST_USE enum error secrets_delete(struct store *store, struct slice org_id, struct slice store_id,
                                   struct slice name);

/* Key rotation: every secret of every store, those of deleted but serving stores too, at most
 * SECRETS_PAGE with `seq` above `after`. */
MUST_USE enum error secrets_page(struct store *store, struct arena *arena, uint64_t after,
                                 struct secret_entry_list *out);
/* The same value under another key. ERR_CONFLICT when the box is another one than `old_sealed` by
 * now, or gone: read it again. */
MUST_USE enum error secrets_reseal(struct store *store, struct slice id, struct slice old_sealed,
                                   struct slice new_sealed);
