/* SPDX-License-Identifier: Apache-2.0 */
/* Which changes of a view end a WebSocket that was opened under the view before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "view_fixture.h"

static const struct fixture before = {
    .layers = {{"main", "api.test,other.test"}},
    .secrets = {{"ANYWHERE", 0, "", NULL},
                {"API_KEY", 0, "api.test", NULL},
                {"OTHER_KEY", 0, "other.test", NULL}},
    .status = VIEW_RUNNING,
};
static const struct fixture suspended = {
    .layers = {{"main", "api.test,other.test"}},
    .secrets = {{"ANYWHERE", 0, "", NULL},
                {"API_KEY", 0, "api.test", NULL},
                {"OTHER_KEY", 0, "other.test", NULL}},
    .status = VIEW_SUSPENDED,
};
static const struct fixture without_host = {
    .layers = {{"main", "other.test"}},
    .secrets = {{"ANYWHERE", 0, "", NULL},
                {"API_KEY", 0, "api.test", NULL},
                {"OTHER_KEY", 0, "other.test", NULL}},
    .status = VIEW_RUNNING,
};
static const struct fixture with_host = {
    .layers = {{"main", "api.test,other.test,third.test"}},
    .secrets = {{"ANYWHERE", 0, "", NULL},
                {"API_KEY", 0, "api.test", NULL},
                {"OTHER_KEY", 0, "other.test", NULL}},
    .status = VIEW_RUNNING,
};
static const struct fixture one_less = {
    .layers = {{"main", "api.test,other.test"}},
    .secrets = {{"ANYWHERE", 0, "", NULL}, {"API_KEY", 0, "api.test", NULL}},
    .status = VIEW_RUNNING,
};
static const struct fixture none = {
    .layers = {{"main", "api.test,other.test"}},
    .status = VIEW_RUNNING,
};

static const struct {
    const struct fixture *before, *after;
    const char *target;
    enum refusal_code code;
} cases[] = {
    {&before, &before, "api.test", REFUSAL_NONE},
    {&before, &suspended, "api.test", REFUSAL_SANDBOX_SUSPENDED},
    {&none, &suspended, "api.test", REFUSAL_SANDBOX_SUSPENDED},
    {&before, &without_host, "api.test", REFUSAL_HOST_NOT_ALLOWED},
    {&before, &without_host, "other.test", REFUSAL_NONE},
    {&before, &with_host, "api.test", REFUSAL_NONE},
    {&before, &one_less, "api.test", REFUSAL_NONE}, /* OTHER_KEY went, which never went there */
    {&before, &one_less, "other.test", REFUSAL_SECRET_HOST_NOT_ALLOWED},
    {&one_less, &before, "api.test", REFUSAL_NONE},
    {&one_less, &before, "other.test", REFUSAL_SECRET_HOST_NOT_ALLOWED},
    {&before, &none, "api.test", REFUSAL_SECRET_HOST_NOT_ALLOWED},
    {&none, &before, "api.test", REFUSAL_SECRET_HOST_NOT_ALLOWED},
    {&none, &none, "api.test", REFUSAL_NONE},
};

static enum refusal_code change(const struct view *from, const struct view *to, const char *host)
{
    struct authority target;

    assert_int_equal(authority_parse(slice_from_string(host), 443, &target), OK);
    return view_change_ends(from, to, &target, (struct decision_settings){false});
}

static void a_change_that_concerns_the_host_ends_it(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct view *from = fixture_view(cases[i].before), *to = fixture_view(cases[i].after);

        if (change(from, to, cases[i].target) != cases[i].code)
            fail_msg("case %zu", i);
        view_unref(from);
        view_unref(to);
    }
}

/* The second secret, API_KEY, is set again, or differs in what is not sealed with it. */
static void a_secret_that_is_set_again_is_another(void **state UNUSED)
{
    struct view *from = fixture_view(&before), *to = fixture_view(&before);

    to->secrets[1].box = SLICE("sealgate.v1.another box");
    assert_int_equal(change(from, to, "api.test"), REFUSAL_SECRET_HOST_NOT_ALLOWED);
    assert_int_equal(change(to, from, "api.test"), REFUSAL_SECRET_HOST_NOT_ALLOWED);
    assert_int_equal(change(from, to, "other.test"), REFUSAL_NONE);
    to->secrets[1].box = from->secrets[1].box;
    assert_int_equal(change(from, to, "api.test"), REFUSAL_NONE);
    to->secrets[1].redact = false;
    assert_int_equal(change(from, to, "api.test"), REFUSAL_SECRET_HOST_NOT_ALLOWED);
    view_unref(from);
    view_unref(to);
}

static void a_token_that_changes_ends_it(void **state UNUSED)
{
    struct view *from = fixture_view(&before), *to = fixture_view(&before);

    to->tokens[1].token.bytes[TOKEN_SIZE - 1]++;
    assert_int_equal(change(from, to, "api.test"), REFUSAL_SECRET_HOST_NOT_ALLOWED);
    assert_int_equal(change(from, to, "other.test"), REFUSAL_NONE);
    to->tokens[1] = from->tokens[1];
    to->tokens[1].secret = 2; /* the same token, now of OTHER_KEY */
    assert_int_equal(change(from, to, "api.test"), REFUSAL_SECRET_HOST_NOT_ALLOWED);
    view_unref(from);
    view_unref(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_that_concerns_the_host_ends_it),
        cmocka_unit_test(a_secret_that_is_set_again_is_another),
        cmocka_unit_test(a_token_that_changes_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
