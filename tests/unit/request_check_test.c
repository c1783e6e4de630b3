/* SPDX-License-Identifier: Apache-2.0 */
/* Step 4 of the decision: one line a request. */
#include "inject_fixture.h"

#include <sodium.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The tokens of the fixture, by what their secrets permit. */
#define ANYWHERE "osb_sealed_11111111111111111111111111111111"
#define GITHUB "osb_sealed_22222222222222222222222222222222"
#define NAMED "osb_sealed_33333333333333333333333333333333"
#define USER_AGENT "osb_sealed_44444444444444444444444444444444"
#define FOREIGN "osb_sealed_ffffffffffffffffffffffffffffffff"

static const struct fixture_secret secrets[] = {
    {.name = "A_ANYWHERE"},
    {.name = "B_GITHUB", .host = "api.github.com"},
    {.name = "C_NAMED", .place = "header:x-api-key"},
    {.name = "D_USER_AGENT", .place = "header:user-agent"},
};

struct request_case {
    const char *path;
    const char *fields; /* "name: value", one a line */
    enum refusal_code code;
    const char *secret; /* that the refusal names */
};

static void add_fields(struct http_head *head, const char *text)
{
    struct slice rest = slice_from_string(text);

    while (rest.len > 0) {
        struct slice value = slice_split(&rest, '\n');
        struct slice name = slice_split(&value, ':');
        fixture_must(http_head_add(head, name, slice_trim(value)));
    }
}

struct checked {
    struct view *view;
    struct http_head head;
    struct inject_finding finding;
};

/* To api.example.com; the caller ends it with forget(). */
static void check_under(struct checked *checked, const struct request_case *c, bool is_tls,
                        struct decision_settings settings)
{
    struct authority target = fixture_target("api.example.com");
    struct http_request request = {.path = slice_from_string(c->path)};

    checked->view = fixture_view(secrets, ARRAY_LEN(secrets));
    http_head_init(&checked->head);
    checked->head.method = SLICE("GET");
    checked->head.target = request.path;
    add_fields(&checked->head, c->fields);
    inject_check_request(&(struct inject_question){checked->view, &target, &checked->head, &request,
                                                   settings, is_tls},
                         &checked->finding);
}

static void check(struct checked *checked, const struct request_case *c, bool is_tls)
{
    check_under(checked, c, is_tls, (struct decision_settings){false});
}

static void forget(struct checked *checked)
{
    http_head_clear(&checked->head);
    view_unref(checked->view);
}

static void expect(const struct request_case *cases, size_t count, bool is_tls)
{
    for (size_t i = 0; i < count; i++) {
        const struct request_case *c = &cases[i];
        struct checked checked;
        check(&checked, c, is_tls);
        const struct decision *decision = &checked.finding.decision;

        if (decision->code != c->code ||
            (decision->verdict == VERDICT_ALLOW) != (c->code == REFUSAL_NONE))
            fail_msg("%s %s: %s", c->path, c->fields, refusal_code_name(decision->code));
        if (!slice_equals(decision->secret, slice_from_string(c->secret)))
            fail_msg("%s %s: names \"%.*s\"", c->path, c->fields, SLICE_ARG(decision->secret));
        forget(&checked);
    }
}

