/* SPDX-License-Identifier: Apache-2.0 */
/* Values take the place of whole tokens in a text, however it is cut. */
#include "inject/text_injector.h"

#include "inject_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "osb_sealed_11111111111111111111111111111111"
#define HEADER "osb_sealed_22222222222222222222222222222222"
#define ELSEWHERE "osb_sealed_33333333333333333333333333333333"
#define MISSING "osb_sealed_44444444444444444444444444444444"
#define NO_TEXT "osb_sealed_55555555555555555555555555555555"
#define UNICODE "osb_sealed_66666666666666666666666666666666"
#define FOREIGN "osb_sealed_ffffffffffffffffffffffffffffffff"
#define VALUE "sk-live-0123456789"

static const struct fixture_secret secrets[] = {
    {.name = "A_KEY", .value = VALUE, .place = "websocket"},
    {.name = "B_HEADER", .value = "for a header", .place = "header"},
    {.name = "C_ELSEWHERE", .host = "other.example.com", .place = "websocket"},
    {.name = "D_MISSING", .place = "websocket"},
    {.name = "E_NO_TEXT", .value = "caf\xe9 and more", .place = "websocket"},
    {.name = "F_UNICODE", .value = "\xe2\x82\xac", .place = "websocket"},
};

static struct inject_values *values;

struct text_case {
    const char *text, *expected;
    size_t count;
};

static const struct text_case cases[] = {
    {"", "", 0},
    {"nothing to see", "nothing to see", 0},
    {KEY, VALUE, 1},
    {"{\"token\":\"" KEY "\"}", "{\"token\":\"" VALUE "\"}", 1},
    {KEY KEY, KEY KEY, 0}, /* one long word */
    {KEY "," KEY, VALUE "," VALUE, 2},
    {"x" KEY, "x" KEY, 0},
    {KEY "x", KEY "x", 0},
    {"_" KEY, "_" KEY, 0},
    {KEY "_", KEY "_", 0},
    {KEY "0", KEY "0", 0},
    {"-" KEY "-", "-" VALUE "-", 1},
    {"\xc3\xa9" KEY "\xc3\xa9", "\xc3\xa9" VALUE "\xc3\xa9", 1},
    {"osb_sealed_", "osb_sealed_", 0},
    {"osb_sealed_1111", "osb_sealed_1111", 0},
    {"osb_sealed_1111 " KEY, "osb_sealed_1111 " VALUE, 1},
    {"osb_sealed_osb_sealed_11111111111111111111111111111111",
     "osb_sealed_osb_sealed_11111111111111111111111111111111", 0},
    {"OSB_SEALED_11111111111111111111111111111111", "OSB_SEALED_11111111111111111111111111111111",
     0},
    {"o " KEY " os", "o " VALUE " os", 1},
    {HEADER, HEADER, 0},
    {ELSEWHERE, ELSEWHERE, 0},
    {MISSING, MISSING, 0},
    {NO_TEXT, NO_TEXT, 0},
    {FOREIGN, FOREIGN, 0},
    {UNICODE " " HEADER " " KEY, "\xe2\x82\xac " HEADER " " VALUE, 2},
};

static void check(const struct text_case *expected, size_t size)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1 << 16};
    struct slice rest = slice_from_string(expected->text);
    struct inject_finding finding = {0};
    struct text_injector *injector = NULL;

    assert_int_equal(
        text_injector_new(values, (struct decision_settings){false}, &finding, &injector), OK);
    while (rest.len > 0) {
        struct slice piece = slice_take(rest, size);
        assert_int_equal(text_injector_feed(injector, piece, out), OK);
        rest = slice_skip(rest, piece.len);
    }
    assert_int_equal(text_injector_finish(injector, out), OK);
    if (!slice_equals(buffer_view(out), slice_from_string(expected->expected)))
        fail_msg("%s cut by %zu: %.*s", expected->text, size, SLICE_ARG(buffer_view(out)));
    assert_int_equal(text_injector_count(injector), expected->count);
    assert_int_equal(finding.secret_count > 0, expected->count > 0);
    text_injector_free(injector);
}

static void whole_tokens_become_values_at_every_cut(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t size = 1; size <= strlen(cases[i].text) + 1; size++)
            check(&cases[i], size);
}

/* What comes out after each piece, of a text that goes on. */
static void nothing_waits_but_what_may_become_a_token(void **state UNUSED)
{
    static const struct text_case steps[] = {
        {"hello", "hello", 0}, {" o", " ", 0},           {"s", "", 0},
        {"x", "osx", 0},       {" osb_sealed_", " ", 0}, {"g", "osb_sealed_g", 0},
        {" " KEY, " ", 0},     {".", VALUE ".", 1},      {KEY, "", 1},
        {"0", KEY "0", 1},     {"osb_", "osb_", 1}, /* not at the beginning of a word */
        {"1 o", "1 ", 1},
    };
    struct inject_finding finding = {0};
    struct text_injector *injector = NULL;

    assert_int_equal(
        text_injector_new(values, (struct decision_settings){false}, &finding, &injector), OK);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};
        assert_int_equal(text_injector_feed(injector, slice_from_string(steps[i].text), out), OK);
        if (!slice_equals(buffer_view(out), slice_from_string(steps[i].expected)))
            fail_msg("step %zu: %.*s", i, SLICE_ARG(buffer_view(out)));
        assert_int_equal(text_injector_count(injector), steps[i].count);
    }
    text_injector_free(injector);
}

static void the_end_of_a_text_is_the_end_of_a_word(void **state UNUSED)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};
    struct inject_finding finding = {0};
    struct text_injector *injector = NULL;

    assert_int_equal(
        text_injector_new(values, (struct decision_settings){false}, &finding, &injector), OK);
    for (size_t i = 0; i < 2; i++) { /* two texts, not "...KEYKEY" */
        assert_int_equal(text_injector_feed(injector, SLICE(KEY), out), OK);
        assert_int_equal(text_injector_finish(injector, out), OK);
    }
    assert_true(slice_equals(buffer_view(out), SLICE(VALUE VALUE)));
    assert_int_equal(finding.secret_count, 1);
    assert_true(slice_equals(finding.secrets[0], SLICE("A_KEY")));
    text_injector_free(injector);
}

/* With default_deny a secret without hosts goes nowhere, also where a value is at hand. */
static void settings_of_the_operator_count(void **state UNUSED)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1024};
    struct inject_finding finding = {0};
    struct text_injector *injector = NULL;

    assert_int_equal(
        text_injector_new(values, (struct decision_settings){true}, &finding, &injector), OK);
    assert_int_equal(text_injector_feed(injector, SLICE(KEY), out), OK);
    assert_int_equal(text_injector_finish(injector, out), OK);
    assert_true(slice_equals(buffer_view(out), SLICE(KEY)));
    text_injector_free(injector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_tokens_become_values_at_every_cut),
        cmocka_unit_test(nothing_waits_but_what_may_become_a_token),
        cmocka_unit_test(the_end_of_a_text_is_the_end_of_a_word),
        cmocka_unit_test(settings_of_the_operator_count),
    };

    values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    inject_values_unref(values);
    return failed;
}
