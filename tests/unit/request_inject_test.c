/* SPDX-License-Identifier: Apache-2.0 */
/* Values take the place of tokens, whole requests or not at all. */
#include "inject_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define KEY "osb_sealed_11111111111111111111111111111111"
#define PASSWORD "osb_sealed_22222222222222222222222222222222"
#define MISSING "osb_sealed_33333333333333333333333333333333"
#define CONTROL "osb_sealed_44444444444444444444444444444444"
#define UNICODE "osb_sealed_55555555555555555555555555555555"
#define FOREIGN "osb_sealed_ffffffffffffffffffffffffffffffff"

static const struct fixture_secret secrets[] = {
    {.name = "A_KEY", .value = "sk-live-0123456789"},
    {.name = "B_PASSWORD", .value = "p:ss w\xc3\xb6rd", .place = "header:authorization"},
    {.name = "C_MISSING"},
    {.name = "D_CONTROL", .value = "bell\aring"},
    {.name = "E_UNICODE", .value = "\xe2\x82\xac"},
};

struct injected {
    struct inject_values *values;
    struct http_head head;
    struct buffer storage;
    size_t replaced;
    enum error error;
};

static void inject(struct injected *injected, const char *name, const char *value)
{
    injected->values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    injected->replaced = 99;
    http_head_init(&injected->head);
    buffer_init(&injected->storage, HTTP_HEAD_MAX);
    fixture_must(http_head_add(&injected->head, SLICE("accept"), SLICE("*/*")));
    fixture_must(http_head_add(&injected->head, slice_from_string(name), slice_from_string(value)));
    fixture_must(http_head_add(&injected->head, SLICE("x-last"), SLICE("unchanged")));
    injected->error = inject_request_head(injected->values, &injected->head, &injected->storage,
                                          &injected->replaced);
}

static void forget(struct injected *injected)
{
    buffer_clear(&injected->storage);
    http_head_clear(&injected->head);
    inject_values_unref(injected->values);
}

struct injection_case {
    const char *name, *value;
    const char *expected;
    size_t replaced;
};

static const struct injection_case cases[] = {
    {"x-api-key", KEY, "sk-live-0123456789", 1},
    {"authorization", "Bearer " KEY, "Bearer sk-live-0123456789", 1},
    {"cookie", "a=" KEY "; b=" KEY ";", "a=sk-live-0123456789; b=sk-live-0123456789;", 2},
    {"x-price", UNICODE, "\xe2\x82\xac", 1},
    {"x-none", "nothing here", "nothing here", 0},
    /* x-access-token:KEY */
    {"Authorization",
     "Basic eC1hY2Nlc3MtdG9rZW46b3NiX3NlYWxlZF8xMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMQ==",
     "Basic eC1hY2Nlc3MtdG9rZW46c2stbGl2ZS0wMTIzNDU2Nzg5", 1},
    /* the same without padding */
    {"Authorization",
     "basic  eC1hY2Nlc3MtdG9rZW46b3NiX3NlYWxlZF8xMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMQ",
     "Basic eC1hY2Nlc3MtdG9rZW46c2stbGl2ZS0wMTIzNDU2Nzg5", 1},
    /* KEY:PASSWORD */
    {"Authorization",
     "Basic b3NiX3NlYWxlZF8xMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTpvc2Jfc2VhbGVkXzIyMjIyMjIyMj"
     "IyMjIyMjIyMjIyMjIyMjIyMjIyMjIy",
     "Basic c2stbGl2ZS0wMTIzNDU2Nzg5OnA6c3Mgd8O2cmQ=", 2},
    {"Authorization", "Basic dXNlcjpwYXNzd29yZA==", "Basic dXNlcjpwYXNzd29yZA==", 0},
    {"Authorization", "Basic not*base64", "Basic not*base64", 0},
    /* x:CONTROL, which only base64 can carry */
    {"Authorization", "Basic eDpvc2Jfc2VhbGVkXzQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0",
     "Basic eDpiZWxsB3Jpbmc=", 1},
    /* the secret is the encoded credentials */
    {"Authorization", "Basic " KEY, "Basic sk-live-0123456789", 1},
};

static void each_token_becomes_its_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct injected injected;
        inject(&injected, cases[i].name, cases[i].value);
        struct slice value = injected.head.fields[1].value;

        assert_int_equal(injected.error, OK);
        if (!slice_equals(value, slice_from_string(cases[i].expected)))
            fail_msg("%s: %.*s", cases[i].value, SLICE_ARG(value));
        assert_int_equal(injected.replaced, cases[i].replaced);
        assert_true(slice_equals(injected.head.fields[0].value, SLICE("*/*")));
        assert_true(slice_equals(injected.head.fields[2].value, SLICE("unchanged")));
        forget(&injected);
    }
}

struct failure_case {
    const char *name, *value;
    enum error error;
};

static const struct failure_case failures[] = {
    {"a", MISSING, ERR_NOT_FOUND},  {"a", FOREIGN, ERR_NOT_FOUND},
    {"a", KEY "0", ERR_NOT_FOUND},  {"a", KEY " " FOREIGN, ERR_NOT_FOUND},
    {"a", PASSWORD, ERR_FORBIDDEN}, {"user-agent", KEY, ERR_FORBIDDEN},
    {"a", CONTROL, ERR_SYNTAX},
};

static void a_failure_leaves_the_head_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        struct injected injected;
        inject(&injected, failures[i].name, failures[i].value);

        if (injected.error != failures[i].error)
            fail_msg("%s: %s", failures[i].value, error_name(injected.error));
        assert_true(
            slice_equals(injected.head.fields[1].value, slice_from_string(failures[i].value)));
        assert_int_equal(buffer_len(&injected.storage), 0);
        assert_int_equal(injected.replaced, 99);
        forget(&injected);
    }
}

static void more_than_storage_takes_is_an_error(void **state)
{
    struct inject_values *values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    OWNED_STRUCT(buffer) *storage = &(struct buffer){.limit = 20};
    struct http_head head;

    (void)state;
    http_head_init(&head);
    fixture_must(http_head_add(&head, SLICE("a"), SLICE(KEY)));
    fixture_must(http_head_add(&head, SLICE("b"), SLICE(KEY)));
    assert_int_equal(inject_request_head(values, &head, storage, NULL), ERR_TOO_LARGE);
    assert_true(slice_equals(head.fields[0].value, SLICE(KEY)));
    http_head_clear(&head);
    inject_values_unref(values);
}

/* Storage moves while it grows: no field may point to where it was. */
static void many_fields_all_point_into_the_same_storage(void **state)
{
    struct inject_values *values = fixture_values(secrets, ARRAY_LEN(secrets), "api.example.com");
    OWNED_STRUCT(buffer) *storage = &(struct buffer){.limit = HTTP_HEAD_MAX};
    struct http_head head;
    size_t replaced;

    (void)state;
    http_head_init(&head);
    for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
        fixture_must(http_head_add(&head, SLICE("a"), SLICE("Bearer " KEY)));
    assert_int_equal(inject_request_head(values, &head, storage, &replaced), OK);
    assert_int_equal(replaced, HTTP_FIELDS_MAX);
    for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
        assert_true(slice_equals(head.fields[i].value, SLICE("Bearer sk-live-0123456789")));
    http_head_clear(&head);
    inject_values_unref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_becomes_its_value),
        cmocka_unit_test(a_failure_leaves_the_head_as_it_was),
        cmocka_unit_test(more_than_storage_takes_is_an_error),
        cmocka_unit_test(many_fields_all_point_into_the_same_storage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
