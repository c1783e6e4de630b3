/* SPDX-License-Identifier: Apache-2.0 */
/* What the values of a sandbox for one host take in, and what they refuse. */
#include "inject/values.h"
#include "inject_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct fixture_secret secrets[] = {
    {.name = "A", .value = "first-value-0123"},
    {.name = "B", .value = "second-value-4567", .host = "api.github.com"},
    {.name = "C", .value = "third-value-89ab", .keeps_quiet = true},
    {.name = "D"},
};

static struct inject_values *start(const char *host)
{
    struct view *view = fixture_view(secrets, ARRAY_LEN(secrets));
    struct authority target = fixture_target(host);
    struct inject_values *values = NULL;

    fixture_must(sodium_init() < 0 ? ERR_CRYPTO : OK);
    fixture_must(inject_values_new(view, &target, &values));
    view_unref(view);
    return values;
}

static void a_value_is_found_by_its_secret(void **state)
{
    struct inject_values *values = start("api.example.com");
    struct slice found;

    (void)state;
    assert_int_equal(inject_values_add(values, 2, SLICE("third-value-89ab")), OK);
    assert_int_equal(inject_values_add(values, 0, SLICE("first-value-0123")), OK);
    assert_int_equal(inject_values_complete(values), OK);
    assert_int_equal(values_find(values, 0, &found), OK);
    assert_true(slice_equals(found, SLICE("first-value-0123")));
    assert_int_equal(values_find(values, 2, &found), OK);
    assert_true(slice_equals(found, SLICE("third-value-89ab")));
    assert_int_equal(values_find(values, 3, &found), ERR_NOT_FOUND);
    assert_int_equal(inject_values_view(values)->secret_count, 4);
    inject_values_unref(values);
}

static void a_value_for_another_host_is_not_even_held(void **state)
{
    struct inject_values *values = start("api.example.com");

    (void)state;
    assert_int_equal(inject_values_add(values, 1, SLICE("second-value-4567")), ERR_FORBIDDEN);
    inject_values_unref(values);
    values = start("api.github.com");
    assert_int_equal(inject_values_add(values, 1, SLICE("second-value-4567")), OK);
    inject_values_unref(values);
}

static void what_does_not_fit_is_refused(void **state)
{
    static const char large[SECRET_VALUE_MAX + 1];
    struct inject_values *values = start("api.example.com");

    (void)state;
    assert_int_equal(inject_values_add(values, 4, SLICE("x")), ERR_NOT_FOUND);
    assert_int_equal(inject_values_add(values, 0, slice_of(large, sizeof(large))), ERR_TOO_LARGE);
    assert_int_equal(inject_values_add(values, 0, SLICE("x")), OK);
    assert_int_equal(inject_values_add(values, 0, SLICE("y")), ERR_EXISTS);
    assert_int_equal(inject_values_complete(values), OK);
    assert_int_equal(inject_values_add(values, 3, SLICE("x")), ERR_CONFLICT);
    assert_int_equal(inject_values_complete(values), ERR_CONFLICT);
    inject_values_unref(values);
}

static void the_largest_values_survive_the_move_to_a_larger_slab(void **state)
{
    static char large[SECRET_VALUE_MAX];
    struct inject_values *values = start("api.example.com");
    struct slice found;

    (void)state;
    memset(large, 'v', sizeof(large));
    assert_int_equal(inject_values_add(values, 0, SLICE("first-value-0123")), OK);
    assert_int_equal(inject_values_add(values, 2, slice_of(large, sizeof(large))), OK);
    assert_int_equal(inject_values_add(values, 3, slice_of(large, sizeof(large))), OK);
    assert_int_equal(inject_values_complete(values), OK);
    assert_int_equal(values_find(values, 0, &found), OK);
    assert_true(slice_equals(found, SLICE("first-value-0123")));
    assert_int_equal(values_find(values, 3, &found), OK);
    assert_true(slice_equals(found, slice_of(large, sizeof(large))));
    inject_values_unref(values);
}

struct redact_case {
    uint32_t secret;
    const char *value; /* NULL: none */
    bool redacts;
};

static const struct redact_case redact_cases[] = {
    {0, NULL, false},
    {0, "8 bytes.", true},
    {0, "7 bytes", false},
    {2, "third-value-89ab", false}, /* its store does not ask for it */
};

static void only_values_worth_hiding_are_hidden(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(redact_cases); i++) {
        struct inject_values *values = start("api.example.com");

        if (redact_cases[i].value != NULL)
            fixture_must(inject_values_add(values, redact_cases[i].secret,
                                           slice_from_string(redact_cases[i].value)));
        assert_int_equal(inject_values_complete(values), OK);
        assert_int_equal(inject_values_redact(values), redact_cases[i].redacts);
        inject_values_unref(values);
    }
}

static void the_last_reference_frees(void **state)
{
    struct inject_values *values = start("api.example.com");
    struct inject_values *second = inject_values_ref(values);

    (void)state;
    inject_values_unref(values);
    assert_int_equal(inject_values_add(second, 0, SLICE("first-value-0123")), OK);
    inject_values_unref(second);
    inject_values_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_by_its_secret),
        cmocka_unit_test(a_value_for_another_host_is_not_even_held),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(the_largest_values_survive_the_move_to_a_larger_slab),
        cmocka_unit_test(only_values_worth_hiding_are_hidden),
        cmocka_unit_test(the_last_reference_frees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
