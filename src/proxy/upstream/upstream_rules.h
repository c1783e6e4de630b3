/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What differs from host to host in TLS toward origins: whom we trust, and who we are. Filled once,
 * then not changed any more. */

#include "policy/policy.h"

#include <openssl/ssl.h>

struct upstream_rules; /* opaque */

enum { UPSTREAM_RULES_MAX = 256 /* of each kind */, UPSTREAM_STORES_MAX = 16 };

/* Empty. NULL when out of memory. */
struct upstream_rules *upstream_rules_new(void);
/* NULL is fine. */
void upstream_rules_free(struct upstream_rules *rules);
DEFINE_OWNED_STRUCT(upstream_rules, upstream_rules_free)

/* Hosts of this pattern are verified with these roots and no others. Takes a reference. */
MUST_USE enum error upstream_rules_add_roots(struct upstream_rules *rules,
                                             const struct host_pattern *hosts, X509_STORE *roots);

/* Hosts of this pattern may learn who we are. */
struct upstream_certificate {
    const struct host_pattern *hosts;
    const struct slice *stores; /* ids; only for sandboxes that have one of them */
    size_t store_count;         /* 0: for every sandbox */
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
};
/* Takes references, copies the rest. */
MUST_USE enum error upstream_rules_add_certificate(struct upstream_rules *rules,
                                                   const struct upstream_certificate *certificate);
/* What holds for a connection of a sandbox with this view to this target. A number that is the same
 * only where both hold the same, and never 0: what was made under another is of no use. The
 * narrowest pattern wins: an exact name, then the longest. */
uint64_t upstream_rules_tag(const struct upstream_rules *rules, const struct view *view,
                            const struct authority *target);
/* Puts it on a connection that has not begun its handshake. */
MUST_USE enum error upstream_rules_apply(const struct upstream_rules *rules,
                                         const struct view *view, const struct authority *target,
                                         SSL *ssl);
