/* SPDX-License-Identifier: Apache-2.0 */
/* How much a sandbox may ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/dns_gate_quota.h"

static struct dns_gate_quotas quotas;

static int set_up(void **state)
{
    (void)state;
    dns_gate_quotas_init(&quotas);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dns_gate_quotas_clear(&quotas);
    return 0;
}

static struct dns_gate_quota *find(struct slice id, uint64_t now_ms)
{
    struct dns_gate_quota *quota = dns_gate_quotas_find(&quotas, id, now_ms);

    assert_non_null(quota);
    return quota;
}

static unsigned take_all(struct dns_gate_quota *quota, uint64_t now_ms)
{
    unsigned count = 0;

    while (dns_gate_quota_take(quota, now_ms))
        count++;
    return count;
}

static void a_burst_is_taken_at_once_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(take_all(find(SLICE("sb-1"), 5), 5), DNS_GATE_QUOTA_BURST);
}

static void what_was_taken_comes_back_with_time(void **state)
{
    static const struct {
        uint64_t after_ms;
        unsigned count;
    } cases[] = {{0, 0},      {4, 0},      {5, 1},        {1000, 200},
                 {1999, 399}, {2000, 400}, {100000, 400}, {UINT64_MAX / 2, 400}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dns_gate_quota quota = {.credit = 0, .credited_ms = 7};

        if (take_all(&quota, 7 + cases[i].after_ms) != cases[i].count)
            fail_msg("after %llu ms", (unsigned long long)cases[i].after_ms);
    }
}

static void many_small_steps_give_as_much_as_a_large_one(void **state)
{
    struct dns_gate_quota quota = {.credit = 0, .credited_ms = 0};
    unsigned count = 0;

    (void)state;
    for (uint64_t now = 1; now <= 10 * 1000; now++)
        count += take_all(&quota, now);
    assert_int_equal(count, 10 * DNS_GATE_QUOTA_PER_S);
}

static void sandboxes_do_not_share(void **state)
{
    (void)state;
    take_all(find(SLICE("sb-1"), 0), 0);
    assert_false(dns_gate_quota_take(find(SLICE("sb-1"), 0), 0));
    assert_true(dns_gate_quota_take(find(SLICE("sb-2"), 0), 0));
}

static void who_asks_no_more_is_forgotten(void **state)
{
    (void)state;
    dns_gate_quota_take(find(SLICE("sb-1"), 0), 0);
    find(SLICE("sb-2"), 0)->lookups = 1;
    find(SLICE("sb-3"), 60 * 1000);
    assert_int_equal(quotas.by_sandbox.count, 2); /* sb-2 still waits for something */
    find(SLICE("sb-2"), 60 * 1000)->lookups = 0;
}

static void who_still_has_to_pay_is_not(void **state)
{
    (void)state;
    find(SLICE("sb-0"), 10 * 1000);
    take_all(find(SLICE("sb-1"), 19 * 1000), 19 * 1000);
    find(SLICE("sb-2"), 20 * 1000);
    assert_int_equal(quotas.by_sandbox.count, 2); /* sb-0 is not there */
    assert_int_equal(take_all(find(SLICE("sb-1"), 20 * 1000), 20 * 1000), DNS_GATE_QUOTA_PER_S);
}

static void an_id_of_no_sandbox_has_none(void **state)
{
    static const char long_id[DNS_GATE_QUOTA_ID_MAX + 1] = "sb-";

    (void)state;
    assert_null(dns_gate_quotas_find(&quotas, SLICE_NONE, 0));
    assert_null(dns_gate_quotas_find(&quotas, slice_of(long_id, sizeof(long_id)), 0));
    assert_non_null(dns_gate_quotas_find(&quotas, slice_of(long_id, sizeof(long_id) - 1), 0));
}

static void a_flood_is_told_of_once_a_second(void **state)
{
    struct dns_gate_quota *quota = find(SLICE("sb-1"), 1000);

    (void)state;
    assert_true(dns_gate_quota_should_tell(quota, 1000));
    assert_false(dns_gate_quota_should_tell(quota, 1999));
    assert_true(dns_gate_quota_should_tell(quota, 2000));
}

#define QUOTA_TEST(fact) cmocka_unit_test_setup_teardown(fact, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUOTA_TEST(a_burst_is_taken_at_once_and_no_more),
        QUOTA_TEST(what_was_taken_comes_back_with_time),
        QUOTA_TEST(many_small_steps_give_as_much_as_a_large_one),
        QUOTA_TEST(sandboxes_do_not_share),
        QUOTA_TEST(who_asks_no_more_is_forgotten),
        QUOTA_TEST(who_still_has_to_pay_is_not),
        QUOTA_TEST(an_id_of_no_sandbox_has_none),
        QUOTA_TEST(a_flood_is_told_of_once_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
