/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the rules for hosts holds for a connection. */
#include "proxy/upstream/upstream_rules.h"

#include "ca/ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct host_pattern pattern_of(const char *text)
{
    struct host_pattern pattern;

    assert_int_equal(host_pattern_parse(slice_from_string(text), &pattern, NULL), OK);
    return pattern;
}

static struct authority target_of(const char *text)
{
    struct authority target;

    assert_int_equal(authority_parse(slice_from_string(text), 0, &target), OK);
    return target;
}

/* The certificate itself does not matter here. */
static void add_certificate(struct upstream_rules *rules, const char *hosts,
                            const struct slice *stores, size_t store_count)
{
    struct host_pattern pattern = pattern_of(hosts);
    STACK_OF(X509) *chain = sk_X509_new_null();
    OWNED(X509) *leaf = X509_new();
    OWNED(EVP_PKEY) *key = EVP_PKEY_new();

    assert_int_equal(
        upstream_rules_add_certificate(
            rules, &(struct upstream_certificate){&pattern, stores, store_count, leaf, key, chain}),
        OK);
    sk_X509_free(chain);
}

static uint64_t tag_of(const struct upstream_rules *rules, const char *target,
                       const struct view *view)
{
    struct authority authority = target_of(target);

    return upstream_rules_tag(rules, view, &authority);
}

static void the_narrowest_pattern_wins_whatever_its_place(void **state)
{
    static const char *const orders[][4] = {
        {"*.example.com:*", "*.api.example.com:*", "a.api.example.com:*", "a.api.example.com:8443"},
        {"a.api.example.com:8443", "a.api.example.com:*", "*.api.example.com:*", "*.example.com:*"},
    };
    static const struct {
        const char *target;
        unsigned width; /* 0: the widest; 4: none */
    } rows[] = {
        {"b.example.com:443", 0},      {"b.api.example.com:443", 1},
        {"api.example.com:443", 0},    {"a.api.example.com:443", 2},
        {"a.api.example.com:8443", 3}, {"x.a.api.example.com:8443", 1},
        {"example.com:443", 4},        {"example.com.evil.test:443", 4},
        {"192.0.2.1:443", 4},
    };
    const struct view view = {.layer_count = 0};

    (void)state;
    for (size_t order = 0; order < 2; order++) {
        OWNED_STRUCT(upstream_rules) *rules = upstream_rules_new();
        uint64_t none = tag_of(rules, "none.test:443", &view);

        for (size_t i = 0; i < 4; i++)
            add_certificate(rules, orders[order][i], NULL, 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            size_t place = order == 0 ? rows[i].width : 3 - rows[i].width;
            uint64_t expected = rows[i].width == 4 ? none : none + 1 + place;

            if (tag_of(rules, rows[i].target, &view) != expected)
                fail_msg("order %zu, %s", order, rows[i].target);
        }
    }
}

static void a_certificate_of_a_store_is_for_sandboxes_that_have_it(void **state)
{
    static const struct slice stores[] = {SLICE_INIT("st-1"), SLICE_INIT("st-2")};
    struct view_layer layers[] = {{.store_id = SLICE("st-9"), .store_name = SLICE("st-1")},
                                  {.store_id = SLICE("st-2")}};
    const struct view none = {.layers = layers, .layer_count = 0};
    const struct view by_name = {.layers = layers, .layer_count = 1};
    const struct view by_id = {.layers = layers, .layer_count = 2};
    OWNED_STRUCT(upstream_rules) *rules = upstream_rules_new();
    uint64_t nobody = tag_of(rules, "a.test:443", &none);

    (void)state;
    add_certificate(rules, "*.a.test:*", NULL, 0);
    add_certificate(rules, "b.a.test:*", stores, 2);
    assert_true(tag_of(rules, "b.a.test:443", &by_id) == nobody + 2);
    /* Nor the wider one: what is narrowed to some is not given to others in another way. */
    assert_true(tag_of(rules, "b.a.test:443", &none) == nobody);
    assert_true(tag_of(rules, "b.a.test:443", &by_name) == nobody);
    assert_true(tag_of(rules, "c.a.test:443", &none) == nobody + 1);
}

static void no_two_sets_of_rules_have_a_tag_in_common(void **state)
{
    OWNED_STRUCT(upstream_rules) *first = upstream_rules_new();
    OWNED_STRUCT(upstream_rules) *second = upstream_rules_new();
    const struct view view = {.layer_count = 0};

    (void)state;
    for (size_t i = 0; i < UPSTREAM_RULES_MAX; i++) {
        char hosts[32];

        snprintf(hosts, sizeof(hosts), "host-%zu.test:*", i);
        add_certificate(first, hosts, NULL, 0);
    }
    assert_true(tag_of(first, "host-255.test:1", &view) < tag_of(second, "a.test:1", &view));
    assert_true(tag_of(first, "a.test:1", &view) != 0);
}

static void there_is_a_most_of_each(void **state)
{
    OWNED_STRUCT(upstream_rules) *rules = upstream_rules_new();
    struct host_pattern pattern = pattern_of("a.test:*");
    X509_STORE *store = X509_STORE_new();

    (void)state;
    for (size_t i = 0; i < UPSTREAM_RULES_MAX; i++)
        assert_int_equal(upstream_rules_add_roots(rules, &pattern, store), OK);
    assert_int_equal(upstream_rules_add_roots(rules, &pattern, store), ERR_TOO_LARGE);
    X509_STORE_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_narrowest_pattern_wins_whatever_its_place),
        cmocka_unit_test(a_certificate_of_a_store_is_for_sandboxes_that_have_it),
        cmocka_unit_test(no_two_sets_of_rules_have_a_tag_in_common),
        cmocka_unit_test(there_is_a_most_of_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
