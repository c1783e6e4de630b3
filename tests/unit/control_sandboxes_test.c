/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes, checkpoints, allowed hosts and explanations over the API. */

#include "control_fixture.h"

static const char *env_of(const struct client_answer *answer, const char *name)
{
    return field(json_object_get(answer->body, "envs"), name);
}

static void make_agent_store(struct fixture *fixture, const char *name, const char *host)
{
    char id[64];
    fixture_make_store(fixture,
                       text_of("{\"name\":\"%s\",\"egressAllowlist\":[\"%s\"]}", name, host), id);
    fixture_expect(fixture, 200, "PUT", text_of("/api/secret-stores/%s/secrets/KEY", name),
                   text_of("{\"value\":\"value of %s\",\"allowedHosts\":[\"%s\"]}", name, host));
}

static void creation_returns_what_a_sandbox_needs(void **state)
{
    make_agent_store(*state, "s", "a.example");
    struct client_answer answer = fixture_ask(
        *state, "POST", "/api/sandboxes",
        "{\"templateID\":\"base\",\"timeout\":0,\"secretStore\":\"s\",\"cpuCount\":2,"
        "\"envs\":{\"MODE\":\"test\",\"no_proxy\":\"mine\"},\"metadata\":{\"a\":\"b\"}}");
    assert_int_equal(answer.status, 201);
    const char *id = field(answer.body, "sandboxID");
    assert_memory_equal(id, "sb-", 3);
    assert_string_equal(field(answer.body, "status"), "running");
    assert_string_equal(field(answer.body, "secretStore"), "s");
    assert_null(json_object_get(answer.body, "baseSecretStore"));
    assert_string_equal(field(answer.body, "templateID"), "base");
    assert_int_equal(json_integer_value(json_object_get(answer.body, "cpuCount")), 2);
    assert_string_equal(field(json_object_get(answer.body, "metadata"), "a"), "b");
    assert_memory_equal(env_of(&answer, "KEY"), "osb_sealed_", 11);
    assert_int_equal(strlen(env_of(&answer, "KEY")), TOKEN_TEXT_LEN);
    assert_string_equal(env_of(&answer, "MODE"), "test");
    assert_string_equal(env_of(&answer, "no_proxy"), "mine");
    assert_string_equal(env_of(&answer, "NO_PROXY"), "localhost,127.0.0.1,::1");
    assert_string_equal(env_of(&answer, "HTTPS_PROXY"), field(answer.body, "proxyURL"));
    assert_memory_equal(env_of(&answer, "https_proxy"), text_of("http://%s:", id), 11);
    assert_non_null(strstr(env_of(&answer, "all_proxy"), "@127.0.0.1:3128"));
    assert_non_null(strstr(env_of(&answer, "SSL_CERT_FILE"), "/ca-bundle.pem"));
    client_answer_clear(&answer);
}

static void env_is_the_same_map_that_creation_returned(void **state)
{
    make_agent_store(*state, "s", "a.example");
    struct client_answer created =
        fixture_ask(*state, "POST", "/api/sandboxes", "{\"secretStore\":\"s\"}");
    struct client_answer env = fixture_ask(
        *state, "GET", text_of("/api/sandboxes/%s/env", field(created.body, "sandboxID")), NULL);
    assert_true(
        json_equal(json_object_get(created.body, "envs"), json_object_get(env.body, "envs")));
    client_answer_clear(&created);
    client_answer_clear(&env);
}

