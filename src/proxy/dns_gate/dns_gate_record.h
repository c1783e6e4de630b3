/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is remembered of an answered query: one audit line, and counts. */

#include "dns/dns_answer.h"
#include "proxy/state.h"

struct dns_gate_record {
    const struct dns_query *query;
    const struct view *view;
    const struct ip_address *client;
    enum refusal_code code;
    uint64_t began_ms; /* of the monotonic clock */
    const struct dns_answer *answer;
};

/* The counts alone; dns_gate_record_write() does that too. */
void dns_gate_record_count(enum refusal_code code);
void dns_gate_record_write(struct proxy *proxy, const struct dns_gate_record *record);
