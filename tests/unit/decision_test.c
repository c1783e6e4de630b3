/* SPDX-License-Identifier: Apache-2.0 */
/* The decision table: what a sandbox may reach, and where each of its secrets may go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "view_fixture.h"

enum { DENY = VERDICT_DENY, ALLOW = VERDICT_ALLOW };

/* One store, or several layers: base first. */
static const struct fixture one_store = {
    .layers = {{"main", "api.example.com,*.example.org,*.internal.test:8443"}},
    .secrets = {{"ANYWHERE", 0, "", NULL},
                {"API_KEY", 0, "api.example.com", NULL},
                {"ELSEWHERE", 0, "other.test", NULL},
                {"ORG_KEY", 0, "www.example.org:*", NULL},
                {"WILD", 0, "*", NULL}},
};
static const struct fixture two_stores = {
    .layers = {{"base", "a.test,shared.test"}, {"top", "shared.test,b.test"}},
    .secrets = {{"FROM_BASE", 0, "", NULL}, {"FROM_TOP", 1, "b.test", NULL}},
};
static const struct fixture half_empty = {
    .layers = {{"base", "a.test"}, {"top", ""}},
    .secrets = {{"KEY", 1, "", NULL}},
};
static const struct fixture all_empty = {
    .layers = {{"base", ""}, {"top", ""}},
    .secrets = {{"BOUND", 1, "a.test", NULL},
                {"BOUND_PORT", 1, "a.test:8443", NULL},
                {"KEY", 0, "", NULL}},
};
static const struct fixture no_store = {.layers = {{NULL, NULL}}};
static const struct fixture all_gone = {.layers = {{NULL, NULL}}, .reaches_nothing = true};

static const struct {
    const struct fixture *view;
    const char *target;
    bool default_deny;
    int verdict;
    const char *pattern, *store; /* the rule that decided and where it is from */
} host_cases[] = {
    /* the merged list decides */
    {&one_store, "api.example.com:443", false, ALLOW, "api.example.com", "main"},
    {&one_store, "api.example.com:80", false, ALLOW, "api.example.com", "main"},
    {&one_store, "api.example.com:8443", false, DENY, "", ""},
    {&one_store, "api.example.com:443", true, ALLOW, "api.example.com", "main"},
    {&one_store, "a.b.example.org:443", false, ALLOW, "*.example.org", "main"},
    {&one_store, "example.org:443", false, DENY, "", ""},
    {&one_store, "db.internal.test:8443", false, ALLOW, "*.internal.test:8443", "main"},
    {&one_store, "db.internal.test:443", false, DENY, "", ""},
    {&one_store, "evil.test:443", false, DENY, "", ""},
    {&one_store, "api.example.com.evil.test:443", false, DENY, "", ""},
    {&one_store, "192.0.2.1:443", false, DENY, "", ""},
    /* several layers: their union; a rule of both is the earlier one's */
    {&two_stores, "a.test:443", false, ALLOW, "a.test", "base"},
    {&two_stores, "b.test:443", false, ALLOW, "b.test", "top"},
    {&two_stores, "shared.test:443", false, ALLOW, "shared.test", "base"},
    {&two_stores, "c.test:443", false, DENY, "", ""},
    /* one layer's empty list adds nothing and lifts nothing */
    {&half_empty, "a.test:443", false, ALLOW, "a.test", "base"},
    {&half_empty, "b.test:443", false, DENY, "", ""},
    /* every layer's list is empty: no restriction, on the web's ports */
    {&all_empty, "anything.test:443", false, ALLOW, "", ""},
    {&all_empty, "anything.test:80", false, ALLOW, "", ""},
    {&all_empty, "192.0.2.1:443", false, ALLOW, "", ""},
    {&all_empty, "anything.test:8443", false, DENY, "", ""},
    {&all_empty, "anything.test:22", false, DENY, "", ""},
    /* ... turned round by default_deny */
    {&all_empty, "anything.test:443", true, DENY, "", ""},
    /* no store was ever bound: the same */
    {&no_store, "anything.test:443", false, ALLOW, "", ""},
    {&no_store, "anything.test:8080", false, DENY, "", ""},
    {&no_store, "anything.test:443", true, DENY, "", ""},
    /* a fork whose inherited layers are all gone reaches nothing */
    {&all_gone, "anything.test:443", false, DENY, "", ""},
    {&all_gone, "anything.test:80", false, DENY, "", ""},
    {&all_gone, "anything.test:443", true, DENY, "", ""},
};

static struct authority target_of(const char *text)
{
    struct authority target;

    assert_int_equal(authority_parse(slice_from_string(text), 0, &target), OK);
    return target;
}

static bool says(struct slice field, const char *expected)
{
    return slice_equals(field, slice_from_string(expected));
}