static void bad_sandboxes_are_refused(void **state)
{
    static const struct {
        int status;
        const char *body, *words;
    } cases[] = {
        {404, "{\"secretStore\":\"nowhere\"}", "no such secret store"},
        {400, "{\"secretStore\":1}", "\"secretStore\" must be a string"},
        {400, "{\"envs\":[]}", "\"envs\" must be an object of strings"},
        {400, "{\"envs\":{\"A\":1}}", "\"envs\" must be an object of strings"},
        {400, "{\"envs\":{\"A=B\":\"x\"}}", "environment variable"},
        {400, "{\"envs\":{\"\":\"x\"}}", "environment variable"},
        {400, "{\"envs\":{\"A\":\"x\\u0000\"}}", "NUL"},
        {400, "{\"metadata\":\"x\"}", "\"metadata\" must be an object"},
        {400, "{\"timeout\":-1}", "\"timeout\" must be between"},
        {400, "{\"timeout\":1.5}", "\"timeout\" must be a whole number"},
        {400, "{\"timeout\":\"9\"}", "\"timeout\" must be a whole number"},
        {400, "{\"source\":\"10.0.0.1/8\"}", "one IP address"},
        {400, "{\"source\":\"010.0.0.1\"}", "one IP address"},
        {400, "{\"source\":\"::ffff:10.0.0.1\"}", "one IP address"},
        {400, "{\"cpuCount\":\"2\"}", "\"cpuCount\" must be a whole number"},
        {400, "{\"burst\":1}", "\"burst\" must be true or false"},
        {501, "{\"image\":{}}", "\"image\""},
        {501, "{\"snapshot\":\"s\"}", "\"snapshot\""},
        {501, "{\"previewAuth\":{}}", "\"previewAuth\""},
        {501, "{\"webhooks\":[]}", "\"webhooks\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fixture_refused(*state, cases[i].status, cases[i].words, "POST", "/api/sandboxes",
                        cases[i].body);
    struct client_answer answer = fixture_ask(*state, "GET", "/api/sandboxes", NULL);
    assert_int_equal(json_array_size(answer.body), 0);
    client_answer_clear(&answer);
}

static void a_source_belongs_to_one_sandbox(void **state)
{
    char id[64];
    fixture_make_sandbox(*state, "{\"source\":\"192.0.2.1\"}", id);
    fixture_refused(*state, 409, "source", "POST", "/api/sandboxes", "{\"source\":\"192.0.2.1\"}");
    fixture_expect(*state, 204, "DELETE", text_of("/api/sandboxes/%s", id), NULL);
    fixture_make_sandbox(*state, "{\"source\":\"192.0.2.1\"}", id);
}

static void what_is_not_built_is_501(void **state)
{
    static const char *const paths[] = {
        "/api/sandboxes/sb-1/exec/run",
        "/api/sandboxes/sb-1/files/download-url",
        "/api/sandboxes/sb-1/preview",
        "/api/sandboxes/sb-1/pty",
        "/api/sandboxes/checkpoints/1/patches",
        "/api/snapshots",
        "/api/sandboxes/sb-1/scale",
        "/api/webhooks/1/test",
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        fixture_refused(*state, 501, "not part of it", "POST", paths[i], "{}");
}

static const char *status_after(void **state, const char *id, const char *verb, const char *body)
{
    static char status[32];
    struct client_answer answer =
        fixture_ask(*state, "POST", text_of("/api/sandboxes/%s/%s", id, verb), body);
    assert_int_equal(answer.status, 200);
    strncpy(status, field(answer.body, "status"), sizeof status - 1);
    client_answer_clear(&answer);
    return status;
}

static void a_sandbox_hibernates_and_wakes(void **state)
{
    char id[64];
    fixture_make_sandbox(*state, "{}", id);
    assert_string_equal(status_after(state, id, "hibernate", NULL), "hibernated");
    assert_string_equal(status_after(state, id, "wake", "{\"timeout\":60}"), "running");
    struct client_answer answer =
        fixture_ask(*state, "GET", text_of("/api/sandboxes/%s", id), NULL);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "timeout")), 60);
    client_answer_clear(&answer);
    assert_string_equal(status_after(state, id, "timeout", "{\"timeout\":7}"), "running");
    fixture_refused(*state, 400, "missing", "POST", text_of("/api/sandboxes/%s/timeout", id), "{}");
}

