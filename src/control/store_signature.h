/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The keyholder's word that a store has these lists: who can write the database alone cannot open a
 * host, a private address or a response with them. */

#include "control/state.h"
#include "store/view_data.h"

/* What was signed or verified lately, by store: so that a view costs no call. */
struct store_signatures;

/* NULL when out of memory. */
struct store_signatures *store_signatures_new(void);
void store_signatures_free(struct store_signatures *signatures);

/* The signed parts of each; slices are borrowed. */
struct seal_store store_signature_of_new(const struct secret_store_new *store);
struct seal_store store_signature_of_store(const struct secret_store *store);
struct seal_store store_signature_of_layer(const struct view_data_layer *layer, struct slice org);

/* ERR_UNAVAILABLE. */
MUST_USE enum error store_signature_make(struct control *control, const struct seal_store *store,
                                         uint8_t mac[SEAL_MAC_SIZE]);
/* ERR_FORBIDDEN: something else wrote them. ERR_UNAVAILABLE. */
MUST_USE enum error store_signature_check(struct control *control, const struct seal_store *store,
                                          const uint8_t mac[SEAL_MAC_SIZE]);
