/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The control API, and which worker holds which view. The only header of control/ that process/
 * includes. One thread, one event loop. */

#include "control/services.h"
#include "store/arena.h"

#include <openssl/ssl.h>

struct event_base;
struct control;
struct store; /* store/store.h */

struct control_settings {
    struct decision_settings decision;
    struct ip_endpoint proxy_advertise;    /* port 0: the first explicit proxy listener */
    struct host_name proxy_advertise_name; /* len 0: the address above */
    struct slice ca_path;                  /* where the bundle lies inside a sandbox */
    struct slice data_dir;                 /* see services.publish_file for what is put there */
    int audit_fd;                          /* readable, -1: none; for /api/audit */
};

/* Where a connection came in. */
enum control_listener_kind {
    CONTROL_TCP,  /* X-API-Key or Authorization: Bearer */
    CONTROL_UNIX, /* the peer's uid (SO_PEERCRED) is the authorization: root, or our own */
};

/* Creates the default org and, when the database has no API key, a first admin key, which is
 * written to `out_first_key` (empty otherwise) for DATA_DIR/api-key. */
MUST_USE enum error control_new(struct event_base *base, struct store *store,
                                const struct control_services *services,
                                const struct control_settings *settings,
                                struct buffer *out_first_key, struct control **out);
void control_free(struct control *control);
/* Takes the listening socket; `tls` may be NULL. */
MUST_USE enum error control_listen(struct control *control, int fd, enum control_listener_kind kind,
                                   SSL_CTX *tls);
void control_reconfigure(struct control *control, const struct control_settings *settings);
/* Whether the other processes are there: /readyz says so, beside what control sees for itself.
 * Before the first call they are. */
void control_set_ready(struct control *control, bool is_ready);
/* Stops accepting; answers what is under way. */
void control_drain(struct control *control, void (*done)(void *argument), void *argument);

/* A declared store of the configuration, to be applied as read-only. Values are sealed at once.
 * Between control_declare_begin() and control_declare_end(); what is declared no more is deleted at
 * the end. */
struct declared_secret {
    struct slice name, value;
    const struct slice *hosts, *places;
    size_t host_count, place_count;
};
struct declared_store {
    struct slice name;
    const struct slice *egress;
    size_t egress_count;
    const struct slice *passthrough, *private_hosts;
    size_t passthrough_count, private_host_count;
    bool redact_responses;
    const struct declared_secret *secrets;
    size_t secret_count;
};
MUST_USE enum error control_declare_begin(struct control *control);
MUST_USE enum error control_declare_store(struct control *control,
                                          const struct declared_store *declared);
MUST_USE enum error control_declare_end(struct control *control);

/* What `sealgate run` needs of the sandbox that it makes without the API. */
struct private_sandbox {
    struct slice id;
    struct slice *environment; /* "NAME=VALUE" */
    size_t environment_count;
    struct slice bundle, root; /* PEM; borrowed from the control */
    struct arena arena;        /* of everything else */
};
/* `stores` are names, base first. `out` is to be cleared also on failure. ERR_NOT_FOUND,
 * ERR_UNAVAILABLE: the CA is not known yet. */
MUST_USE enum error control_create_sandbox(struct control *control, const struct slice *stores,
                                           size_t count, struct private_sandbox *out);
void private_sandbox_clear(struct private_sandbox *sandbox);

/* Workers. A worker that asked for a view is told of its changes until it releases it or dies. */
void control_on_worker_ready(struct control *control, unsigned worker);
void control_on_worker_gone(struct control *control, unsigned worker);
/* By id, or by source address when the id is empty. */
void control_on_view_request(struct control *control, unsigned worker, uint64_t ticket,
                             struct slice sandbox_id, const struct ip_address *source);
void control_on_view_release(struct control *control, unsigned worker, struct slice sandbox_id);
void control_on_view_taken(struct control *control, unsigned worker, uint64_t push);
/* The dialer has taken control_services.outdate_views(), or never will: it has gone. */
void control_on_views_outdated(struct control *control, uint64_t push);
void control_on_dialer_gone(struct control *control);
/* Of the last view that was built; at first the moment when control began. Who comes up anew is not
 * to honour any view of it or of an older one. */
uint64_t control_generation(const struct control *control);
void control_on_activity(struct control *control, unsigned worker, struct slice sandbox_id);
/* What the dialer would do for a target. */
struct control_resolution {
    enum refusal_code code;
    struct ip_endpoint address; /* that it would connect to; port 0: none */
    bool is_proxied;            /* the upstream proxy's, which resolves the target itself */
};
void control_on_resolved(struct control *control, uint64_t ticket,
                         const struct control_resolution *resolution);
