/* SPDX-License-Identifier: Apache-2.0 */
/* Values in the head of a response. */
#include "inject_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "osb_sealed_11111111111111111111111111111111"

static const struct fixture_secret secrets[] = {
    {.name = "A_KEY", .value = "sk-live-01234567"},
    {.name = "B_MUTE", .value = "mute value", .has_no_token = true},
};

static struct inject_values *new_values(void)
{
    return fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
}

struct head_case {
    const char *value, *hidden;
    size_t hits;
};

static const struct head_case cases[] = {
    {"text/plain", "text/plain", 0},
    {"sk-live-01234567", KEY, 1},
    {"Bearer sk-live-01234567, sk-live-01234567", "Bearer " KEY ", " KEY, 2},
    {"k=mute value", "k=**********", 1},
    {"k=mute%20value; p", "k=************; p", 1},
    {"Basic dXNlcjpzay1saXZlLTAxMjM0NTY3", "Basic dXNlcjp*********************", 1},
    {"sk-live-0123456", "sk-live-0123456", 0},
    {"", "", 0},
};

static void values_in_fields_are_hidden(void **state)
{
    struct inject_values *values = new_values();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_head head;
        size_t hits = 99;
        http_head_init(&head);
        fixture_must(http_head_add(&head, SLICE("server"), SLICE("nginx")));
        fixture_must(http_head_add(&head, SLICE("x-echo"), slice_from_string(cases[i].value)));
        assert_int_equal(inject_redact_head(values, &head, &hits), OK);
        if (!slice_equals(head.fields[1].value, slice_from_string(cases[i].hidden)))
            fail_msg("%s: %.*s", cases[i].value, SLICE_ARG(head.fields[1].value));
        assert_true(slice_equals(head.fields[0].value, SLICE("nginx")));
        assert_int_equal(hits, cases[i].hits);
        http_head_clear(&head);
    }
    inject_values_unref(values);
}

static void the_reason_is_hidden_too(void **state)
{
    struct inject_values *values = new_values();
    struct http_head head;

    (void)state;
    http_head_init(&head);
    head.reason = SLICE("No sk-live-01234567 here");
    assert_int_equal(inject_redact_head(values, &head, NULL), OK);
    assert_true(slice_equals(head.reason, SLICE("No " KEY " here")));
    http_head_clear(&head);
    inject_values_unref(values);
}

static void a_field_named_by_a_value_is_dropped(void **state)
{
    struct inject_values *values = new_values();
    struct http_head head;
    size_t hits;

    (void)state;
    http_head_init(&head);
    fixture_must(http_head_add(&head, SLICE("a"), SLICE("1")));
    fixture_must(http_head_add(&head, SLICE("x-sk-live-01234567"), SLICE("2")));
    fixture_must(http_head_add(&head, SLICE("b"), SLICE("3")));
    assert_int_equal(inject_redact_head(values, &head, &hits), OK);
    assert_int_equal(head.field_count, 2);
    assert_true(slice_equals(head.fields[1].value, SLICE("3")));
    assert_int_equal(hits, 1);
    http_head_clear(&head);
    inject_values_unref(values);
}

/* As many values as the head holds: at first tokens, then masks. */
static void a_head_never_grows_past_its_limit(void **state)
{
    enum { FIELDS = 190, EACH = 20 };
    static char echo[EACH * 16 + 1];
    struct inject_values *values = new_values();
    struct http_head head;
    size_t hits, size = 0;

    (void)state;
    for (size_t i = 0; i < EACH; i++)
        memcpy(echo + i * 16, "sk-live-01234567", 16);
    http_head_init(&head);
    for (size_t i = 0; i < FIELDS; i++)
        fixture_must(http_head_add(&head, SLICE("x-echo"), slice_from_string(echo)));
    assert_int_equal(inject_redact_head(values, &head, &hits), OK);

    for (size_t i = 0; i < FIELDS; i++) {
        struct slice value = head.fields[i].value;
        assert_true(slice_find_slice(value, SLICE("sk-live")) == value.len);
        size += head.fields[i].name.len + value.len + 4;
    }
    assert_true(size <= HTTP_HEAD_MAX);
    assert_int_equal(hits, FIELDS * EACH);
    assert_true(slice_starts_with(head.fields[0].value, SLICE(KEY)));
    assert_true(slice_starts_with(head.fields[FIELDS - 1].value, SLICE("****************")));
    http_head_clear(&head);
    inject_values_unref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_in_fields_are_hidden),
        cmocka_unit_test(the_reason_is_hidden_too),
        cmocka_unit_test(a_field_named_by_a_value_is_dropped),
        cmocka_unit_test(a_head_never_grows_past_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
