/* SPDX-License-Identifier: Apache-2.0 */
/* Counts over all workers, without locks. Never writes to a live worker's row but its own. */
#include "proxy/shared_counts.h"

#include <string.h>

enum { NS_PER_SECOND = 1000 * 1000 * 1000 };

size_t shared_counts_size(size_t worker_count)
{
    return sizeof(struct shared_counts) + worker_count * sizeof(struct shared_counts_row);
}

void shared_counts_forget_worker(struct shared_counts *counts, size_t worker)
{
    memset(&counts->workers[worker], 0, sizeof(counts->workers[worker]));
}

static uint32_t *item_of(const struct shared_counts_seat *seat, size_t worker,
                         enum shared_count kind, uint64_t sandbox_seq)
{
    return &seat->counts->workers[worker].items[kind][sandbox_seq % SHARED_COUNTS_SLOTS];
}

static uint64_t sum(const struct shared_counts_seat *seat, enum shared_count kind,
                    uint64_t sandbox_seq)
{
    uint64_t total = 0;

    for (size_t worker = 0; worker < seat->worker_count; worker++)
        total += __atomic_load_n(item_of(seat, worker, kind, sandbox_seq), __ATOMIC_SEQ_CST);
    return total;
}

/* Taken before it is looked at, so that no two workers take the last one. */
bool shared_counts_take(const struct shared_counts_seat *seat, enum shared_count kind,
                        uint64_t sandbox_seq, uint32_t limit)
{
    uint32_t *own = item_of(seat, seat->worker_index, kind, sandbox_seq);

    __atomic_add_fetch(own, 1, __ATOMIC_SEQ_CST);
    if (sum(seat, kind, sandbox_seq) <= limit)
        return true;
    __atomic_sub_fetch(own, 1, __ATOMIC_SEQ_CST);
    return false;
}

void shared_counts_give_back(const struct shared_counts_seat *seat, enum shared_count kind,
                             uint64_t sandbox_seq)
{
    __atomic_sub_fetch(item_of(seat, seat->worker_index, kind, sandbox_seq), 1, __ATOMIC_SEQ_CST);
}

/* The time at which the bucket is full says how much is in it: each request moves it by what it
 * takes to gain one. Never believed to be further off than a bucket that is empty, so that a burst
 * which a reload made smaller costs nobody more than that. */
uint64_t shared_counts_take_at_rate(const struct shared_counts_seat *seat, uint64_t sandbox_seq,
                                    const struct shared_rate *rate, uint64_t now_ns)
{
    uint64_t *full_at = &seat->counts->full_at_ns[rate->kind][sandbox_seq % SHARED_COUNTS_SLOTS];
    uint64_t seen = __atomic_load_n(full_at, __ATOMIC_RELAXED), next;

    if (rate->per_second == 0)
        return 0;
    uint64_t gap_ns = NS_PER_SECOND / rate->per_second, empty = now_ns + rate->burst * gap_ns;
    do {
        uint64_t from = seen < now_ns ? now_ns : seen;
        next = (from < empty ? from : empty) + gap_ns;
        if (next > empty)
            return next - empty;
    } while (!__atomic_compare_exchange_n(full_at, &seen, next, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 0;
}
