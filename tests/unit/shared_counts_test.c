/* SPDX-License-Identifier: Apache-2.0 */
/* What workers count together, with several of them on one piece of memory. */
#include "proxy/shared_counts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 3, SANDBOX = 5, SECOND = 1000 * 1000 * 1000 };

static struct shared_counts *map_counts(void)
{
    void *memory = mmap(NULL, shared_counts_size(WORKERS), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

static int set_up(void **state)
{
    *state = map_counts();
    return 0;
}

static int tear_down(void **state)
{
    return munmap(*state, shared_counts_size(WORKERS));
}

static struct shared_counts_seat seat_of(void *counts, size_t worker)
{
    return (struct shared_counts_seat){counts, WORKERS, worker};
}

static unsigned take_all(const struct shared_counts_seat *seat, enum shared_count kind,
                         uint64_t sandbox, uint32_t limit)
{
    unsigned taken = 0;

    while (shared_counts_take(seat, kind, sandbox, limit))
        taken++;
    return taken;
}

static void a_limit_is_over_all_workers(void **state)
{
    struct shared_counts_seat first = seat_of(*state, 0), second = seat_of(*state, 1);

    assert_true(shared_counts_take(&first, SHARED_STREAMS, SANDBOX, 4));
    assert_int_equal(take_all(&second, SHARED_STREAMS, SANDBOX, 4), 3);
    assert_false(shared_counts_take(&first, SHARED_STREAMS, SANDBOX, 4));
    shared_counts_give_back(&second, SHARED_STREAMS, SANDBOX);
    assert_true(shared_counts_take(&first, SHARED_STREAMS, SANDBOX, 4));
}

static void a_refusal_takes_nothing(void **state)
{
    struct shared_counts_seat seat = seat_of(*state, 2);

    for (int i = 0; i < 10; i++)
        assert_false(shared_counts_take(&seat, SHARED_STREAMS, SANDBOX, 0));
    assert_true(shared_counts_take(&seat, SHARED_STREAMS, SANDBOX, 1));
}

static void kinds_and_sandboxes_are_counted_apart(void **state)
{
    struct shared_counts_seat seat = seat_of(*state, 0);

    assert_int_equal(take_all(&seat, SHARED_CONNECTIONS, SANDBOX, 2), 2);
    assert_int_equal(take_all(&seat, SHARED_STREAMS, SANDBOX, 2), 2);
    assert_int_equal(take_all(&seat, SHARED_STREAMS, SANDBOX + 1, 2), 2);
}

static void what_a_dead_worker_had_is_given_back(void **state)
{
    struct shared_counts_seat dead = seat_of(*state, 1), live = seat_of(*state, 2);

    assert_int_equal(take_all(&dead, SHARED_CONNECTIONS, SANDBOX, 9), 9);
    assert_int_equal(take_all(&dead, SHARED_STREAMS, SANDBOX, 7), 7);
    assert_false(shared_counts_take(&live, SHARED_STREAMS, SANDBOX, 7));
    shared_counts_forget_worker(*state, 1);
    assert_int_equal(take_all(&live, SHARED_CONNECTIONS, SANDBOX, 9), 9);
    assert_int_equal(take_all(&live, SHARED_STREAMS, SANDBOX, 7), 7);
}

static unsigned requests_at(void *counts, size_t worker, const struct shared_rate *rate,
                            uint64_t now_ns)
{
    struct shared_counts_seat seat = seat_of(counts, worker);
    unsigned taken = 0;

    while (taken < 1000 && shared_counts_take_at_rate(&seat, SANDBOX, rate, now_ns) == 0)
        taken++;
    return taken;
}

static void a_burst_then_the_rate(void **state)
{
    static const struct shared_rate rate = {.per_second = 10, .burst = 30};
    uint64_t now = (uint64_t)1000 * SECOND;

    assert_int_equal(requests_at(*state, 0, &rate, now), 30);
    assert_int_equal(requests_at(*state, 1, &rate, now + SECOND / 20), 0);
    assert_int_equal(requests_at(*state, 1, &rate, now + SECOND), 10);
    assert_int_equal(requests_at(*state, 2, &rate, now + (uint64_t)2 * SECOND), 10);
    assert_int_equal(requests_at(*state, 0, &rate, now + (uint64_t)3600 * SECOND), 30);
}

static void rates_are_counted_apart(void **state)
{
    static const struct shared_rate queries = {SHARED_QUERIES, 200, 400},
                                    lines = {SHARED_FLOOD_LINES, 1, 1};
    uint64_t now = (uint64_t)9 * SECOND;

    assert_int_equal(requests_at(*state, 0, &queries, now), 400);
    assert_int_equal(requests_at(*state, 1, &lines, now), 1);
    assert_int_equal(requests_at(*state, 2, &lines, now + SECOND - 1), 0);
    assert_int_equal(requests_at(*state, 2, &lines, now + SECOND), 1);
    assert_int_equal(requests_at(*state, 1, &queries, now + SECOND), 200);
}

static void a_refusal_says_how_long_to_wait(void **state)
{
    static const struct shared_rate rate = {.per_second = 4, .burst = 1};
    struct shared_counts_seat seat = seat_of(*state, 0);
    uint64_t now = (uint64_t)50 * SECOND;

    assert_int_equal(shared_counts_take_at_rate(&seat, SANDBOX, &rate, now), 0);
    uint64_t wait = shared_counts_take_at_rate(&seat, SANDBOX, &rate, now);
    assert_int_equal(wait, SECOND / 4);
    assert_int_equal(shared_counts_take_at_rate(&seat, SANDBOX, &rate, now + wait - 1), 1);
    assert_int_equal(shared_counts_take_at_rate(&seat, SANDBOX, &rate, now + wait), 0);
}

static void without_a_rate_there_is_no_limit(void **state)
{
    static const struct shared_rate rate = {.per_second = 0, .burst = 1};

    assert_int_equal(requests_at(*state, 0, &rate, 1), 1000);
}

static void a_smaller_burst_than_before_costs_no_more_than_itself(void **state)
{
    static const struct shared_rate before = {SHARED_REQUESTS, 1, 900},
                                    after = {SHARED_REQUESTS, 1, 5};
    uint64_t now = (uint64_t)10 * SECOND;

    assert_int_equal(requests_at(*state, 0, &before, now), 900);
    assert_int_equal(requests_at(*state, 0, &after, now), 0);
    assert_int_equal(requests_at(*state, 0, &after, now + (uint64_t)1 * SECOND), 0);
    struct shared_counts_seat seat = seat_of(*state, 0);
    assert_in_range(shared_counts_take_at_rate(&seat, SANDBOX, &after, now), 1, SECOND);
}

static pid_t start_worker(void *counts, size_t worker, const struct shared_rate *rate,
                          uint64_t now_ns)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit((int)requests_at(counts, worker, rate, now_ns));
    assert_true(pid > 0);
    return pid;
}

static unsigned result_of(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (unsigned)WEXITSTATUS(status);
}

/* At one moment, so that the outcome does not depend on who runs when. */
static void workers_at_once_take_exactly_the_burst(void **state)
{
    static const struct shared_rate rate = {.per_second = 1000, .burst = 200};
    uint64_t now = (uint64_t)7 * SECOND;
    pid_t pids[WORKERS];
    unsigned taken = 0;

    for (size_t i = 0; i < WORKERS; i++)
        pids[i] = start_worker(*state, i, &rate, now);
    for (size_t i = 0; i < WORKERS; i++)
        taken += result_of(pids[i]);
    assert_int_equal(taken, rate.burst);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_limit_is_over_all_workers),
        TEST(a_refusal_takes_nothing),
        TEST(kinds_and_sandboxes_are_counted_apart),
        TEST(what_a_dead_worker_had_is_given_back),
        TEST(a_burst_then_the_rate),
        TEST(rates_are_counted_apart),
        TEST(a_refusal_says_how_long_to_wait),
        TEST(without_a_rate_there_is_no_limit),
        TEST(a_smaller_burst_than_before_costs_no_more_than_itself),
        TEST(workers_at_once_take_exactly_the_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
