/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One connection to an origin: dialled by the dialer, TLS by us, used by one exchange at a time,
 * then kept in its sandbox's pool. It never serves another sandbox, scheme, host or port. */

#include "proxy/deadline.h"
#include "proxy/h1_stream.h"
#include "proxy/sandbox.h"

enum { UPSTREAM_HANDSHAKE_MS = 10 * 1000, UPSTREAM_IDLE_MS = 60 * 1000, UPSTREAM_DETAIL_MAX = 160 };

enum upstream_state {
    UPSTREAM_DIALING,  /* waits for the dialer */
    UPSTREAM_GREETING, /* waits for the TLS handshake */
    UPSTREAM_OPEN,
    UPSTREAM_FAILED, /* see `failure` */
};

struct upstream {
    TAILQ_ENTRY(upstream) link; /* in the pool while it has no owner */
    struct sandbox *sandbox;    /* borrowed: outlives it */
    struct authority target;
    bool is_tls;
    enum upstream_state state;
    struct leg leg;
    struct h1_stream h1;
    struct ip_endpoint address;
    struct ticket ticket;
    struct deadline deadline;
    unsigned exchanges; /* served before the current one */
    enum refusal_code failure;
    char detail[UPSTREAM_DETAIL_MAX]; /* of the failure, for the client; may be "" */
    void (*on_change)(void *owner);   /* state, readable or writable */
    void *owner;                      /* the exchange; NULL: spare */
};

/* Starts a connection that nobody owns yet, for the first exchange that asks; a no-op when there is
 * a spare one. */
void upstream_warm(struct sandbox *sandbox, const struct authority *target, bool is_tls);
/* A spare connection to the target (newest first) or a new one; `fresh_only` skips the pool.
 * `on_change` is not called from inside. NULL when out of memory. */
struct upstream *upstream_acquire(struct sandbox *sandbox, const struct authority *target,
                                  bool is_tls, bool fresh_only);
void upstream_set_owner(struct upstream *upstream, void (*on_change)(void *owner), void *owner);
/* Back to the pool: the response was complete, in order, and nothing came after it. */
void upstream_release(struct upstream *upstream);
/* Closes. NULL is fine. */
void upstream_free(struct upstream *upstream);

/* The dialer's answer. */
void upstream_on_dialed(struct proxy *proxy, uint64_t ticket, enum refusal_code code, int fd,
                        const struct ip_endpoint *address, struct slice detail);
