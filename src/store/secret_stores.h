/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secret stores: a name, an egress allowlist, and the secrets in them (secrets.h).
 *
 * A deleted store is hidden and its name is free. It goes on serving the sandboxes that are bound
 * to it, running or hibernated, and is really erased with the last of them; checkpoints do not keep
 * it. */

#include "store/text_list.h"

struct store;

enum { SECRET_STORES_MAC_SIZE = 32, SECRET_STORES_PAGE = 256 };

struct secret_store {
    uint64_t seq; /* order of creation, over all orgs */
    struct slice id, org_id, name;
    struct text_list egress, passthrough, private_hosts; /* as they were given */
    bool redact_responses;
    uint8_t mac[SECRET_STORES_MAC_SIZE]; /* the keyholder's, over org, id and all these */
    bool read_only;  /* declared in the configuration; it is for the caller to honour this */
    bool deleted;    /* hidden; seen only where a function says so */
    bool is_damaged; /* something else wrote its row: what could not be read is empty */
    int64_t created_at_ms, updated_at_ms;
};

struct secret_store_list {
    struct secret_store *items;
    size_t count;
};

struct secret_store_new {
    struct slice id; /* from identifier_uuid() */
    struct slice org_id, name;
    struct text_list egress, passthrough, private_hosts;
    const uint8_t *mac; /* SECRET_STORES_MAC_SIZE bytes */
    bool redact_responses, read_only;
};

/* NULL: unchanged. A change of what the MAC covers comes with a new one. */
struct secret_store_change {
    const struct slice *name;
    const struct text_list *egress, *passthrough, *private_hosts;
    const bool *redact_responses;
    const uint8_t *mac;
    const bool *read_only;
};

/* ERR_EXISTS when the org has a store of that name. ERR_NOT_FOUND: no such org. */
MUST_USE enum error secret_stores_create(struct store *store, struct arena *arena,
                                         const struct secret_store_new *new_store,
                                         struct secret_store *out);
/* By id, or else by name. ERR_NOT_FOUND, also for a deleted one. */
MUST_USE enum error secret_stores_find(struct store *store, struct arena *arena,
                                       struct slice org_id, struct slice id_or_name,
                                       struct secret_store *out);
MUST_USE enum error secret_stores_list(struct store *store, struct arena *arena,
                                       struct slice org_id, struct secret_store_list *out);
/* ERR_NOT_FOUND, ERR_EXISTS (name). Read it again for the result. */
MUST_USE enum error secret_stores_update(struct store *store, struct slice org_id, struct slice id,
                                         const struct secret_store_change *change);
/* ERR_NOT_FOUND. No sandbox's view changes. */
MUST_USE enum error secret_stores_delete(struct store *store, struct slice org_id, struct slice id);

/* Key rotation: every store of every org, the deleted but serving ones too, at most
 * SECRET_STORES_PAGE with `seq` above `after`. */
MUST_USE enum error secret_stores_page(struct store *store, struct arena *arena, uint64_t after,
                                       struct secret_store_list *out);
/* A new MAC for the same lists. ERR_CONFLICT when the store has another one than `old_mac` by now,
 * or is gone: read it again. */
MUST_USE enum error secret_stores_resign(struct store *store, struct slice id,
                                         const uint8_t old_mac[SECRET_STORES_MAC_SIZE],
                                         const uint8_t new_mac[SECRET_STORES_MAC_SIZE]);
