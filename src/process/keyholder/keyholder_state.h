/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the keyholder share; private to them. */

#include "ca/ca.h"
#include "process/child.h"
#include "process/keyholder/sandbox_mac.h"
#include "process/presented_views.h"
#include "process/view_floor.h"
#include "seal/seal.h"

struct keyholder_worker; /* keyholder_worker.c */

struct keyholder {
    struct child *child;
    int folder; /* DATA_DIR/keys; -1: keys in memory alone */
    struct ca_root *root;
    struct keyring *ring;
    uint8_t *sandbox_key; /* SANDBOX_MAC_KEY_SIZE, guarded */
    bool takes_over;      /* sandboxes that an older version made may still be signed */
    uint8_t *ticket_keys; /* guarded: in use, former; MESSAGE_TICKET_KEY_SIZE each */
    bool has_former_ticket_key;
    struct event *ticket_rotation;
    struct peer control;
    struct view_floor floor;
    struct keyholder_worker **workers; /* by index; NULL: never seen */
    size_t worker_count;
};

/* keyholder_calls.c: what control asks for. */
extern message_handler *const keyholder_calls_handlers[MESSAGE_COUNT];
enum { KEYHOLDER_CERTIFICATES_MAX = 64 * 1024 };
/* The root's and the one's before it, PEM. */
MUST_USE enum error keyholder_certificates(const struct keyholder *keyholder, struct buffer *out);

/* keyholder_worker.c: one per worker that ever connected. */
MUST_USE enum error keyholder_worker_new(struct keyholder *keyholder, unsigned index,
                                         struct keyholder_worker **out);
void keyholder_worker_free(struct keyholder_worker *worker);
/* A fresh channel: everything that an earlier one brought is forgotten. */
void keyholder_worker_connect(struct keyholder_worker *worker, struct message_peer *message);
/* The root was rotated. */
void keyholder_worker_root_rotated(struct keyholder_worker *worker);
/* There is a new ticket key. */
void keyholder_worker_rotate_tickets(struct keyholder_worker *worker);

/* keyholder_tickets.c: the keys of TLS session tickets, and their rotation. */
MUST_USE enum error keyholder_tickets_start(struct keyholder *keyholder);
/* Those that are good now, the one in use last. */
void keyholder_tickets_send(const struct keyholder *keyholder, struct peer *worker);
void keyholder_tickets_stop(struct keyholder *keyholder);

/* keyholder_values.c: whether one value may leave, and its release. */

/* Every check on the secret at this index of the view: decision, box, hosts, places, lists. OK and
 * the opened box; ERR_FORBIDDEN: not for this host, which is no fault; any other error: what is in
 * the database does not fit together. */
MUST_USE enum error keyholder_values_open(const struct keyholder *keyholder,
                                          struct presented_view *presented, uint32_t secret_index,
                                          const struct authority *target, struct opened_box **out);
