/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What all child processes have in common: the event loop, the channel to the supervisor, the
 * configuration, hardening, readiness, draining. A role fills in a child_role and calls
 * child_run(). */

#include "process/config/config.h"
#include "process/peer.h"
#include "process/view_mac.h"

struct event_base;
struct child;

/* Everything but `role` and `on_begin` may be NULL. Messages are the decoded ones from the
 * supervisor: take descriptors with message_take_fd(). */
struct child_role {
    enum process_role role;
    /* The event loop is there, nothing has been received yet. */
    enum error (*on_created)(struct child *child);
    /* Configuration, topology, keys, listeners, pages are all there. It must call child_confine()
     * before anything that is not of our own making is read. Once it returns OK the child is
     * reported ready; an error ends the process with status 1 (the supervisor tries again). */
    enum error (*on_begin)(struct child *child);
    /* A new configuration is in child->config; the former one lives until this returns. */
    void (*on_reconfigure)(struct child *child);
    /* Of roles before this one in enum process_role at first before on_begin, of the others only
     * after it; later again whenever one was restarted. */
    void (*on_peer)(struct child *child, struct message_peer *peer);
    void (*on_listener)(struct child *child, struct message_listener *listener);
    void (*on_shared_pages)(struct child *child, struct message_shared_pages *pages);
    void (*on_audit)(struct child *child, struct message_audit *audit);
    void (*on_control_tls)(struct child *child, struct message_control_tls *files);
    /* What files hold that the coming configuration names. Return false: not mine. */
    bool (*on_upstream_file)(struct child *child, struct message *message);
    void (*on_all_ready)(struct child *child, bool is_ready);
    /* Messages of the role's own from the supervisor (declared stores). Return false: not mine. */
    bool (*on_message)(struct child *child, struct message *message);
    /* Call child_drained() once nothing is under way. NULL: at once. */
    void (*on_drain)(struct child *child);
    /* The loop has ended; the event loop and the configuration are still there. */
    void (*on_end)(struct child *child);
};

struct child {
    const struct child_role *role;
    unsigned index; /* of a worker; else 0 */
    void *context;  /* the role's own */
    struct event_base *base;
    struct config *config;                   /* with the data directory that the supervisor uses */
    uint64_t route_tag;                      /* that came with it */
    struct config_private *private_settings; /* NULL: `sealgate serve` */
    unsigned worker_count, owner_uid;
    struct view_mac_key view_key; /* zero in workers */
    struct peer supervisor;
    bool is_confined, has_begun, has_failed;
};

/* The whole life of the process, on descriptor 3; returns its exit status. The loop ends when the
 * supervisor is gone or says so. */
int child_run(const struct child_role *role, unsigned index, void *context);
/* From on_begin: Landlock and the filter of system calls, for good. Afterwards the keyholder has
 * its folder of keys, control the database and certificates, the dialer what names are looked up
 * with, a worker no file at all: who needs one later gets a descriptor. ERR_SYSTEM. */
MUST_USE enum error child_confine(struct child *child);
void child_drained(struct child *child);
/* To be called from a peer's on_gone: the supervisor will send a fresh channel. */
void child_report_lost(struct child *child, const struct peer *peer);
