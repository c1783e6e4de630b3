/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What confine.c turns into a filter: one line a call, readable without knowing seccomp. */

#include "process/messages.h"

#include <stdint.h>

#define CONFINE_ROLE(role) (1U << (role))

struct confine_rule {
    int call;
    unsigned roles; /* CONFINE_ROLE() of each; 0 ends the table */
    int reason;     /* 0: allowed; else the errno that it fails with */
    /* It counts where these bits of that argument are like that; mask 0: whatever the arguments. */
    unsigned argument;
    uint64_t mask, bits;
};

extern const struct confine_rule confine_rules[];
/* And beside these one of two: for a sanitizer, whose runtime calls more, or for a release. */
extern const struct confine_rule confine_rules_of_releases[];
extern const struct confine_rule confine_rules_of_sanitizers[];