static void a_deleted_sandbox_is_gone_with_its_store_if_wanted(void **state)
{
    char id[64];
    make_agent_store(*state, "s", "a.example");
    fixture_make_sandbox(*state, "{\"secretStore\":\"s\"}", id);
    fixture_refused(*state, 400, "true or false", "DELETE",
                    text_of("/api/sandboxes/%s?deleteSecretStore=perhaps", id), NULL);
    fixture_expect(*state, 204, "DELETE", text_of("/api/sandboxes/%s?deleteSecretStore=true", id),
                   NULL);
    fixture_refused(*state, 404, "no such sandbox", "GET", text_of("/api/sandboxes/%s", id), NULL);
    fixture_refused(*state, 404, "no such", "GET", "/api/secret-stores/s", NULL);
}

/* A fork of a sandbox on "base", with "top" on it. */
static void make_layered_fork(void **state, char fork[64])
{
    char parent[64], checkpoint[64];
    make_agent_store(*state, "base", "base.example");
    make_agent_store(*state, "top", "top.example");
    fixture_make_sandbox(*state, "{\"secretStore\":\"base\",\"envs\":{\"A\":\"1\",\"B\":\"1\"}}",
                         parent);
    struct client_answer answer = fixture_ask(
        *state, "POST", text_of("/api/sandboxes/%s/checkpoints", parent), "{\"name\":\"c\"}");
    assert_int_equal(answer.status, 201);
    assert_string_equal(field(answer.body, "status"), "ready");
    strncpy(checkpoint, field(answer.body, "id"), sizeof checkpoint - 1);
    checkpoint[sizeof checkpoint - 1] = '\0';
    client_answer_clear(&answer);
    answer = fixture_ask(*state, "POST", text_of("/api/sandboxes/from-checkpoint/%s", checkpoint),
                         "{\"secretStore\":\"top\",\"envs\":{\"B\":\"2\"}}");
    assert_int_equal(answer.status, 201);
    assert_string_equal(env_of(&answer, "A"), "1");
    assert_string_equal(env_of(&answer, "B"), "2");
    assert_string_equal(field(answer.body, "secretStore"), "top");
    assert_string_equal(field(answer.body, "baseSecretStore"), "base");
    strncpy(fork, field(answer.body, "sandboxID"), 63);
    client_answer_clear(&answer);
}

static void allowed_hosts_of_a_fork_are_the_union_and_the_last_secret_wins(void **state)
{
    char fork[64] = "";
    make_layered_fork(state, fork);
    struct client_answer answer =
        fixture_ask(*state, "GET", text_of("/api/sandboxes/%s/allowed-hosts", fork), NULL);
    json_t *expected =
        json_pack("{s:s, s:s, s:s, s:[s, s], s:{s:[s]}}", "sandboxID", fork, "secretStore", "top",
                  "baseSecretStore", "base", "egressAllowlist", "base.example", "top.example",
                  "perSecretAllowedHosts", "KEY", "top.example");
    assert_true(json_equal(answer.body, expected));
    json_decref(expected);
    client_answer_clear(&answer);
}

static void a_sandbox_without_a_store_has_no_store_fields(void **state)
{
    char id[64];
    fixture_make_sandbox(*state, "{}", id);
    struct client_answer answer =
        fixture_ask(*state, "GET", text_of("/api/sandboxes/%s/allowed-hosts", id), NULL);
    json_t *expected =
        json_pack("{s:s, s:[], s:{}}", "sandboxID", id, "egressAllowlist", "perSecretAllowedHosts");
    assert_true(json_equal(answer.body, expected));
    json_decref(expected);
    client_answer_clear(&answer);
}

static void a_sandbox_that_reaches_nothing_says_so(void **state)
{
    struct fixture *fixture = *state;
    const struct control_settings settings = {.decision = {.default_deny = true}, .audit_fd = -1};
    struct client_answer answer = fixture_ask(fixture, "POST", "/api/sandboxes", "{}");
    assert_null(json_object_get(answer.body, "warnings"));
    client_answer_clear(&answer);
    control_reconfigure(fixture->control, &settings);
    answer = fixture_ask(fixture, "POST", "/api/sandboxes", "{}");
    assert_int_equal(json_array_size(json_object_get(answer.body, "warnings")), 1);
    client_answer_clear(&answer);
}

