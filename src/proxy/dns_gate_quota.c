/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket for each sandbox. Never keeps one for a sandbox that asks no more. */
#include "proxy/dns_gate_quota.h"

#include <stdlib.h>

enum { ONE = 1000, SWEEP_MS = 10 * 1000, TELL_MS = 1000 };

static const uint64_t full = (uint64_t)DNS_GATE_QUOTA_BURST * ONE;

void dns_gate_quotas_init(struct dns_gate_quotas *quotas)
{
    table_init(&quotas->by_sandbox);
    quotas->swept_ms = 0;
}

static void forget(struct dns_gate_quotas *quotas, struct dns_gate_quota *quota)
{
    table_remove(&quotas->by_sandbox, &quota->entry);
    free(quota);
}

void dns_gate_quotas_clear(struct dns_gate_quotas *quotas)
{
    struct table_entry *entry;

    while ((entry = table_first(&quotas->by_sandbox)) != NULL)
        forget(quotas, CONTAINER_OF(entry, struct dns_gate_quota, entry));
    table_clear(&quotas->by_sandbox);
}

/* PER_S thousandths come back every millisecond. */
static void bring_up_to_date(struct dns_gate_quota *quota, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - quota->credited_ms;
    uint64_t missing = full - quota->credit;

    quota->credited_ms = now_ms;
    quota->credit +=
        elapsed_ms >= missing / DNS_GATE_QUOTA_PER_S ? missing : elapsed_ms * DNS_GATE_QUOTA_PER_S;
}

/* One that is full again is no different from a new one. */
static void sweep(struct dns_gate_quotas *quotas, uint64_t now_ms)
{
    struct table_entry *entry = table_first(&quotas->by_sandbox), *next;

    if (now_ms - quotas->swept_ms < SWEEP_MS)
        return;
    quotas->swept_ms = now_ms;
    for (; entry != NULL; entry = next) {
        struct dns_gate_quota *quota = CONTAINER_OF(entry, struct dns_gate_quota, entry);

        next = table_next(&quotas->by_sandbox, entry);
        bring_up_to_date(quota, now_ms);
        if (quota->lookups == 0 && quota->credit == full)
            forget(quotas, quota);
    }
}

static struct dns_gate_quota *add(struct dns_gate_quotas *quotas, struct slice id, uint64_t now_ms)
{
    struct dns_gate_quota *quota = calloc(1, sizeof(*quota));

    if (quota == NULL)
        return NULL;
    quota->credit = full;
    quota->credited_ms = now_ms;
    memcpy(quota->id, id.data, id.len);
    if (table_insert(&quotas->by_sandbox, &quota->entry, slice_of(quota->id, id.len)) != OK) {
        free(quota);
        return NULL;
    }
    return quota;
}

struct dns_gate_quota *dns_gate_quotas_find(struct dns_gate_quotas *quotas, struct slice id,
                                            uint64_t now_ms)
{
    if (id.len == 0 || id.len > DNS_GATE_QUOTA_ID_MAX)
        return NULL;
    sweep(quotas, now_ms);

    struct table_entry *entry = table_find(&quotas->by_sandbox, id);
    if (entry != NULL)
        return CONTAINER_OF(entry, struct dns_gate_quota, entry);
    return add(quotas, id, now_ms);
}

bool dns_gate_quota_take(struct dns_gate_quota *quota, uint64_t now_ms)
{
    bring_up_to_date(quota, now_ms);
    if (quota->credit < ONE)
        return false;
    quota->credit -= ONE;
    return true;
}

bool dns_gate_quota_should_tell(struct dns_gate_quota *quota, uint64_t now_ms)
{
    if (quota->told_ms != 0 && now_ms - quota->told_ms < TELL_MS)
        return false;
    quota->told_ms = now_ms;
    return true;
}
