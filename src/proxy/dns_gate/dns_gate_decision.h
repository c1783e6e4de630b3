/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the gate does with a query, before anything is looked up. Pure. */

#include "dns/dns_answer.h"
#include "policy/policy.h"

struct dns_gate_decision {
    bool looks_up;          /* the dialer knows the answer; else it is this: */
    enum dns_rcode rcode;   /* NOERROR: the name has no record of this type */
    enum refusal_code code; /* REFUSAL_NONE: counts as allowed */
    enum dns_extended_error extended;
    struct slice text; /* for the client; static */
};

/* In this order: the sandbox runs; the query is well-formed and about the Internet; names that must
 * not be looked up anywhere (localhost, the canary of browsers) do not exist; only hosts, and only
 * addresses and service bindings of them; the sandbox may reach the host. Service bindings (HTTPS,
 * SVCB) do not exist, so that no ECH keys and no HTTP/3 are offered. */
struct dns_gate_decision dns_gate_decide(const struct view *view, const struct dns_query *query,
                                         struct decision_settings settings);
/* The dialer found a reason after all. */
struct dns_gate_decision dns_gate_decision_of(enum refusal_code code);
/* There are too many queries of this sandbox. */
struct dns_gate_decision dns_gate_decision_too_many(void);
