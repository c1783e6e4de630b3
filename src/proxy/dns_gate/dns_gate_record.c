/* SPDX-License-Identifier: Apache-2.0 */
/* Audit lines and counts of the gate. Never lets a client choose a label of a metric. */
#include "proxy/dns_gate/dns_gate_record.h"

#include "observe/metrics.h"

#include <stdio.h>
#include <time.h>

enum { TYPE_TEXT_MAX = 16 };

/* "AAAA", or "TYPE257" (RFC 3597, 5). */
static struct slice name_type(uint16_t type, char text[TYPE_TEXT_MAX])
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {{DNS_A, "A"}, {DNS_AAAA, "AAAA"}, {DNS_HTTPS, "HTTPS"}, {DNS_SVCB, "SVCB"},
                 {2, "NS"},    {5, "CNAME"},       {6, "SOA"},           {10, "NULL"},
                 {12, "PTR"},  {15, "MX"},         {16, "TXT"},          {33, "SRV"},
                 {255, "ANY"}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].type == type)
            return slice_from_string(names[i].name);
    }
    snprintf(text, TYPE_TEXT_MAX, "TYPE%u", type);
    return slice_from_string(text);
}

static uint64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void dns_gate_record_count(enum refusal_code code)
{
    metrics_add(code == REFUSAL_NONE ? METRIC_DNS_ALLOWED : METRIC_DNS_REFUSED, 1);
    if (code != REFUSAL_NONE)
        metrics_count_refusal(code);
}

/* Names of stores, which lie in the view. */
static size_t list_stores(const struct view *view, struct slice stores[VIEW_LAYERS_MAX])
{
    for (size_t i = 0; i < view->layer_count; i++)
        stores[i] = view->layers[i].store_name;
    return view->layer_count;
}

void dns_gate_record_write(struct proxy *proxy, const struct dns_gate_record *record)
{
    char client[IP_ADDRESS_TEXT_MAX], address[IP_ADDRESS_TEXT_MAX], type[TYPE_TEXT_MAX];
    char name[DNS_NAME_MAX];
    struct slice stores[VIEW_LAYERS_MAX];
    const struct dns_answer *answer = record->answer;
    bool is_allowed = record->code == REFUSAL_NONE;
    uint64_t duration_ms = proxy_now_ms(proxy) - record->began_ms;
    struct audit_record line = {
        .time_ms = wall_clock_ms() - duration_ms,
        .sandbox = record->view->sandbox_id,
        .org = record->view->org_id,
        .client = ip_address_format(record->client, client),
        .protocol = SLICE("dns"),
        .host = dns_query_format_name(record->query, name),
        .stores = stores,
        .store_count = list_stores(record->view, stores),
        .decision = is_allowed ? SLICE("allowed") : SLICE("refused"),
        .code = slice_from_string(refusal_code_name(record->code)),
        .duration_ms = duration_ms,
    };

    if (record->query->name_len > 0)
        line.method = name_type(record->query->type, type);
    if (answer->address_count > 0)
        line.upstream = ip_address_format(&answer->addresses[0], address);
    dns_gate_record_count(record->code);
    proxy_write_audit(proxy, &line);
}
