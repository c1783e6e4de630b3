/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the keyholder share; private to them. */

#include "ca/ca.h"
#include "process/child.h"
#include "process/presented_views.h"
#include "seal/seal.h"

struct keyholder_worker; /* keyholder_worker.c */

struct keyholder {
    struct child *child;
    int folder; /* DATA_DIR/keys; -1: keys in memory alone */
    struct ca_root *root;
    struct keyring *ring;
    uint8_t *ticket_key; /* MESSAGE_TICKET_KEY_SIZE, guarded; shared by all workers of the node */
    struct peer control;
    struct keyholder_worker **workers; /* by index; NULL: never seen */
    size_t worker_count;
};

/* keyholder_calls.c: what control asks for. */
extern message_handler *const keyholder_calls_handlers[MESSAGE_COUNT];

/* keyholder_worker.c: one per worker that ever connected. */
MUST_USE enum error keyholder_worker_new(struct keyholder *keyholder, unsigned index,
                                         struct keyholder_worker **out);
void keyholder_worker_free(struct keyholder_worker *worker);
/* A fresh channel: everything that an earlier one brought is forgotten. */
void keyholder_worker_connect(struct keyholder_worker *worker, struct message_peer *message);
/* The root was rotated. */
void keyholder_worker_forget_leaves(struct keyholder_worker *worker);

/* keyholder_values.c: whether one value may leave, and its release. */

/* Every check on the secret at this index of the view: decision, box, hosts, places, lists. OK and
 * the opened box; ERR_FORBIDDEN: not for this host, which is no fault; any other error: what is in
 * the database does not fit together. */
MUST_USE enum error keyholder_values_open(const struct keyholder *keyholder,
                                          struct presented_view *presented, uint32_t secret_index,
                                          const struct authority *target, struct opened_box **out);
