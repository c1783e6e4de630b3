/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Counters in memory that the supervisor made and every process maps: each process adds to its own
 * row without a lock, control sums the rows for /metrics. Names start with sealgate_. */

#include "base/buffer.h"

enum { METRICS_ROWS_MAX = 260 };

/* name, kind, Prometheus name with labels, help */
#define METRICS_TABLE(X)                                                                           \
    X(METRIC_CONNECTIONS_TOTAL, COUNTER, "sealgate_connections_total",                             \
      "Client connections accepted")                                                               \
    X(METRIC_CONNECTIONS_OPEN, GAUGE, "sealgate_connections_open", "Client connections open now")  \
    X(METRIC_REQUESTS_ALLOWED, COUNTER, "sealgate_requests_total{decision=\"allowed\"}",           \
      "Requests by decision")                                                                      \
    X(METRIC_REQUESTS_REFUSED, COUNTER, "sealgate_requests_total{decision=\"refused\"}",           \
      "Requests by decision")                                                                      \
    X(METRIC_DNS_ALLOWED, COUNTER, "sealgate_dns_queries_total{decision=\"allowed\"}",             \
      "DNS queries by decision")                                                                   \
    X(METRIC_DNS_REFUSED, COUNTER, "sealgate_dns_queries_total{decision=\"refused\"}",             \
      "DNS queries by decision")                                                                   \
    X(METRIC_DNS_DROPPED, COUNTER, "sealgate_dns_queries_total{decision=\"dropped\"}",             \
      "DNS queries by decision")                                                                   \
    X(METRIC_TOKENS_REPLACED, COUNTER, "sealgate_tokens_replaced_total",                           \
      "Tokens replaced by values in requests")                                                     \
    X(METRIC_VALUES_REDACTED, COUNTER, "sealgate_values_redacted_total",                           \
      "Values hidden in responses")                                                                \
    X(METRIC_UPSTREAM_DIALS, COUNTER, "sealgate_upstream_connections_total",                       \
      "Connections opened to upstreams")                                                           \
    X(METRIC_UPSTREAM_REUSED, COUNTER, "sealgate_upstream_reuses_total",                           \
      "Requests sent on a pooled upstream connection")                                             \
    X(METRIC_UPSTREAM_RESUMED, COUNTER, "sealgate_upstream_tls_resumptions_total",                 \
      "Upstream TLS sessions resumed")                                                             \
    X(METRIC_CLIENT_TLS_HANDSHAKES, COUNTER, "sealgate_client_tls_handshakes_total",               \
      "TLS handshakes with clients")                                                               \
    X(METRIC_PASSTHROUGHS, COUNTER, "sealgate_passthroughs_total",                                 \
      "TLS connections that went through unopened")                                                \
    X(METRIC_LEAVES_MINTED, COUNTER, "sealgate_leaves_minted_total", "Leaf certificates minted")   \
    X(METRIC_LIMITED_CONNECTIONS, COUNTER, "sealgate_limited_total{limit=\"connections\"}",        \
      "What a sandbox was refused for one of its limits")                                          \
    X(METRIC_LIMITED_STREAMS, COUNTER, "sealgate_limited_total{limit=\"streams\"}",                \
      "What a sandbox was refused for one of its limits")                                          \
    X(METRIC_LIMITED_REQUESTS, COUNTER, "sealgate_limited_total{limit=\"requests\"}",              \
      "What a sandbox was refused for one of its limits")                                          \
    X(METRIC_BYTES_FROM_CLIENTS, COUNTER, "sealgate_client_bytes_total{direction=\"in\"}",         \
      "Body bytes by direction, as the client sees it")                                            \
    X(METRIC_BYTES_TO_CLIENTS, COUNTER, "sealgate_client_bytes_total{direction=\"out\"}",          \
      "Body bytes by direction, as the client sees it")                                            \
    X(METRIC_AUDIT_LOST, COUNTER, "sealgate_audit_lost_total",                                     \
      "Audit lines that could not be written")                                                     \
    X(METRIC_VIEWS_ACTIVE, GAUGE, "sealgate_views_active", "Sandboxes with a view in a worker")    \
    X(METRIC_API_REQUESTS, COUNTER, "sealgate_api_requests_total", "Requests to the control API")

#define METRICS_ENUM(name, kind, prometheus, help) name,
enum metric { METRICS_TABLE(METRICS_ENUM) METRIC_COUNT };
#undef METRICS_ENUM

enum { METRICS_REFUSALS_MAX = 48, METRICS_BUCKETS = 14 };

/* One process's row; all fields are relaxed atomics. Aligned, so that no two processes write to one
 * cache line. */
struct metrics_row {
    _Alignas(64) uint64_t values[METRIC_COUNT];
    uint64_t refusals[METRICS_REFUSALS_MAX];    /* by enum refusal_code */
    uint64_t duration_buckets[METRICS_BUCKETS]; /* of exchanges, see metrics.c for the bounds */
    uint64_t duration_sum_us;
};

size_t metrics_size(size_t rows);
/* `memory` is metrics_size(rows) zeroed bytes at the start of a page, shared. The calling process
 * writes to `row` (< rows). Before this, everything counts into a row that only this process sees.
 */
void metrics_attach(void *memory, size_t rows, size_t row);
void metrics_add(enum metric metric, long long delta);
void metrics_count_refusal(unsigned refusal_code);
void metrics_observe_duration(uint64_t duration_us);
/* Zeroes the gauges of a row whose process died. */
void metrics_forget_gauges(size_t row);
/* Prometheus text (version 0.0.4) of the sum of all rows. `refusal_name` names a refusal code; one
 * that it names "", or like a smaller code, has no series. */
MUST_USE enum error metrics_format(const char *(*refusal_name)(unsigned code), struct buffer *out);
