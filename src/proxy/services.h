/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the data path asks other processes for. Each request carries a ticket that the answer brings
 * back through the proxy_on_*() functions of proxy/proxy.h, in any order, maybe before the request
 * returns. A ticket that nobody waits for any more is ignored. When the other process is away, the
 * answer is ERR_UNAVAILABLE, never silence. process/worker/worker_request.c implements this with
 * channels. */

#include "policy/policy.h"

struct proxy_lookup {
    const struct host_name *host;
    bool wants_ipv6; /* else IPv4 */
};

struct proxy_services {
    void *context;
    /* control: the view of a sandbox, by id, or by source address when the id is empty. */
    void (*request_view)(void *context, uint64_t ticket, struct slice sandbox_id,
                         const struct ip_address *source);
    /* control: no connection uses this sandbox any more. */
    void (*release_view)(void *context, struct slice sandbox_id);
    /* control: the sandbox did something; at most once a second each. */
    void (*report_activity)(void *context, struct slice sandbox_id);
    /* dialer: resolve, check and connect. */
    void (*dial)(void *context, uint64_t ticket, const struct view *view,
                 const struct authority *target);
    /* dialer: the addresses that this sandbox may be told for a host. */
    void (*lookup)(void *context, uint64_t ticket, const struct view *view,
                   const struct proxy_lookup *lookup);
    /* keyholder: a leaf for this host with the worker's own leaf key. */
    void (*mint)(void *context, uint64_t ticket, const struct host_name *host);
    /* keyholder: every value of this view that may go to this host. */
    void (*open_values)(void *context, uint64_t ticket, const struct view *view,
                        const struct authority *target);
};
