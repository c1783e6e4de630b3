/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What one worker knows of one sandbox while it talks through it: its current view, the values in
 * use, its own pool of upstream connections and their TLS sessions. Nothing here is shared between
 * sandboxes. */

#include "inject/inject.h"
#include "proxy/refusal.h"
#include "proxy/ticket.h"

#include <openssl/ssl.h>

enum {
    SANDBOX_ID_MAX = 64,
    SANDBOX_VALUES_MAX = 64,       /* hosts whose values are kept */
    SANDBOX_POOL_MAX = 64,         /* idle upstream connections kept */
    SANDBOX_WIDE_STREAMS_MAX = 16, /* on all its connections: 960 KiB each may wait for a peer */
    SANDBOX_TARGETS_MAX = 64,      /* hosts remembered */
    SANDBOX_LINGER_MS = 60 * 1000, /* a sandbox without connections is kept this long */
};

struct upstream;

enum sandbox_state { SANDBOX_ASKED, SANDBOX_KNOWN, SANDBOX_UNKNOWN, SANDBOX_UNAVAILABLE };

/* The values for one host under one view. */
struct host_values {
    TAILQ_ENTRY(host_values) link;
    struct sandbox *sandbox;
    struct authority target;
    struct view *view; /* a reference */
    struct inject_values *values;
    bool is_complete;
    enum error error; /* when complete */
    struct ticket ticket;
    struct waitlist waiting;
};

/* What is remembered of a target between connections. */
struct known_target {
    TAILQ_ENTRY(known_target) link;
    struct authority target;
    SSL_SESSION *session; /* resumes a connection; NULL: none yet */
    bool speaks_h1;       /* the last connection did */
    bool refuses_h1;      /* when nothing else was offered */
};

struct sandbox {
    struct table_entry entry;
    struct proxy *proxy;
    char id[SANDBOX_ID_MAX];
    size_t id_len;
    enum sandbox_state state;
    struct view *view; /* when known */
    uint64_t seq;      /* of its first view: where it is counted, whatever later ones say */
    struct ticket ticket;
    struct waitlist waiting; /* for the view */
    unsigned connections;    /* of this worker */
    uint64_t idle_since_ms;  /* when connections went to 0 */
    uint64_t reported_ms;    /* last activity report */
    bool is_gone;            /* deleted: freed with its last connection */
    /* Used last first. */
    TAILQ_HEAD(host_values_list, host_values) values;
    unsigned values_count;
    /* The pool: connected and idle, or on the way and not yet claimed. */
    TAILQ_HEAD(upstream_list, upstream) spare_upstreams;
    unsigned spare_upstream_count;
    TAILQ_HEAD(known_target_list, known_target) targets;
    unsigned target_count;
    uint32_t wide_streams; /* of HTTP/2, on either side, with a wide window: http/h2_session.h */
};

/* Finds or asks control. When `*out`'s state is SANDBOX_ASKED, `waiter` waits for the answer. NULL
 * when out of memory or the id is too long. */
struct sandbox *sandbox_find(struct proxy *proxy, struct slice id, struct waiter *waiter);
/* Only looks; NULL when this worker does not know it. */
struct sandbox *sandbox_find_known(struct proxy *proxy, struct slice id);
/* Makes the sandbox of a view that control sent unasked or by source address. NULL: out of memory.
 */
struct sandbox *sandbox_learn(struct proxy *proxy, struct view *view);
/* A change: requests from now on see this view. Takes a reference of its own. */
void sandbox_set_view(struct sandbox *sandbox, struct view *view);
/* Control's answer to sandbox_find(). */
void sandbox_on_view(struct proxy *proxy, uint64_t ticket, enum error error, struct view *view);
/* The sandbox was deleted; freed once its last connection leaves. */
void sandbox_gone(struct sandbox *sandbox);
/* Forgets a look-up that found nothing, so that the next one asks again. */
void sandbox_forget_unknown(struct sandbox *sandbox);

/* A connection belongs to the sandbox from here to sandbox_leave(). False: it has as many as it may
 * over all workers. */
bool sandbox_enter(struct sandbox *sandbox);
void sandbox_leave(struct sandbox *sandbox);
/* A request of one of its connections, until sandbox_end_request(). False: it asks too often, or
 * has as many under way as it may over all workers; `*out` says which. */
bool sandbox_begin_request(struct sandbox *sandbox, struct refusal_limit *out);
void sandbox_end_request(struct sandbox *sandbox);
/* Traffic: control hears of it at most once a second. */
void sandbox_touch(struct sandbox *sandbox);

/* The values of this view for this host; asks the keyholder on first use. While `is_complete` is
 * false `waiter` waits. NULL when out of memory. */
struct host_values *sandbox_values(struct sandbox *sandbox, struct view *view,
                                   const struct authority *target, struct waiter *waiter);

/* The keyholder's answers. */
void sandbox_on_value(struct proxy *proxy, uint64_t ticket, uint32_t secret_index,
                      struct slice value);
void sandbox_on_values_done(struct proxy *proxy, uint64_t ticket, enum error error);

/* The session last saved for this target, or NULL; the caller gets a reference. */
SSL_SESSION *sandbox_session(struct sandbox *sandbox, const struct authority *target);
/* Takes the reference. */
void sandbox_save_session(struct sandbox *sandbox, const struct authority *target,
                          SSL_SESSION *session);

/* What ALPN said, so that the next requests know whether they can share a connection. */
void sandbox_learn_protocol(struct sandbox *sandbox, const struct authority *target,
                            bool speaks_h2);
/* False also when nothing is known. */
bool sandbox_knows_h1(struct sandbox *sandbox, const struct authority *target);
/* Whether it is of no use to offer HTTP/1.1 alone, as a WebSocket otherwise does. */
void sandbox_learn_h1_refusal(struct sandbox *sandbox, const struct authority *target,
                              bool refuses_h1);
bool sandbox_knows_h1_refusal(struct sandbox *sandbox, const struct authority *target);

/* Once a second: lets go of sandboxes that nobody used for SANDBOX_LINGER_MS. */
void sandbox_expire_idle(struct proxy *proxy);
void sandbox_free_all(struct proxy *proxy);