static void checkpoints_are_listed_restored_and_deleted(void **state)
{
    char id[64];
    fixture_make_sandbox(*state, "{}", id);
    const char *path = text_of("/api/sandboxes/%s/checkpoints", id);
    struct client_answer made = fixture_ask(*state, "POST", path, "{\"name\":\"c\"}");
    fixture_refused(*state, 409, "already", "POST", path, "{\"name\":\"c\"}");
    fixture_refused(*state, 400, "missing", "POST", path, "{}");
    struct client_answer list = fixture_ask(*state, "GET", path, NULL);
    assert_int_equal(json_array_size(list.body), 1);
    const char *one = text_of("/api/sandboxes/%s/checkpoints/%s", id, field(made.body, "id"));
    fixture_expect(*state, 200, "POST", text_of("%s/restore", one), NULL);
    fixture_expect(*state, 204, "DELETE", one, NULL);
    fixture_refused(*state, 404, "checkpoint", "DELETE", one, NULL);
    fixture_refused(*state, 404, "checkpoint", "POST", text_of("%s/restore", one), NULL);
    fixture_refused(*state, 404, "checkpoint", "POST", "/api/sandboxes/from-checkpoint/cp-0", "{}");
    client_answer_clear(&made);
    client_answer_clear(&list);
}

static void explanations_say_what_the_data_plane_would(void **state)
{
    static const struct {
        const char *query;
        bool allowed;
        const char *code;
    } cases[] = {
        {"url=https%3A%2F%2Fa.example%2Fv1", true, ""},
        {"url=https%3A%2F%2Fa.example%2Fv1&secret=KEY", true, ""},
        {"url=http%3A%2F%2Fa.example%2Fv1", true, ""},
        {"url=http%3A%2F%2Fa.example%2Fv1&secret=KEY", false, "token_plaintext"},
        {"url=https%3A%2F%2Fa.example%3A8443%2F", false, "host_not_allowed"},
        {"url=https%3A%2F%2Fb.example%2F", false, "host_not_allowed"},
        {"url=https%3A%2F%2Fb.example%2F&secret=KEY", false, "host_not_allowed"},
        {"url=https%3A%2F%2Fc.example%2F&secret=KEY", false, "secret_host_not_allowed"},
    };
    char id[64], sandbox[64];
    fixture_make_store(*state, "{\"name\":\"s\",\"egressAllowlist\":[\"a.example\",\"c.example\"]}",
                       id);
    fixture_expect(*state, 200, "PUT", "/api/secret-stores/s/secrets/KEY",
                   "{\"value\":\"long enough\",\"allowedHosts\":[\"a.example\"]}");
    fixture_make_sandbox(*state, "{\"secretStore\":\"s\"}", sandbox);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client_answer answer = fixture_ask(
            *state, "GET", text_of("/api/sandboxes/%s/explain?%s", sandbox, cases[i].query), NULL);
        assert_int_equal(answer.status, 200);
        assert_string_equal(field(answer.body, "code"), cases[i].code);
        assert_int_equal(json_is_true(json_object_get(answer.body, "allowed")), cases[i].allowed);
        assert_string_equal(field(answer.body, "address"), cases[i].allowed ? "192.0.2.7" : "");
        assert_string_equal(
            json_string_value(json_array_get(json_object_get(answer.body, "layers"), 0)), "s");
        assert_true(strlen(field(answer.body, "sentence")) > 0);
        client_answer_clear(&answer);
    }
}

static void an_explanation_waits_for_the_dialer(void **state)
{
    struct fixture *fixture = *state;
    struct fixture_call call;
    char id[64];
    fixture_make_sandbox(fixture, "{}", id);
    const char *path = text_of("/api/sandboxes/%s/explain?url=https://a.example", id);
    fixture->holds_back_resolve = true;
    fixture_start(fixture, &call, "GET", path);
    while (fixture->resolve_ticket == 0)
        fixture_pump(fixture);
    struct control_resolution resolution = {.code = REFUSAL_NONE};
    control_on_resolved(fixture->control, fixture->resolve_ticket + 1, &resolution);
    resolution.code = REFUSAL_ADDRESS_NOT_ALLOWED;
    control_on_resolved(fixture->control, fixture->resolve_ticket, &resolution);
    struct client_answer answer = fixture_finish(fixture, &call);
    assert_string_equal(field(answer.body, "code"), "address_not_allowed");
    assert_true(json_is_false(json_object_get(answer.body, "allowed")));
    client_answer_clear(&answer);
}

