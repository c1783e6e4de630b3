/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How much of the gate one sandbox takes: queries by time, and look-ups under way. Of one worker.
 */

#include "base/table.h"

enum {
    DNS_GATE_QUOTA_PER_S = 200,
    DNS_GATE_QUOTA_BURST = 400,
    DNS_GATE_QUOTA_LOOKUPS = 64,
    DNS_GATE_QUOTA_ID_MAX = 64,
};

struct dns_gate_quota {
    struct table_entry entry;
    char id[DNS_GATE_QUOTA_ID_MAX];
    uint64_t credit;      /* in thousandths of a query */
    uint64_t credited_ms; /* when it was last brought up to date */
    uint64_t told_ms;     /* when the audit last heard that there was none left; 0: never */
    unsigned lookups;     /* the gate's: under way */
};

struct dns_gate_quotas {
    struct table by_sandbox;
    uint64_t swept_ms;
};

void dns_gate_quotas_init(struct dns_gate_quotas *quotas);
void dns_gate_quotas_clear(struct dns_gate_quotas *quotas);
/* Of the sandbox with this id; a new one starts full. Valid until the next call, or longer while it
 * has look-ups. NULL: out of memory, or the id is too long. */
struct dns_gate_quota *dns_gate_quotas_find(struct dns_gate_quotas *quotas, struct slice id,
                                            uint64_t now_ms);
/* Takes one query; false: there is none left. `now_ms` never goes back. */
bool dns_gate_quota_take(struct dns_gate_quota *quota, uint64_t now_ms);
/* True once a second at most. */
bool dns_gate_quota_should_tell(struct dns_gate_quota *quota, uint64_t now_ms);
