/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Everything that a view (policy/view.h) or an environment is made of, read at one moment. */

#include "policy/token.h"
#include "store/sandboxes.h"
#include "store/secret_stores.h"

struct view_data_layer {
    struct slice store_id, store_name;
    struct text_list egress, passthrough, private_hosts;
    bool redact_responses;
    uint8_t mac[SECRET_STORES_MAC_SIZE];
    bool is_damaged; /* its row cannot be read */
};

struct view_data_secret {
    struct slice name, sealed;
    struct text_list hosts, places; /* as given; may be empty */
    size_t layer;                   /* index of the layer that wins */
    struct token token;             /* what the sandbox knows it by */
    bool is_damaged;                /* its row cannot be read */
};

struct view_data {
    struct sandbox sandbox;
    bool reaches_nothing;           /* it has a list of layers, and none of them survives */
    struct view_data_layer *layers; /* the surviving ones, base first */
    size_t layer_count;
    struct view_data_secret *secrets; /* the winners, sorted by name (slice_compare) */
    size_t secret_count;
};

/* For the data plane: by id alone. ERR_NOT_FOUND. */
MUST_USE enum error view_data_load(struct store *store, struct arena *arena,
                                   struct slice sandbox_id, struct view_data *out);
