/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names to addresses, through c-ares and one event loop, with a small cache by TTL. Answers are
 * what the nameserver said, unchecked: whether one may be dialled is dialer_guard.h's business. */

#include "base/host_name.h"
#include "process/config/config.h"

struct event_base;
struct resolver;
struct resolver_entry;

enum { RESOLVER_ADDRESSES_MAX = 32, RESOLVER_CACHE_MAX = 4096 };

struct resolver_answer {
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX]; /* of more, the first 16 of each family */
    size_t count;
    uint32_t ttl_s; /* how long it is good for from now: 1 to 60 */
};

/* Part of what waits for an answer; must stay where it is until then. */
struct resolver_query {
    /* Once, unless cancelled; maybe before resolver_ask() returns. ERR_NOT_FOUND: the name has no
     * address. ERR_TIMEOUT: no nameserver answers. ERR_DNS: they fail. `answer` when OK, and with
     * ERR_NOT_FOUND, empty, when there is such a name. */
    void (*done)(struct resolver_query *query, enum error error,
                 const struct resolver_answer *answer);
    struct resolver_entry *entry; /* the resolver's own */
    struct resolver_query *next, **link;
};

/* Nameservers from the configuration, or the system's, which are read again when they change. */
MUST_USE enum error resolver_new(struct event_base *base, const struct config *config,
                                 struct resolver **out);
/* No query may be waiting. */
void resolver_free(struct resolver *resolver);
DEFINE_OWNED_STRUCT(resolver, resolver_free)
/* Other nameservers from now on; forgets the cache. What is under way goes on. */
MUST_USE enum error resolver_reconfigure(struct resolver *resolver, const struct config *config);

void resolver_ask(struct resolver *resolver, const struct host_name *host,
                  struct resolver_query *query);
/* Fine for one that waits for nothing. */
void resolver_cancel(struct resolver_query *query);