static void explain_asks_as_the_data_plane_would(void **state)
{
    struct fixture *fixture = *state;
    char store[64], id[64];
    fixture_make_store(fixture, "{\"name\":\"s\",\"privateHosts\":[\"db.internal\"]}", store);
    fixture_make_sandbox(fixture, "{\"secretStore\":\"s\"}", id);
    fixture_expect(fixture, 200, "GET",
                   text_of("/api/sandboxes/%s/explain?url=https://db.internal", id), NULL);
    assert_true(fixture->resolves_private);
    fixture_expect(fixture, 200, "GET",
                   text_of("/api/sandboxes/%s/explain?url=https://a.db.internal", id), NULL);
    assert_false(fixture->resolves_private);
}

static void what_an_upstream_proxy_looks_up_is_by_no_exception(void **state)
{
    struct fixture *fixture = *state;
    char store[64], id[64];
    fixture_make_store(fixture, "{\"name\":\"s\",\"privateHosts\":[\"db.internal\"]}", store);
    fixture_make_sandbox(fixture, "{\"secretStore\":\"s\"}", id);
    const char *path = text_of("/api/sandboxes/%s/explain?url=https://db.internal", id);
    for (int i = 0; i < 2; i++) {
        fixture->resolves_by_proxy = i == 1;
        struct client_answer answer = fixture_ask(*state, "GET", path, NULL);
        bool is_private = json_object_get(answer.body, "privateHost") != NULL;
        bool is_proxied = json_is_true(json_object_get(answer.body, "upstreamProxy"));
        assert_true(is_private == !fixture->resolves_by_proxy && is_proxied == !is_private);
        const char *sentence = field(answer.body, "sentence");
        assert_non_null(strstr(sentence, is_proxied ? "upstream.proxy" : "privateHosts of"));
        assert_null(strstr(sentence, is_proxied ? "private" : "proxy"));
        client_answer_clear(&answer);
    }
}

static void a_hibernated_sandbox_explains_itself(void **state)
{
    char id[64];
    fixture_make_sandbox(*state, "{}", id);
    fixture_expect(*state, 200, "POST", text_of("/api/sandboxes/%s/hibernate", id), NULL);
    const char *path = text_of("/api/sandboxes/%s/explain?url=https://a.example", id);
    struct client_answer answer = fixture_ask(*state, "GET", path, NULL);
    assert_string_equal(field(answer.body, "code"), "sandbox_suspended");
    client_answer_clear(&answer);
    fixture_refused(*state, 400, "missing", "GET", text_of("/api/sandboxes/%s/explain", id), NULL);
    fixture_refused(*state, 400, "valid host", "GET",
                    text_of("/api/sandboxes/%s/explain?url=x", id), NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(creation_returns_what_a_sandbox_needs),
        TEST(env_is_the_same_map_that_creation_returned),
        TEST(bad_sandboxes_are_refused),
        TEST(a_source_belongs_to_one_sandbox),
        TEST(what_is_not_built_is_501),
        TEST(a_sandbox_hibernates_and_wakes),
        TEST(a_deleted_sandbox_is_gone_with_its_store_if_wanted),
        TEST(allowed_hosts_of_a_fork_are_the_union_and_the_last_secret_wins),
        TEST(a_sandbox_without_a_store_has_no_store_fields),
        TEST(a_sandbox_that_reaches_nothing_says_so),
        TEST(checkpoints_are_listed_restored_and_deleted),
        TEST(explanations_say_what_the_data_plane_would),
        TEST(an_explanation_waits_for_the_dialer),
        TEST(explain_asks_as_the_data_plane_would),
        TEST(what_an_upstream_proxy_looks_up_is_by_no_exception),
        TEST(a_hibernated_sandbox_explains_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
