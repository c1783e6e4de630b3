/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of proxy/ share: one worker's data path. */

#include "base/table.h"
#include "ca/ca.h"
#include "proxy/deadline.h"
#include "proxy/leg.h"
#include "proxy/proxy.h"
#include "proxy/task.h"

enum { PROXY_LISTENERS_MAX = 64, PROXY_LEAF_CACHE = 4096 };

DEFINE_OWNED(SSL_CTX, SSL_CTX_free)

struct connection;
struct dns_gate;
struct listener;
struct upstream;

struct proxy {
    struct event_base *base; /* borrowed */
    struct proxy_settings settings;
    struct proxy_services services;
    struct task_queue tasks;
    struct leg_pool legs;

    SSL_CTX *client_tls, *upstream_tls;
    struct upstream_rules *upstream_rules;
    const struct own_ca *own_ca; /* borrowed */
    EVP_PKEY *leaf_key;
    struct leaf_cache *leaves;
    struct table mintings; /* host → struct minting: leaves that were asked for */

    struct table sandboxes; /* id → struct sandbox */
    struct table sources;   /* address → struct source */
    struct table tickets;   /* ticket number → struct ticket */
    uint64_t next_ticket;

    struct listener *listeners[PROXY_LISTENERS_MAX];
    size_t listener_count;
    struct dns_gate *dns_gate; /* NULL: there is none */
    TAILQ_HEAD(, connection) connections;
    struct event *tick; /* once a second: idle sandboxes, sources, lost connections */

    struct deadline quiet; /* for some time no connection has ended */

    struct audit_writer audit;
    struct deadline audit_flush;
    struct shared_counts_seat seat;

    bool is_draining;
    void (*on_drained)(void *argument);
    void *on_drained_argument;
    struct task drain_task;
    struct deadline drain_deadline;
};

/* Milliseconds of the monotonic clock. */
uint64_t proxy_now_ms(const struct proxy *proxy);
/* Queues one audit line; it is on its descriptor within 20 ms. */
void proxy_write_audit(struct proxy *proxy, const struct audit_record *record);
/* A connection has ended: memory is given back some time after the last, and a drain ends with it.
 */
void proxy_connection_gone(struct proxy *proxy);
