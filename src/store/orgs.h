/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Organizations: the owners of everything else. */

#include "store/arena.h"

struct store;

#define ORGS_DEFAULT_NAME "default"

struct org {
    struct slice id, name;
    int64_t created_at_ms;
};

struct org_list {
    struct org *items;
    size_t count;
};

/* ERR_EXISTS when the name is taken. */
MUST_USE enum error orgs_create(struct store *store, struct arena *arena, struct slice name,
                                struct org *out);
/* By id, or else by name. ERR_NOT_FOUND. */
MUST_USE enum error orgs_find(struct store *store, struct arena *arena, struct slice id_or_name,
                              struct org *out);
/* The default one, made when there is none. */
MUST_USE enum error orgs_ensure_default(struct store *store, struct arena *arena, struct org *out);
MUST_USE enum error orgs_list(struct store *store, struct arena *arena, struct org_list *out);