static const struct request_case token_cases[] = {
    {"/", "accept: */*", REFUSAL_NONE, NULL},
    {"/", "authorization: Bearer " ANYWHERE, REFUSAL_NONE, NULL},
    {"/", "x-api-key: " NAMED "\nauthorization: " ANYWHERE, REFUSAL_NONE, NULL},
    {"/", "cookie: a=" ANYWHERE "; b=" ANYWHERE, REFUSAL_NONE, NULL},
    {"/", "authorization: Bearer " FOREIGN, REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/", "authorization: Bearer " ANYWHERE "0", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/", "authorization: Bearer x" ANYWHERE, REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/", "authorization: Bearer osb_sealed_1111", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/", "x-note: what is osb_sealed_?", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/", "x-note: OSB_SEALED_11111111111111111111111111111111", REFUSAL_NONE, NULL},
};

static void only_whole_tokens_of_this_sandbox_pass(void **state)
{
    (void)state;
    expect(token_cases, ARRAY_LEN(token_cases), true);
}

static const struct request_case place_cases[] = {
    {"/v1/" ANYWHERE "/x", "", REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/?key=" ANYWHERE, "", REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/?key=" FOREIGN, "", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/" ANYWHERE "a", "", REFUSAL_TOKEN_UNKNOWN, NULL},
    /* percent-encoded, decoded once */
    {"/?key=osb%5fsealed%5F11111111111111111111111111111111", "", REFUSAL_TOKEN_PLACE_NOT_ALLOWED,
     "A_ANYWHERE"},
    {"/%6F%73%62_sealed_22", "", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/%5f" ANYWHERE, "", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/" ANYWHERE "%30", "", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/osb%255fsealed_1", "", REFUSAL_NONE, NULL},
    {"/100%", "", REFUSAL_NONE, NULL},
    {"/%zz%1", "", REFUSAL_NONE, NULL},
    /* fields that origins echo */
    {"/", "User-Agent: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "User-Agent: " USER_AGENT, REFUSAL_NONE, NULL},
    {"/", "X-Request-Id: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "Accept-Language: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "Sec-WebSocket-Protocol: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    /* never */
    {"/", "Proxy-Authorization: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "Connection: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "Host: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    /* narrowed to a named field */
    {"/", "X-Api-Key: " NAMED, REFUSAL_NONE, NULL},
    {"/", "Authorization: " NAMED, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "C_NAMED"},
    {"/", "Authorization: " USER_AGENT, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "D_USER_AGENT"},
    /* names */
    {"/", ANYWHERE ": x", REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "x-osb_sealed_: x", REFUSAL_TOKEN_UNKNOWN, NULL},
};

static void a_token_passes_only_where_its_secret_is_injected(void **state)
{
    (void)state;
    expect(place_cases, ARRAY_LEN(place_cases), true);
}

/* The order counts over all tokens, wherever each one stands. */
static const struct request_case order_cases[] = {
    {"/", "a: " GITHUB, REFUSAL_SECRET_HOST_NOT_ALLOWED, "B_GITHUB"},
    {"/", "user-agent: " GITHUB, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "B_GITHUB"},
    {"/", "a: " GITHUB "\nuser-agent: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "a: " GITHUB "\nb: " NAMED "\nc: " FOREIGN, REFUSAL_TOKEN_UNKNOWN, NULL},
    {"/" ANYWHERE, "a: " GITHUB, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/" ANYWHERE, "user-agent: " GITHUB, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "A_ANYWHERE"},
    {"/", "b: " NAMED "\nuser-agent: " ANYWHERE, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "C_NAMED"},
};

static void the_first_check_that_fails_for_any_token_names_the_refusal(void **state)
{
    (void)state;
    expect(order_cases, ARRAY_LEN(order_cases), true);
}

static const struct request_case plaintext_cases[] = {
    {"/", "accept: */*", REFUSAL_NONE, NULL},
    {"/", "a: " ANYWHERE, REFUSAL_TOKEN_PLAINTEXT, "A_ANYWHERE"},
    {"/" ANYWHERE, "", REFUSAL_TOKEN_PLAINTEXT, "A_ANYWHERE"},
    {"/", "a: " GITHUB "\nuser-agent: " ANYWHERE, REFUSAL_TOKEN_PLAINTEXT, "B_GITHUB"},
    {"/", "a: " ANYWHERE "\nb: osb_sealed_", REFUSAL_TOKEN_UNKNOWN, NULL},
};

static void no_token_passes_without_tls(void **state)
{
    (void)state;
    expect(plaintext_cases, ARRAY_LEN(plaintext_cases), false);
}

struct credentials_case {
    const char *credentials;
    enum refusal_code code;
    const char *secret;
};

static const struct credentials_case credentials_cases[] = {
    {"user:password", REFUSAL_NONE, NULL},
    {"x-access-token:" ANYWHERE, REFUSAL_NONE, NULL},
    {ANYWHERE ":", REFUSAL_NONE, NULL},
    {ANYWHERE ":" ANYWHERE, REFUSAL_NONE, NULL},
    {"x:" FOREIGN, REFUSAL_TOKEN_UNKNOWN, NULL},
    {"x:" ANYWHERE "0", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"x:osb_sealed_", REFUSAL_TOKEN_UNKNOWN, NULL},
    {"x:" NAMED, REFUSAL_TOKEN_PLACE_NOT_ALLOWED, "C_NAMED"},
    {"x:" GITHUB, REFUSAL_SECRET_HOST_NOT_ALLOWED, "B_GITHUB"},
};

static void basic_credentials_are_looked_into(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(credentials_cases); i++) {
        const struct credentials_case *c = &credentials_cases[i];
        char field[512] = "Authorization: basic ";
        size_t len = strlen(field);

        sodium_bin2base64(field + len, sizeof(field) - len, (const unsigned char *)c->credentials,
                          strlen(c->credentials), sodium_base64_VARIANT_ORIGINAL);
        expect(&(struct request_case){"/", field, c->code, c->secret}, 1, true);
    }
}

static void a_refusal_says_which_store_the_secret_is_from(void **state)
{
    struct checked checked;

    (void)state;
    check(&checked, &(struct request_case){"/", "a: " GITHUB, 0, NULL}, true);
    assert_true(slice_equals(checked.finding.decision.store, SLICE("agent")));
    forget(&checked);
    check(&checked, &(struct request_case){"/" ANYWHERE, "", 0, NULL}, true);
    assert_true(slice_equals(checked.finding.decision.store, SLICE("agent")));
    forget(&checked);
}

static void the_finding_names_each_secret_once(void **state)
{
    struct checked checked;

    (void)state;
    check(&checked,
          &(struct request_case){"/", "a: " ANYWHERE " " ANYWHERE "\nx-api-key: " NAMED, 0, NULL},
          true);
    assert_true(checked.finding.has_tokens);
    assert_int_equal(checked.finding.secret_count, 2);
    assert_true(slice_equals(checked.finding.secrets[0], SLICE("A_ANYWHERE")));
    assert_true(slice_equals(checked.finding.secrets[1], SLICE("C_NAMED")));
    forget(&checked);
}

static void a_refused_head_has_no_tokens_to_replace(void **state)
{
    struct checked checked;

    (void)state;
    check(&checked, &(struct request_case){"/" ANYWHERE, "a: " ANYWHERE, 0, NULL}, true);
    assert_false(checked.finding.has_tokens);
    assert_int_equal(checked.finding.secret_count, 1);
    forget(&checked);
    check(&checked, &(struct request_case){"/", "a: b", 0, NULL}, true);
    assert_false(checked.finding.has_tokens);
    forget(&checked);
}

static void the_method_is_looked_at(void **state)
{
    struct authority target = fixture_target("api.example.com");
    struct http_request request = {.path = SLICE("/")};
    struct inject_finding finding;
    struct http_head head;

    (void)state;
    struct view *view = fixture_view(secrets, ARRAY_LEN(secrets));
    http_head_init(&head);
    head.method = SLICE(ANYWHERE);
    head.target = SLICE("/");
    inject_check_request(
        &(struct inject_question){view, &target, &head, &request, {false}, .is_tls = true},
        &finding);
    assert_int_equal(finding.decision.code, REFUSAL_TOKEN_PLACE_NOT_ALLOWED);
    view_unref(view);
}

static void default_deny_sends_a_secret_without_hosts_nowhere(void **state)
{
    struct checked checked;

    (void)state;
    check_under(&checked, &(struct request_case){"/", "a: " ANYWHERE, 0, NULL}, true,
                (struct decision_settings){true});
    assert_int_equal(checked.finding.decision.verdict, VERDICT_DENY);
    forget(&checked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_tokens_of_this_sandbox_pass),
        cmocka_unit_test(a_token_passes_only_where_its_secret_is_injected),
        cmocka_unit_test(the_first_check_that_fails_for_any_token_names_the_refusal),
        cmocka_unit_test(no_token_passes_without_tls),
        cmocka_unit_test(basic_credentials_are_looked_into),
        cmocka_unit_test(a_refusal_says_which_store_the_secret_is_from),
        cmocka_unit_test(the_finding_names_each_secret_once),
        cmocka_unit_test(a_refused_head_has_no_tokens_to_replace),
        cmocka_unit_test(the_method_is_looked_at),
        cmocka_unit_test(default_deny_sends_a_secret_without_hosts_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