static void a_host_is_decided_by_the_merged_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(host_cases); i++) {
        OWNED_STRUCT(view) *view = fixture_view(host_cases[i].view);
        struct decision_settings settings = {.default_deny = host_cases[i].default_deny};
        struct authority target = target_of(host_cases[i].target);
        struct decision decision = decision_for_host(view, &target, settings);
        bool denied = host_cases[i].verdict == DENY;

        if ((int)decision.verdict != host_cases[i].verdict ||
            decision.code != (denied ? REFUSAL_HOST_NOT_ALLOWED : REFUSAL_NONE) ||
            !says(decision.pattern, host_cases[i].pattern) ||
            !says(decision.store, host_cases[i].store))
            fail_msg("case %zu: %s: %s by \"%.*s\" of \"%.*s\"", i, host_cases[i].target,
                     refusal_code_sentence(decision.code), SLICE_ARG(decision.pattern),
                     SLICE_ARG(decision.store));
    }
}

static const struct {
    const struct fixture *view;
    const char *host;
    bool default_deny;
    int verdict;
    const char *pattern, *store;
} name_cases[] = {
    /* a name is known when any port of it may be reached */
    {&one_store, "api.example.com", false, ALLOW, "api.example.com", "main"},
    {&one_store, "api.example.com", true, ALLOW, "api.example.com", "main"},
    {&one_store, "db.internal.test", false, ALLOW, "*.internal.test:8443", "main"},
    {&one_store, "a.b.example.org", false, ALLOW, "*.example.org", "main"},
    {&one_store, "example.org", false, DENY, "", ""},
    {&one_store, "internal.test", false, DENY, "", ""},
    {&one_store, "evil.test", false, DENY, "", ""},
    {&one_store, "api.example.com.evil.test", false, DENY, "", ""},
    {&one_store, "192.0.2.1", false, DENY, "", ""},
    /* layers */
    {&two_stores, "a.test", false, ALLOW, "a.test", "base"},
    {&two_stores, "b.test", false, ALLOW, "b.test", "top"},
    {&two_stores, "c.test", false, DENY, "", ""},
    {&half_empty, "b.test", false, DENY, "", ""},
    /* an empty list: every name, unless default_deny */
    {&all_empty, "anything.test", false, ALLOW, "", ""},
    {&all_empty, "anything.test", true, DENY, "", ""},
    {&no_store, "anything.test", false, ALLOW, "", ""},
    {&no_store, "anything.test", true, DENY, "", ""},
    {&all_gone, "anything.test", false, DENY, "", ""},
    {&all_gone, "anything.test", true, DENY, "", ""},
};

static void a_name_is_known_when_some_port_of_it_may_be_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(name_cases); i++) {
        OWNED_STRUCT(view) *view = fixture_view(name_cases[i].view);
        struct decision_settings settings = {.default_deny = name_cases[i].default_deny};
        struct host_name host;

        assert_int_equal(host_name_parse(slice_from_string(name_cases[i].host), &host), OK);
        struct decision decision = decision_for_name(view, &host, settings);
        bool denied = name_cases[i].verdict == DENY;
        if ((int)decision.verdict != name_cases[i].verdict ||
            decision.code != (denied ? REFUSAL_HOST_NOT_ALLOWED : REFUSAL_NONE) ||
            !says(decision.pattern, name_cases[i].pattern) ||
            !says(decision.store, name_cases[i].store))
            fail_msg("case %zu: %s: %s by \"%.*s\" of \"%.*s\"", i, name_cases[i].host,
                     refusal_code_sentence(decision.code), SLICE_ARG(decision.pattern),
                     SLICE_ARG(decision.store));
    }
}

/* What a target may reach, its name resolves to. */
static void no_host_is_allowed_whose_name_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(host_cases); i++) {
        OWNED_STRUCT(view) *view = fixture_view(host_cases[i].view);
        struct decision_settings settings = {.default_deny = host_cases[i].default_deny};
        struct authority target = target_of(host_cases[i].target);

        if (decision_for_host(view, &target, settings).verdict == VERDICT_ALLOW)
            assert_int_equal(decision_for_name(view, &target.host, settings).verdict,
                             VERDICT_ALLOW);
    }
}

#define ALLOWED REFUSAL_NONE
#define NO_HOST REFUSAL_HOST_NOT_ALLOWED
#define NO_SECRET REFUSAL_SECRET_HOST_NOT_ALLOWED

