/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the workers of a node count together, in memory that all of them map: how much of each kind
 * every sandbox has now, and how fast it asks. Nobody waits for anybody: each worker writes to its
 * own row alone, which is zeroed when it dies, and the rate is one number that is right at any
 * moment. Sandboxes whose numbers agree modulo SHARED_COUNTS_SLOTS share a slot. */

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHARED_COUNTS_SLOTS = 1 << 18 };

enum shared_count {
    SHARED_CONNECTIONS,
    SHARED_STREAMS,
    SHARED_LOOKUPS, /* of the DNS gate, under way */
    SHARED_COUNT_KINDS,
};
enum shared_rate_kind {
    SHARED_REQUESTS,
    SHARED_QUERIES,     /* of the DNS gate */
    SHARED_FLOOD_LINES, /* in the audit, about queries that are too many */
    SHARED_RATE_KINDS,
};

struct shared_counts_row {
    uint32_t items[SHARED_COUNT_KINDS][SHARED_COUNTS_SLOTS];
};

/* Zeroed, it is empty. */
struct shared_counts {
    uint64_t full_at_ns[SHARED_RATE_KINDS]
                       [SHARED_COUNTS_SLOTS]; /* when each bucket is full again */
    struct shared_counts_row workers[];
};

/* A worker's place. */
struct shared_counts_seat {
    struct shared_counts *counts; /* borrowed */
    size_t worker_count, worker_index;
};

/* A bucket holds `burst`, and gains `per_second`; 0 per second: there is no limit. */
struct shared_rate {
    enum shared_rate_kind kind;
    uint32_t per_second, burst;
};

size_t shared_counts_size(size_t worker_count);
/* Gives back what a dead worker had. */
void shared_counts_forget_worker(struct shared_counts *counts, size_t worker);

/* One more. False, and nothing is taken, where that would be more than `limit` over all workers;
 * two that take the last one at the same moment may both hear that. */
MUST_USE bool shared_counts_take(const struct shared_counts_seat *seat, enum shared_count kind,
                                 uint64_t sandbox_seq, uint32_t limit);
void shared_counts_give_back(const struct shared_counts_seat *seat, enum shared_count kind,
                             uint64_t sandbox_seq);

/* One at `now_ns` of the monotonic clock, which all workers share. 0: go on; else in how many
 * nanoseconds there is room for one. */
uint64_t shared_counts_take_at_rate(const struct shared_counts_seat *seat, uint64_t sandbox_seq,
                                    const struct shared_rate *rate, uint64_t now_ns);
