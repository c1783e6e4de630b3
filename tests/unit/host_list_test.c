/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled list decides as its patterns do one by one, and names the most specific. */
#include "policy/host_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct host_list *list_of(const char *const *patterns, size_t count)
{
    struct host_list *list = host_list_new();

    assert_non_null(list);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(host_list_add(list, slice_from_string(patterns[i]), NULL), OK);
    return list;
}

static struct authority target_of(const char *text)
{
    struct authority target;

    assert_int_equal(authority_parse(slice_from_string(text), 443, &target), OK);
    return target;
}

static const char *const mixed[] = {
    "*",
    "*.example.com",
    "*.API.example.com",
    "api.example.com",
    "Api.Example.com:*",
    "*.example.com:8443",
    "api.example.com:9000",
    "192.0.2.1",
    "[2001:db8::1]:8443",
    "*.b.a.test:1",
    "*.a.test:2",
};

/* target, the pattern that decides (NULL: none) */
static const struct {
    const char *target, *pattern;
} decisions[] = {
    {"api.example.com", "api.example.com"},        /* exact goes before the wildcard */
    {"api.example.com:9000", "Api.Example.com:*"}, /* the first of two that fit */
    {"v1.api.example.com", "*.API.example.com"},   /* the longest suffix */
    {"www.example.com", "*.example.com"},
    {"www.example.com:8443", "*.example.com:8443"},    /* the same suffix, another port */
    {"v1.api.example.com:8443", "*.example.com:8443"}, /* the longest suffix that fits the port */
    {"www.example.com:9999", NULL},
    {"example.com", "*"}, /* the apex is not below itself */
    {"other.test", "*"},
    {"other.test:8443", NULL},
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.2", NULL}, /* no star for addresses */
    {"[2001:db8::1]:8443", "[2001:db8::1]:8443"},
    {"[2001:db8::1]", NULL},
    {"x.b.a.test:1", "*.b.a.test:1"},
    {"x.b.a.test:2", "*.a.test:2"},
    {"x.b.a.test:3", NULL},
};

static void the_most_specific_pattern_decides(void **state)
{
    OWNED_STRUCT(host_list) *list = list_of(mixed, ARRAY_LEN(mixed));

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
        struct authority target = target_of(decisions[i].target);
        struct slice pattern = SLICE_NONE;
        bool matches = host_list_matches(list, &target, &pattern);

        if (matches != (decisions[i].pattern != NULL) ||
            !slice_equals(pattern, slice_from_string(decisions[i].pattern)))
            fail_msg("\"%s\": \"%.*s\"", decisions[i].target, SLICE_ARG(pattern));
        assert_int_equal(host_list_matches(list, &target, NULL), matches);
    }
}

static bool some_pattern_matches(const struct authority *target)
{
    for (size_t i = 0; i < ARRAY_LEN(mixed); i++) {
        struct host_pattern pattern;
        assert_int_equal(host_pattern_parse(slice_from_string(mixed[i]), &pattern, NULL), OK);
        if (host_pattern_matches(&pattern, target))
            return true;
    }
    return false;
}

static void a_list_matches_when_one_of_its_patterns_does(void **state)
{
    OWNED_STRUCT(host_list) *list = list_of(mixed, ARRAY_LEN(mixed));

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
        struct authority target = target_of(decisions[i].target);
        assert_int_equal(host_list_matches(list, &target, NULL), some_pattern_matches(&target));
    }
}

static void an_empty_list_matches_nothing(void **state)
{
    OWNED_STRUCT(host_list) *list = host_list_new();
    struct authority target = target_of("example.com");

    (void)state;
    assert_false(host_list_matches(list, &target, NULL));
    assert_false(host_list_matches(NULL, &target, NULL));
    assert_int_equal(host_list_count(NULL), 0);
    assert_false(host_list_contains(NULL, SLICE("example.com")));
}

static void texts_stay_as_given_in_order_without_literal_duplicates(void **state)
{
    static const char *const patterns[] = {"B.test", "a.test", "B.test", "b.test", "a.test"};
    OWNED_STRUCT(host_list) *list = list_of(patterns, ARRAY_LEN(patterns));

    (void)state;
    assert_int_equal(host_list_count(list), 3);
    assert_true(slice_equals(host_list_text(list, 0), SLICE("B.test")));
    assert_true(slice_equals(host_list_text(list, 1), SLICE("a.test")));
    assert_true(slice_equals(host_list_text(list, 2), SLICE("b.test")));
    assert_true(host_list_contains(list, SLICE("B.test")));
    assert_false(host_list_contains(list, SLICE("B.TEST")));
}

