/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which of a name's addresses may be dialled: policy's address guard, the operator's exemptions,
 * and the proxy itself, which is never a target. */

#include "policy/policy.h"
#include "process/config/config.h"
#include "process/dialer/connector.h"

enum { DIALER_GUARD_LOCAL_MAX = 256, DIALER_GUARD_LISTENERS_MAX = 256 };

/* This machine, as far as it matters. */
struct dialer_guard {
    struct ip_address local[DIALER_GUARD_LOCAL_MAX]; /* of the interfaces */
    size_t local_count;
    bool is_complete; /* false: any address may be one of the machine's */
    struct ip_endpoint listeners[DIALER_GUARD_LISTENERS_MAX]; /* ours, whatever they are for */
    size_t listener_count;
    bool has_more_listeners; /* than fit: then no address of the machine is dialled */
    struct ip_endpoint proxy[CONNECTOR_ENDPOINTS_MAX]; /* upstream.proxy, as last resolved */
    size_t proxy_count;
    uint16_t proxy_port; /* of upstream.proxy; 0: there is none */
};

/* Reads the addresses of the interfaces anew; they come and go. */
void dialer_guard_read_interfaces(struct dialer_guard *guard);
/* Listeners are only ever added: one that a reload took away may still be open. */
void dialer_guard_add_listener(struct dialer_guard *guard, const struct ip_endpoint *listener);
void dialer_guard_add_configured(struct dialer_guard *guard, const struct config *config);
/* Where upstream.proxy is: no target of its own. At most CONNECTOR_ENDPOINTS_MAX. */
void dialer_guard_set_proxy(struct dialer_guard *guard, const struct ip_endpoint *endpoints,
                            size_t count);
/* False: upstream.proxy has a name that was not resolved yet; then no target with its port is
 * dialled. */
bool dialer_guard_knows_proxy(const struct dialer_guard *guard);

enum dialer_exemption {
    DIALER_CHECKED, /* came from a nameserver or from the client */
    DIALER_NAMED,   /* likewise, for a host that a store names as a private target */
    DIALER_EXEMPT,  /* the operator wrote this very address beside this very name */
    DIALER_PROXY,   /* the address of upstream.proxy, which nothing else may dial */
};

/* What may be dialled, in the order to try: IPv6 and IPv4 in turn. */
struct dialer_plan {
    struct ip_endpoint endpoints[CONNECTOR_ENDPOINTS_MAX];
    size_t count;
    struct ip_address refused; /* the first that may not; len 0: none */
};

/* What a name stands for, and where that is from. */
struct dialer_candidates {
    const struct ip_address *addresses; /* borrowed */
    size_t count;
    uint16_t port;
    enum dialer_exemption exemption;
};

/* Adds every candidate that may be dialled. */
void dialer_guard_plan(const struct dialer_guard *guard, const struct config *config,
                       const struct dialer_candidates *candidates, struct dialer_plan *plan);
