/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One look-up for the DNS gate: from a name to the addresses that a sandbox may be told, which are
 * those that would be dialled for it. Whether the sandbox may know the name was decided before
 * (dialer_lookup.c). */

#include "process/dialer/dial.h"

struct lookup;

struct lookup_question {
    struct host_name host; /* not a literal */
    bool wants_ipv6;
    bool is_private_target; /* as of a dial */
};

struct lookup_outcome {
    enum refusal_code code; /* UPSTREAM_DNS: nobody knows; ADDRESS_NOT_ALLOWED: none may be told */
    bool exists;            /* with REFUSAL_NONE: false when there is no such name */
    struct ip_address addresses[RESOLVER_ADDRESSES_MAX]; /* of the family that was asked for */
    size_t count;
    uint32_t ttl_s;
};

/* `means` outlives the look-up. `done` is called once, from the event loop, never before this
 * returns, within LOOKUP_TIMEOUT_MS; it must free the look-up. */
enum { LOOKUP_TIMEOUT_MS = 5000 };
MUST_USE enum error lookup_start(const struct dial_means *means,
                                 const struct lookup_question *question,
                                 void (*done)(void *context, const struct lookup_outcome *outcome),
                                 void *context, struct lookup **out);
/* Gives up what is under way. NULL is fine. */
void lookup_free(struct lookup *lookup);
DEFINE_OWNED_STRUCT(lookup, lookup_free)
