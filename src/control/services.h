/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the control API asks other processes for. Calls to the keyholder wait for its answer (it is
 * local and quick; ERR_UNAVAILABLE after 2 seconds or while it restarts); what goes to workers and
 * to the dialer is answered later through control_on_*(). process/control/control_calls.c
 * implements this. */

#include "policy/policy.h"
#include "seal/seal.h"

/* Views that do not count any more: those of this generation or an older one. */
struct control_outdating {
    uint64_t push, generation;
    const struct slice *sandboxes; /* ids */
    size_t count;                  /* 0: of every sandbox */
};

struct control_services {
    void *context;

    /* keyholder */
    enum error (*current_key)(void *context, struct seal_public_key *out);
    /* Checks a box that a client sealed itself: form, key, place, value. Appends to `out_binding`
     * the wire encoding of what the box says: u32 count + inject places, u32 count + hosts. */
    enum error (*check_box)(void *context, struct slice sealed, struct slice org,
                            struct slice store, struct slice name, struct buffer *out_binding);
    /* The same value with other hosts or places, or under the current key. */
    enum error (*reseal)(void *context, struct slice sealed, const struct seal_binding *binding,
                         struct buffer *out_sealed);
    enum error (*sign_store)(void *context, const struct seal_store *store,
                             uint8_t mac[SEAL_MAC_SIZE]);
    /* ERR_FORBIDDEN unless it was signed like this. */
    enum error (*verify_store)(void *context, const struct seal_store *store,
                               const uint8_t mac[SEAL_MAC_SIZE]);
    /* Vouches for a sandbox that is being made: id, organization, proxy token, source and the ids
     * of its layers are those in `view`, which has nothing else. */
    enum error (*sign_sandbox)(void *context, const struct view *view, uint8_t mac[VIEW_MAC_SIZE]);
    /* May sandboxes that have no signature be signed as they are? ERR_CONFLICT: not any more. With
     * `is_done` they have been, and it is the last time. */
    enum error (*take_over_sandboxes)(void *context, bool is_done);
    /* Makes a new sealing key current; the old ones still open. */
    enum error (*rotate_key)(void *context, struct seal_public_key *out);
    /* After everything was sealed again: forgets all but the current key. */
    enum error (*retire_keys)(void *context);
    /* PEM of the root, or of both during an overlap. */
    enum error (*ca_certificates)(void *context, struct buffer *out);
    /* A new root; the old one is published beside it until the next rotation. */
    enum error (*rotate_ca)(void *context);

    /* keyholder and dialer: no value is opened for these views, nothing dialled. Waits for the
     * keyholder; the dialer's answer comes as control_on_views_outdated(push), maybe at once. One
     * that is away needs no telling: it honours nothing that was built before it comes back. */
    void (*outdate_views)(void *context, const struct control_outdating *outdating);

    /* worker: the answer to control_on_view_request(); `encoded` empty: there is no such sandbox
     * (ERR_NOT_FOUND), or its view cannot be built now (ERR_UNAVAILABLE). */
    void (*send_view)(void *context, unsigned worker, uint64_t ticket, enum error error,
                      struct slice encoded);
    /* worker: a view that it holds has changed; answered with control_on_view_taken(push). */
    void (*push_view)(void *context, unsigned worker, uint64_t push, struct slice encoded);
    /* worker: the sandbox is gone; answered likewise. */
    void (*push_view_gone)(void *context, unsigned worker, uint64_t push, struct slice sandbox_id);
    /* worker: another sandbox belongs to this address than before; answered likewise. */
    void (*push_source)(void *context, unsigned worker, uint64_t push,
                        const struct ip_address *source);
    /* supervisor: DATA_DIR/`name` (ca.pem, ca-bundle.pem) gets this content, 0644, whole or not at
     * all. The control process itself may write nowhere but in DATA_DIR/db. May be NULL. */
    void (*publish_file)(void *context, struct slice name, struct slice content);
    /* dialer: would this host resolve to an address that may be dialled, perhaps as a named private
     * target of the sandbox in question; control_on_resolved(). */
    void (*resolve)(void *context, uint64_t ticket, const struct authority *target,
                    bool is_private_target);
};
