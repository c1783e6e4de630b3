/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One connection to an origin: dialled by the dialer, TLS by us, used by one exchange at a time,
 * then kept in its sandbox's pool. It never serves another sandbox, scheme, host or port. */

#include "proxy/deadline.h"
#include "proxy/h1_stream.h"
#include "proxy/h2_message.h"
#include "proxy/sandbox.h"

enum { UPSTREAM_DETAIL_MAX = 160 };

enum upstream_state {
    UPSTREAM_DIALING,  /* waits for the dialer */
    UPSTREAM_GREETING, /* waits for the TLS handshake */
    UPSTREAM_SETTLING, /* waits for the origin's first SETTINGS */
    UPSTREAM_OPEN,
    UPSTREAM_FAILED, /* see `failure` */
};

/* What a connection is opened for. Once open it serves whatever it is good for. */
enum upstream_use {
    UPSTREAM_FOR_ANY,
    UPSTREAM_FOR_UPGRADE, /* HTTP/1 alone is offered */
    UPSTREAM_FOR_CONNECT, /* a WebSocket as a stream of HTTP/2 (RFC 8441) */
};

struct upstream {
    TAILQ_ENTRY(upstream) link; /* in the pool */
    bool is_pooled;             /* HTTP/1: while no exchange has it; HTTP/2: to its end */
    struct sandbox *sandbox;    /* borrowed: outlives it */
    struct authority target;
    bool is_tls;
    bool is_private;    /* dialled under a named exception for private addresses */
    uint64_t route_tag; /* of the settings that it was dialled under */
    uint64_t tls_tag;   /* of the rules that its handshake began under; 0: not begun */
    uint64_t dialed_ms; /* when: the dial and the handshake share connect_timeout */
    enum upstream_state state;
    struct leg leg;
    enum upstream_use use;
    bool speaks_h2; /* as ALPN said */
    struct h1_stream h1;
    struct h2_link h2;
    struct ip_endpoint address;
    struct ticket ticket;
    struct waitlist waiting; /* exchanges, for its state to settle */
    struct deadline deadline;
    unsigned exchanges; /* served before the current one */
    enum refusal_code failure;
    char detail[UPSTREAM_DETAIL_MAX]; /* of the failure, for the client; may be "" */
    void (*on_change)(void *owner);   /* of HTTP/1: readable or writable */
    void *owner;                      /* of HTTP/1: the exchange; NULL: spare */
};

/* Starts a connection for the first exchange that asks; a no-op when there is a spare one. */
void upstream_warm(struct sandbox *sandbox, const struct authority *target, bool is_tls);
/* What an exchange asks for. */
struct upstream_wish {
    struct authority target;
    bool is_tls;
    bool fresh_only; /* none that has served before */
    bool is_websocket;
};

/* A spare connection that fits, one on its way, or a new one. While its state is not settled
 * `waiter` waits, and asks again. NULL when out of memory. */
struct upstream *upstream_find(struct sandbox *sandbox, const struct upstream_wish *wish,
                               struct waiter *waiter);
/* An open one serves the exchange of this task, which runs when it is readable or writable. NULL
 * when out of memory. */
struct stream *upstream_begin(struct upstream *upstream, struct task *task);
/* Whether the origin has agreed on no protocol at all: it may be one that speaks HTTP/2 alone. */
bool upstream_is_unagreed(const struct upstream *upstream);
/* The exchange is over. `is_reusable`: both messages were complete and in order; then the
 * connection goes back to the pool if nothing came after them, else it is closed. NULL upstream is
 * fine. */
void upstream_end(struct upstream *upstream, struct stream *stream, bool is_reusable);
/* Closes. NULL is fine. */
void upstream_free(struct upstream *upstream);

/* The dialer's answer. False: it is not for an upstream, and nothing was taken. */
bool upstream_on_dialed(struct proxy *proxy, uint64_t ticket, const struct proxy_dialed *answer);
