/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sandboxes, their layers and their tokens.
 *
 * A sandbox has an ordered list of secret stores, base first. It is bound to those that were there
 * when it was made, which keeps them serving it even when they are deleted; the others are in the
 * list as gone. Every secret name that one of the bound layers has carries exactly one token. */

#include "store/text_list.h"

struct store;

enum { SANDBOXES_LAYERS_MAX = 16, SANDBOXES_MAC_SIZE = 32, SANDBOXES_PAGE = 256 };

enum sandbox_status { SANDBOX_HIBERNATED, SANDBOX_RUNNING };

/* Why it is hibernated. */
enum sandbox_reason { SANDBOX_REASON_NONE, SANDBOX_SUSPENDED, SANDBOX_EXPIRED };

struct sandbox {
    uint64_t seq; /* unique for ever; order of creation */
    struct slice id, org_id;
    enum sandbox_status status;
    enum sandbox_reason reason;
    struct slice proxy_token;            /* the password that goes with the id */
    uint8_t mac[SANDBOXES_MAC_SIZE];     /* of its signer; zero: an older version made it */
    struct slice source;                 /* address text, or empty */
    struct slice envs, metadata, config; /* JSON texts, as given */
    struct slice checkpoint_id;          /* what it was forked from, or empty */
    struct slice primary_store;          /* name of the last surviving layer, or empty */
    struct slice base_store;             /* of the one before it, or empty */
    uint32_t timeout_s;                  /* idle time until it hibernates; 0: never */
    int64_t last_active_ms, created_at_ms;
};

struct sandbox_list {
    struct sandbox *items;
    size_t count;
};

/* Vouches for who a sandbox is and which stores it is bound to, base first. */
struct sandbox_signer {
    enum error (*sign)(void *context, const struct sandbox *sandbox,
                       const struct text_list *store_ids, uint8_t mac[SANDBOXES_MAC_SIZE]);
    void *context;
};

struct sandbox_new {
    struct sandbox_signer signer;
    struct slice org_id;
    struct text_list secret_stores; /* ids or names, in order, added at the end; may be empty */
    struct slice envs, metadata, config;
    struct slice source; /* canonical text (ip_address_format), or empty */
    uint32_t timeout_s;
};

/* Id and proxy token are made here. ERR_NOT_FOUND: a named store, or the org. ERR_EXISTS: the
 * source belongs to another sandbox, of whatever org. ERR_TOO_LARGE: more than
 * SANDBOXES_LAYERS_MAX. */
MUST_USE enum error sandboxes_create(struct store *store, struct arena *arena,
                                     const struct sandbox_new *new_sandbox, struct sandbox *out);
/* The checkpoint's layers, less those that are gone, with the named ones added at the end (moved
 * there when present), and the checkpoint's tokens. envs, metadata and config are those in
 * `new_sandbox`: merging is for the caller. Errors as above; ERR_NOT_FOUND also for the checkpoint.
 */
MUST_USE enum error sandboxes_fork(struct store *store, struct arena *arena,
                                   struct slice checkpoint_id,
                                   const struct sandbox_new *new_sandbox, struct sandbox *out);
/* ERR_NOT_FOUND. */
MUST_USE enum error sandboxes_get(struct store *store, struct arena *arena, struct slice org_id,
                                  struct slice id, struct sandbox *out);
MUST_USE enum error sandboxes_list(struct store *store, struct arena *arena, struct slice org_id,
                                   struct sandbox_list *out);
/* With `delete_primary_store` the last surviving store is deleted too: ERR_FORBIDDEN, and nothing
 * is, when that is read-only. Deleted stores that served only this sandbox are erased.
 * ERR_NOT_FOUND. */
MUST_USE enum error sandboxes_delete(struct store *store, struct slice org_id, struct slice id,
                                     bool delete_primary_store);

/* Each is fine when it is so already. ERR_NOT_FOUND. */
MUST_USE enum error sandboxes_hibernate(struct store *store, struct slice org_id, struct slice id);
/* Counts as activity. */
MUST_USE enum error sandboxes_wake(struct store *store, struct slice org_id, struct slice id);
/* Counts as activity. */
MUST_USE enum error sandboxes_set_timeout(struct store *store, struct slice org_id, struct slice id,
                                          uint32_t timeout_s);

/* For the data plane and for propagation, over all orgs. */

/* ERR_NOT_FOUND. */
MUST_USE enum error sandboxes_find(struct store *store, struct arena *arena, struct slice id,
                                   struct sandbox *out);

/* Those that an older version made, in the order of their making: at most SANDBOXES_PAGE with `seq`
 * above `after`. */
MUST_USE enum error sandboxes_unsigned(struct store *store, struct arena *arena, uint64_t after,
                                       struct sandbox_list *out);
/* Gives one of them its MAC, for the layers that it has. */
MUST_USE enum error sandboxes_sign(struct store *store, struct arena *arena,
                                   const struct sandbox *sandbox,
                                   const struct sandbox_signer *signer);

/* Activity, all at one moment; unknown ids are passed over. Never moves backwards. */
MUST_USE enum error sandboxes_touch(struct store *store, const struct text_list *ids,
                                    int64_t now_ms);
/* Hibernates (SANDBOX_EXPIRED) the running ones that were idle for their timeout; their ids,
 * those first that were due first. */
MUST_USE enum error sandboxes_expire_idle(struct store *store, struct arena *arena, int64_t now_ms,
                                          struct text_list *out_ids);
/* Ids of the sandboxes, running or hibernated, that are bound to a secret store. */
MUST_USE enum error sandboxes_bound_to(struct store *store, struct arena *arena,
                                       struct slice store_id, struct text_list *out_ids);
/* The id of the one registered with this address. ERR_NOT_FOUND. */
MUST_USE enum error sandboxes_find_source(struct store *store, struct arena *arena,
                                          struct slice source, struct slice *out_id);
