/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of leaves: bounded and fresh. */
#include "ca/ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { NOW = 1790000000, HOUR_S = 3600 };

/* A leaf is its dates to the cache. */
static X509 *leaf_until(time_t end)
{
    X509 *leaf = X509_new();

    assert_non_null(leaf);
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(leaf), end));
    return leaf;
}

static struct host_name host_of(const char *text)
{
    struct host_name host;

    assert_int_equal(host_name_parse(slice_from_string(text), &host), OK);
    return host;
}

static X509 *find(struct leaf_cache *cache, const char *text, time_t now)
{
    struct host_name host = host_of(text);

    return leaf_cache_find(cache, &host, now);
}

static void put(struct leaf_cache *cache, const char *text, X509 *leaf)
{
    struct host_name host = host_of(text);

    assert_int_equal(leaf_cache_put(cache, &host, leaf), OK);
}

static void a_leaf_is_found_by_its_host_alone(void **state)
{
    OWNED_STRUCT(leaf_cache) *cache = leaf_cache_new(4);
    OWNED(X509) *leaf = leaf_until(NOW + 24 * HOUR_S);

    (void)state;
    put(cache, "a.example", leaf);
    assert_ptr_equal(find(cache, "a.example", NOW), leaf);
    assert_null(find(cache, "b.example", NOW));
    assert_null(find(cache, "x.a.example", NOW));
}

static void a_leaf_is_not_handed_out_within_an_hour_of_its_end(void **state)
{
    OWNED_STRUCT(leaf_cache) *cache = leaf_cache_new(4);
    OWNED(X509) *leaf = leaf_until(NOW + 24 * HOUR_S);

    (void)state;
    put(cache, "a.example", leaf);
    assert_non_null(find(cache, "a.example", NOW + 23 * HOUR_S - 1));
    assert_null(find(cache, "a.example", NOW + 23 * HOUR_S));
}

static void the_least_recently_used_goes_first(void **state)
{
    OWNED_STRUCT(leaf_cache) *cache = leaf_cache_new(2);
    OWNED(X509) *leaf = leaf_until(NOW + 24 * HOUR_S);

    (void)state;
    put(cache, "a.example", leaf);
    put(cache, "b.example", leaf);
    assert_non_null(find(cache, "a.example", NOW));
    put(cache, "c.example", leaf);
    assert_non_null(find(cache, "a.example", NOW));
    assert_null(find(cache, "b.example", NOW));
    assert_non_null(find(cache, "c.example", NOW));
}

static void putting_again_replaces_and_costs_no_room(void **state)
{
    OWNED_STRUCT(leaf_cache) *cache = leaf_cache_new(2);
    OWNED(X509) *old = leaf_until(NOW + 24 * HOUR_S);
    OWNED(X509) *new = leaf_until(NOW + 48 * HOUR_S);

    (void)state;
    put(cache, "a.example", old);
    put(cache, "b.example", old);
    put(cache, "b.example", new);
    put(cache, "b.example", new);
    assert_ptr_equal(find(cache, "a.example", NOW), old);
    assert_ptr_equal(find(cache, "b.example", NOW), new);
}

static void thousands_of_hosts_leave_as_many_as_the_capacity(void **state)
{
    enum { HOSTS = 3000, CAPACITY = 16 };
    OWNED_STRUCT(leaf_cache) *cache = leaf_cache_new(CAPACITY);
    OWNED(X509) *leaf = leaf_until(NOW + 24 * HOUR_S);
    char name[32];
    int found = 0;

    (void)state;
    for (int i = 0; i < HOSTS; i++) {
        snprintf(name, sizeof(name), "h%d.example", i);
        put(cache, name, leaf);
    }
    for (int i = 0; i < HOSTS; i++) {
        snprintf(name, sizeof(name), "h%d.example", i);
        found += find(cache, name, NOW) != NULL;
    }
    assert_int_equal(found, CAPACITY);
}

static void a_reset_forgets_all(void **state)
{
    OWNED_STRUCT(leaf_cache) *cache = leaf_cache_new(1);
    OWNED(X509) *leaf = leaf_until(NOW + 24 * HOUR_S);

    (void)state;
    put(cache, "a.example", leaf);
    leaf_cache_reset(cache);
    assert_null(find(cache, "a.example", NOW));
    put(cache, "a.example", leaf);
    assert_non_null(find(cache, "a.example", NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_is_found_by_its_host_alone),
        cmocka_unit_test(a_leaf_is_not_handed_out_within_an_hour_of_its_end),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(putting_again_replaces_and_costs_no_room),
        cmocka_unit_test(thousands_of_hosts_leave_as_many_as_the_capacity),
        cmocka_unit_test(a_reset_forgets_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