static void a_bad_pattern_is_not_added(void **state)
{
    OWNED_STRUCT(host_list) *list = host_list_new();
    const char *why = NULL;

    (void)state;
    assert_int_equal(host_list_add(list, SLICE("*.com"), &why), ERR_SYNTAX);
    assert_non_null(why);
    assert_int_equal(host_list_count(list), 0);
}

static void the_text_is_copied(void **state)
{
    OWNED_STRUCT(host_list) *list = host_list_new();
    char text[] = "a.test";
    struct authority target = target_of("a.test");

    (void)state;
    assert_int_equal(host_list_add(list, slice_of(text, 6), NULL), OK);
    memset(text, 'x', 6);
    assert_true(host_list_matches(list, &target, NULL));
}

static void every_one_of_many_patterns_is_found(void **state)
{
    OWNED_STRUCT(host_list) *list = host_list_new();
    char text[64];

    (void)state;
    for (unsigned i = 0; i < HOST_LIST_MAX; i++) {
        snprintf(text, sizeof(text), "%shost-%u.test", i % 2 == 0 ? "" : "*.", i);
        assert_int_equal(host_list_add(list, slice_from_string(text), NULL), OK);
    }
    for (unsigned i = 0; i < HOST_LIST_MAX; i++) {
        snprintf(text, sizeof(text), "%shost-%u.test", i % 2 == 0 ? "" : "a.", i);
        struct authority target = target_of(text);
        assert_true(host_list_matches(list, &target, NULL));
    }
    struct authority absent = target_of("host-1000.test");
    assert_false(host_list_matches(list, &absent, NULL));
}

/* a pattern of the list, a pattern that it covers or not */
static const struct {
    const char *outer, *inner;
    bool covers;
} coverings[] = {
    {"a.test", "a.test", true},
    {"a.test", "A.test.", true},
    {"a.test", "b.test", false},
    {"a.test", "*.a.test", false},
    {"*.a.test", "x.a.test", true},
    {"*.a.test", "a.test", false},
    {"*.a.test", "*.a.test", true},
    {"*.a.test", "*.b.a.test", true},
    {"*.b.a.test", "*.a.test", false},
    {"*.a.test", "*", false},
    {"*", "*", true},
    {"*", "*.a.test", true},
    {"*", "a.test", true},
    {"*", "192.0.2.1", false},
    {"192.0.2.1", "192.0.2.1", true},
    /* without a port, 443 is what it means */
    {"a.test:443", "a.test", true},
    {"a.test:80", "a.test", false},
    {"a.test", "a.test:8443", false},
    {"a.test:*", "a.test:8443", true},
    {"a.test:8443", "a.test:*", false},
    {"a.test:*", "a.test:*", true},
    {"*:*", "*.a.test:*", true},
    {"*", "*.a.test:*", false},
};

static void a_pattern_is_covered_by_one_that_means_no_less(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(coverings); i++) {
        OWNED_STRUCT(host_list) *list = list_of(&coverings[i].outer, 1);
        struct host_pattern inner;

        assert_int_equal(host_pattern_parse(slice_from_string(coverings[i].inner), &inner, NULL),
                         OK);
        if (host_list_covers(list, &inner) != coverings[i].covers)
            fail_msg("%s, %s", coverings[i].outer, coverings[i].inner);
        assert_false(host_list_covers(NULL, &inner));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_pattern_decides),
        cmocka_unit_test(a_list_matches_when_one_of_its_patterns_does),
        cmocka_unit_test(an_empty_list_matches_nothing),
        cmocka_unit_test(texts_stay_as_given_in_order_without_literal_duplicates),
        cmocka_unit_test(a_bad_pattern_is_not_added),
        cmocka_unit_test(the_text_is_copied),
        cmocka_unit_test(a_pattern_is_covered_by_one_that_means_no_less),
        cmocka_unit_test(every_one_of_many_patterns_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
