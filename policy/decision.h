/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The decision, with its reason. Pure: strings and tables in, a value out; the data plane, the
 * dialer, the keyholder, `explain` and the tests call the same functions. */

#include "policy/refusal_code.h"
#include "policy/view.h"

/* A denial is a value, never an error, and zero denies. */
enum verdict { VERDICT_DENY, VERDICT_ALLOW };

struct decision {
    enum verdict verdict;
    enum refusal_code code; /* REFUSAL_NONE when allowed */
    struct slice pattern;   /* the rule that decided; empty: none did */
    struct slice store;     /* the layer that the rule or the secret is from; empty: none */
    struct slice secret;    /* the name of the secret in question; empty: none */
};

/* What the operator's configuration adds to every decision. */
struct decision_settings {
    bool default_deny; /* an empty allowlist allows nothing, a secret without hosts goes nowhere */
};

/* Step 1: is the sandbox running. */
struct decision decision_for_identity(const struct view *view);
/* Step 3: host and port on the merged egress allowlist. */
struct decision decision_for_host(const struct view *view, const struct authority *target,
                                  struct decision_settings settings);
/* Whether the sandbox may reach this host on any port at all: what the DNS gate answers. The same
 * lists, and the same meaning of an empty one, as decision_for_host(). */
struct decision decision_for_name(const struct view *view, const struct host_name *host,
                                  struct decision_settings settings);
/* Whether TLS to this target goes through unopened: the sandbox may reach it, and it is on the
 * merged passthrough list. A denial with REFUSAL_NONE: it may be reached, and is intercepted. */
struct decision decision_for_passthrough(const struct view *view, const struct authority *target,
                                         struct decision_settings settings);
/* Whether the host is one of the sandbox's named private targets, so that address_guard.h has an
 * exception for it. It says nothing about whether the sandbox may reach the host. */
struct decision decision_for_private(const struct view *view, const struct host_name *host);
/* Step 4, the secret's hosts alone: may its value go to `target`. Also false when the sandbox
 * itself may not reach the target, and where TLS passes through unopened. */
struct decision decision_for_secret(const struct view *view, const struct view_secret *secret,
                                    const struct authority *target,
                                    struct decision_settings settings);