static const struct {
    const struct fixture *view;
    const char *secret, *target;
    bool default_deny;
    enum refusal_code code;
    const char *pattern;
} secret_cases[] = {
    /* the secret's own list narrows the sandbox's */
    {&one_store, "API_KEY", "api.example.com:443", false, ALLOWED, "api.example.com"},
    {&one_store, "API_KEY", "www.example.org:443", false, NO_SECRET, ""},
    {&one_store, "API_KEY", "www.example.org:443", true, NO_SECRET, ""},
    {&one_store, "WILD", "www.example.org:443", false, ALLOWED, "*"},
    {&one_store, "WILD", "db.internal.test:8443", false, NO_SECRET, ""},
    /* ... and never widens it */
    {&one_store, "ELSEWHERE", "other.test:443", false, NO_HOST, ""},
    {&one_store, "WILD", "evil.test:443", false, NO_HOST, ""},
    {&one_store, "ORG_KEY", "www.example.org:8443", false, NO_HOST, ""},
    {&one_store, "ORG_KEY", "www.example.org:443", false, ALLOWED, "www.example.org:*"},
    /* no list of its own: the merged list, unless default_deny */
    {&one_store, "ANYWHERE", "a.example.org:443", false, ALLOWED, "*.example.org"},
    {&one_store, "ANYWHERE", "db.internal.test:8443", false, ALLOWED, "*.internal.test:8443"},
    {&one_store, "ANYWHERE", "evil.test:443", false, NO_HOST, ""},
    {&one_store, "ANYWHERE", "a.example.org:443", true, NO_SECRET, ""},
    {&two_stores, "FROM_BASE", "b.test:443", false, ALLOWED, "b.test"},
    {&two_stores, "FROM_TOP", "a.test:443", false, NO_SECRET, ""},
    {&half_empty, "KEY", "a.test:443", false, ALLOWED, "a.test"},
    {&half_empty, "KEY", "b.test:443", false, NO_HOST, ""},
    /* an unrestricted sandbox */
    {&all_empty, "KEY", "anything.test:443", false, ALLOWED, ""},
    {&all_empty, "KEY", "anything.test:8443", false, NO_HOST, ""},
    {&all_empty, "KEY", "anything.test:443", true, NO_HOST, ""},
    {&all_empty, "BOUND", "a.test:443", false, ALLOWED, "a.test"},
    {&all_empty, "BOUND", "b.test:443", false, NO_SECRET, ""},
    {&all_empty, "BOUND_PORT", "a.test:8443", false, NO_HOST, ""},
};

static void a_secret_goes_where_its_own_list_and_the_sandboxs_both_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(secret_cases); i++) {
        OWNED_STRUCT(view) *view = fixture_view(secret_cases[i].view);
        struct decision_settings settings = {.default_deny = secret_cases[i].default_deny};
        struct authority target = target_of(secret_cases[i].target);
        struct slice name = slice_from_string(secret_cases[i].secret);
        const struct view_secret *secret = view_find_secret(view, name);

        assert_non_null(secret);
        struct decision decision = decision_for_secret(view, secret, &target, settings);
        if (decision.code != secret_cases[i].code ||
            (decision.verdict == VERDICT_ALLOW) != (secret_cases[i].code == ALLOWED) ||
            !says(decision.pattern, secret_cases[i].pattern))
            fail_msg("case %zu: %s to %s: %s by \"%.*s\"", i, secret_cases[i].secret,
                     secret_cases[i].target, refusal_code_sentence(decision.code),
                     SLICE_ARG(decision.pattern));
        assert_true(slice_equals(decision.secret, name));
        assert_true(slice_equals(decision.store, view->layers[secret->layer].store_name));
    }
}

static const struct {
    enum view_status status;
    enum refusal_code code;
} identity_cases[] = {
    {VIEW_RUNNING, REFUSAL_NONE},
    {VIEW_SUSPENDED, REFUSAL_SANDBOX_SUSPENDED},
    {VIEW_EXPIRED, REFUSAL_SANDBOX_EXPIRED},
    {(enum view_status)99, REFUSAL_IDENTITY_INVALID},
};

static void only_a_running_sandbox_has_an_identity(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(identity_cases); i++) {
        struct view view = {.status = identity_cases[i].status};
        struct decision decision = decision_for_identity(&view);

        assert_int_equal(decision.code, identity_cases[i].code);
        assert_int_equal(decision.verdict == VERDICT_ALLOW, decision.code == REFUSAL_NONE);
    }
}

static void a_zeroed_decision_denies(void **state)
{
    struct decision decision = {0};

    (void)state;
    assert_int_equal(decision.verdict, VERDICT_DENY);
}

static void a_view_without_a_merged_list_reaches_nothing(void **state)
{
    struct view unfinished = {.status = VIEW_RUNNING};
    struct authority target = target_of("example.com:443");
    struct decision decision =
        decision_for_host(&unfinished, &target, (struct decision_settings){0});

    (void)state;
    assert_int_equal(decision.verdict, VERDICT_DENY);
}

/* Of two layers: what one may not reach is no passthrough, and each adds to the other. */
static const struct fixture passing = {
    .layers = {{"base", "pin.test,*.wild.test"}, {"top", "b.test:*,pin.test"}},
    .passthrough = {"*.wild.test,elsewhere.test", "b.test:8443,pin.test:443"},
    .private_hosts = {"b.test", "pin.test,10.1.2.3"},
    .secrets = {{"ANYWHERE", 0, "", NULL}, {"BOUND", 1, "b.test:*,pin.test", NULL}},
};
static const struct fixture passing_all = {
    .layers = {{"open", ""}},
    .passthrough = {"*"},
    .secrets = {{"ANYWHERE", 0, "", NULL}},
};

static const struct {
    const struct fixture *view;
    const char *target;
    int verdict;
    enum refusal_code code;
    const char *pattern, *store;
} passthrough_cases[] = {
    {&passing, "pin.test:443", ALLOW, REFUSAL_NONE, "pin.test:443", "top"},
    {&passing, "a.wild.test:443", ALLOW, REFUSAL_NONE, "*.wild.test", "base"},
    {&passing, "b.test:8443", ALLOW, REFUSAL_NONE, "b.test:8443", "top"},
    /* allowed, and intercepted */
    {&passing, "pin.test:80", DENY, REFUSAL_NONE, "", ""},
    {&passing, "b.test:443", DENY, REFUSAL_NONE, "", ""},
    /* listed, and not allowed */
    {&passing, "elsewhere.test:443", DENY, REFUSAL_HOST_NOT_ALLOWED, "", ""},
    {&passing, "a.wild.test:8443", DENY, REFUSAL_HOST_NOT_ALLOWED, "", ""},
    /* no restriction: every name, but no address */
    {&passing_all, "any.test:443", ALLOW, REFUSAL_NONE, "*", "open"},
    {&passing_all, "192.0.2.1:443", DENY, REFUSAL_NONE, "", ""},
    {&one_store, "api.example.com:443", DENY, REFUSAL_NONE, "", ""},
};

static void tls_passes_unopened_where_it_is_allowed_and_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(passthrough_cases); i++) {
        OWNED_STRUCT(view) *view = fixture_view(passthrough_cases[i].view);
        struct authority target = target_of(passthrough_cases[i].target);
        struct decision decision =
            decision_for_passthrough(view, &target, (struct decision_settings){0});

        if ((int)decision.verdict != passthrough_cases[i].verdict ||
            decision.code != passthrough_cases[i].code ||
            !says(decision.pattern, passthrough_cases[i].pattern) ||
            !says(decision.store, passthrough_cases[i].store))
            fail_msg("%s: %s", passthrough_cases[i].target, refusal_code_name(decision.code));
    }
}

static void no_secret_goes_where_tls_passes_unopened(void **state)
{
    OWNED_STRUCT(view) *view = fixture_view(&passing);
    struct decision_settings settings = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(passthrough_cases); i++) {
        struct authority target = target_of(passthrough_cases[i].target);
        bool passes = decision_for_passthrough(view, &target, settings).verdict == VERDICT_ALLOW;

        for (size_t j = 0; j < view->secret_count && passes; j++)
            assert_int_equal(decision_for_secret(view, &view->secrets[j], &target, settings).code,
                             REFUSAL_SECRET_HOST_NOT_ALLOWED);
    }
    struct authority beside = target_of("b.test:443");
    assert_int_equal(decision_for_secret(view, &view->secrets[1], &beside, settings).verdict,
                     ALLOW);
}

static void a_private_target_is_named_whatever_the_port(void **state)
{
    static const struct {
        const char *host, *store;
    } named[] = {{"b.test", "base"}, {"pin.test", "top"}, {"10.1.2.3", "top"},
                 {"a.b.test", NULL}, {"10.1.2.4", NULL},  {"wild.test", NULL}};
    OWNED_STRUCT(view) *view = fixture_view(&passing);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        struct host_name host;
        assert_int_equal(host_name_parse(slice_from_string(named[i].host), &host), OK);
        struct decision decision = decision_for_private(view, &host);
        assert_int_equal(decision.verdict, named[i].store != NULL ? ALLOW : DENY);
        assert_true(slice_equals(decision.store, slice_from_string(named[i].store)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_decided_by_the_merged_list),
        cmocka_unit_test(a_name_is_known_when_some_port_of_it_may_be_reached),
        cmocka_unit_test(no_host_is_allowed_whose_name_is_not),
        cmocka_unit_test(a_secret_goes_where_its_own_list_and_the_sandboxs_both_say),
        cmocka_unit_test(tls_passes_unopened_where_it_is_allowed_and_listed),
        cmocka_unit_test(no_secret_goes_where_tls_passes_unopened),
        cmocka_unit_test(a_private_target_is_named_whatever_the_port),
        cmocka_unit_test(only_a_running_sandbox_has_an_identity),
        cmocka_unit_test(a_zeroed_decision_denies),
        cmocka_unit_test(a_view_without_a_merged_list_reaches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
