/* SPDX-License-Identifier: Apache-2.0 */
/* Organizations, API keys, certificates, audit: administration over the API. */

#include "control_fixture.h"

#include <stdio.h>

/* An org "other" with a key, which is returned in `key`. */
static void make_other_org(struct fixture *fixture, char key[64])
{
    fixture_expect(fixture, 201, "POST", "/api/orgs", "{\"name\":\"other\"}");
    struct client_answer answer =
        fixture_ask(fixture, "POST", "/api/api-keys", "{\"name\":\"theirs\",\"org\":\"other\"}");
    assert_int_equal(answer.status, 201);
    snprintf(key, 64, "%s", field(answer.body, "key"));
    assert_int_equal(strlen(key), 47);
    client_answer_clear(&answer);
}

static int status_as(struct fixture *fixture, const char *key, const char *method, const char *path,
                     const char *body)
{
    struct client_answer answer = fixture_ask_as(fixture, key, method, path, body);
    int status = answer.status;
    client_answer_clear(&answer);
    return status;
}

static void orgs_cannot_see_each_other(void **state)
{
    struct fixture *fixture = *state;
    char key[64], store[64], sandbox[64];
    make_other_org(fixture, key);
    fixture_make_store(fixture, "{\"name\":\"s\"}", store);
    fixture_make_sandbox(fixture, "{\"secretStore\":\"s\"}", sandbox);
    struct client_answer checkpoint = fixture_ask(
        fixture, "POST", text_of("/api/sandboxes/%s/checkpoints", sandbox), "{\"name\":\"c\"}");
    const struct {
        const char *method, *path, *body;
    } cases[] = {
        {"GET", text_of("/api/secret-stores/%s", store), NULL},
        {"PUT", text_of("/api/secret-stores/%s", store), "{\"name\":\"x\"}"},
        {"DELETE", text_of("/api/secret-stores/%s", store), NULL},
        {"PUT", text_of("/api/secret-stores/%s/secrets/KEY", store), "{\"value\":\"theirs\"}"},
        {"GET", text_of("/api/sandboxes/%s", sandbox), NULL},
        {"POST", "/api/sandboxes", text_of("{\"secretStore\":\"%s\"}", store)},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(status_as(fixture, key, cases[i].method, cases[i].path, cases[i].body),
                         404);
    static const char *const verbs[] = {"env", "allowed-hosts", "explain?url=https://x.example",
                                        "checkpoints"};
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        assert_int_equal(status_as(fixture, key, "GET",
                                   text_of("/api/sandboxes/%s/%s", sandbox, verbs[i]), NULL),
                         404);
    assert_int_equal(
        status_as(fixture, key, "POST",
                  text_of("/api/sandboxes/from-checkpoint/%s", field(checkpoint.body, "id")), "{}"),
        404);
    client_answer_clear(&checkpoint);
    struct client_answer list = fixture_ask_as(fixture, key, "GET", "/api/sandboxes", NULL);
    assert_int_equal(json_array_size(list.body), 0);
    client_answer_clear(&list);
}

static void an_ordinary_key_does_not_administer(void **state)
{
    static const struct {
        const char *method, *path;
    } cases[] = {
        {"GET", "/api/orgs"},         {"POST", "/api/orgs"},         {"GET", "/api/api-keys"},
        {"POST", "/api/api-keys"},    {"DELETE", "/api/api-keys/1"}, {"GET", "/api/audit"},
        {"POST", "/api/keys/rotate"}, {"POST", "/api/ca/rotate"},    {"GET", "/api/keys"}};
    char key[64];
    make_other_org(*state, key);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(status_as(*state, key, cases[i].method, cases[i].path, "{}"), 403);
}

static void a_revoked_key_stops_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct client_answer made =
        fixture_ask(fixture, "POST", "/api/api-keys", "{\"name\":\"k\",\"admin\":true}");
    const char *key = field(made.body, "key");
    assert_int_equal(status_as(fixture, key, "GET", "/api/orgs", NULL), 200);
    fixture_expect(fixture, 204, "DELETE", text_of("/api/api-keys/%s", field(made.body, "id")),
                   NULL);
    assert_int_equal(status_as(fixture, key, "GET", "/api/orgs", NULL), 401);
    assert_int_equal(status_as(fixture, "sgk_nonsense", "GET", "/api/orgs", NULL), 401);
    client_answer_clear(&made);
}

static void keys_are_shown_once(void **state)
{
    struct client_answer answer = fixture_ask(*state, "GET", "/api/api-keys", NULL);
    const json_t *first = json_array_get(answer.body, 0);
    assert_null(json_object_get(first, "key"));
    assert_string_equal(field(first, "name"), "first");
    assert_int_equal(strlen(field(first, "prefix")), 12);
    struct slice text = buffer_view(&answer.text);
    assert_int_equal(
        slice_find_slice(text, slice_from_string(((struct fixture *)*state)->first_key)), text.len);
    client_answer_clear(&answer);
}

static void the_local_socket_acts_for_any_org(void **state)
{
    char key[64];
    make_other_org(*state, key);
    struct client_answer answer =
        fixture_ask_locally(*state, "other", "POST", "/api/secret-stores", "{\"name\":\"s\"}");
    assert_int_equal(answer.status, 201);
    client_answer_clear(&answer);
    assert_int_equal(status_as(*state, key, "GET", "/api/secret-stores/s", NULL), 200);
    fixture_refused(*state, 404, "no such", "GET", "/api/secret-stores/s", NULL);
    answer = fixture_ask_locally(*state, "nobody", "GET", "/api/secret-stores", NULL);
    assert_int_equal(answer.status, 404);
    client_answer_clear(&answer);
}

static void taken_and_unknown_orgs_are_refused(void **state)
{
    fixture_refused(*state, 409, "already", "POST", "/api/orgs", "{\"name\":\"default\"}");
    fixture_refused(*state, 400, "missing", "POST", "/api/orgs", "{}");
    fixture_refused(*state, 404, "organization", "POST", "/api/api-keys", "{\"org\":\"x\"}");
    fixture_refused(*state, 404, "API key", "DELETE", "/api/api-keys/x", NULL);
}

static bool contains(const struct buffer *text, const char *words)
{
    struct slice view = buffer_view(text);
    return slice_find_slice(view, slice_from_string(words)) < view.len;
}

static void ca_rotation_is_published(void **state)
{
    struct fixture *fixture = *state;
    assert_true(contains(&fixture->ca_pem, "root0"));
    assert_true(contains(&fixture->ca_bundle, "root0"));
    struct client_answer answer = fixture_ask(fixture, "POST", "/api/ca/rotate", NULL);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(field(answer.body, "certificates"), "root1"));
    client_answer_clear(&answer);
    assert_true(contains(&fixture->ca_pem, "root1"));
    answer = fixture_ask_as(fixture, NULL, "GET", "/ca-bundle.pem", NULL);
    assert_true(contains(&answer.text, "root1"));
    client_answer_clear(&answer);
}

static void use_audit_file(struct fixture *fixture, int fd)
{
    const struct control_settings settings = {.data_dir = slice_from_string(fixture->directory),
                                              .audit_fd = fd};
    control_reconfigure(fixture->control, &settings);
}

static void audit_shows_the_last_records_of_the_org(void **state)
{
    struct fixture *fixture = *state;
    struct client_answer orgs = fixture_ask(fixture, "GET", "/api/orgs", NULL);
    const char *org = field(json_array_get(orgs.body, 0), "id");
    FILE *file = tmpfile();
    for (int i = 0; i < 5; i++)
        fprintf(file, "{\"org\":\"%s\",\"sandbox\":\"sb-%d\",\"secrets\":[\"KEY%d\"]}\n", org, i,
                i % 2);
    fprintf(file, "{\"org\":\"another\",\"sandbox\":\"sb-9\"}\nnot json\n");
    fflush(file);
    fixture_refused(fixture, 501, "audit", "GET", "/api/audit", NULL);
    use_audit_file(fixture, fileno(file));
    struct client_answer answer = fixture_ask(fixture, "GET", "/api/audit?limit=2", NULL);
    assert_int_equal(json_array_size(answer.body), 2);
    assert_string_equal(field(json_array_get(answer.body, 1), "sandbox"), "sb-4");
    client_answer_clear(&answer);
    answer = fixture_ask(fixture, "GET", "/api/audit?secret=KEY1", NULL);
    assert_int_equal(json_array_size(answer.body), 2);
    client_answer_clear(&answer);
    answer = fixture_ask(fixture, "GET", "/api/audit?all=true", NULL);
    assert_int_equal(json_array_size(answer.body), 6);
    client_answer_clear(&answer);
    fixture_refused(fixture, 400, "limit", "GET", "/api/audit?limit=0", NULL);
    client_answer_clear(&orgs);
    fclose(file);
}

static void metrics_and_the_description_are_served(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(status_as(fixture, NULL, "GET", "/metrics", NULL), 401);
    struct client_answer answer = fixture_ask(fixture, "GET", "/metrics", NULL);
    assert_true(contains(&answer.text, "sealgate_api_requests_total"));
    client_answer_clear(&answer);
    answer = fixture_ask_as(fixture, NULL, "GET", "/openapi.json", NULL);
    assert_string_equal(field(answer.body, "openapi"), "3.1.0");
    client_answer_clear(&answer);
}

/* "/api/x/{id}" with something in place of {id}. */
static void fill_path(const char *pattern, char *path)
{
    while (*pattern != '\0') {
        if (*pattern != '{') {
            *path++ = *pattern++;
            continue;
        }
        *path++ = 'x';
        pattern = strchr(pattern, '}') + 1;
    }
    *path = '\0';
}

static bool is_routed(struct fixture *fixture, const char *method, const char *path)
{
    char upper[16] = "";
    for (size_t i = 0; method[i] != '\0' && i < sizeof upper - 1; i++)
        upper[i] = (char)(method[i] - 'a' + 'A');
    struct client_answer answer = fixture_ask_as(fixture, NULL, upper, path, NULL);
    bool routed = answer.status == 401 || answer.status == 200;
    client_answer_clear(&answer);
    return routed;
}

static void everything_that_is_described_exists(void **state)
{
    struct client_answer answer = fixture_ask_as(*state, NULL, "GET", "/openapi.json", NULL);
    const char *pattern, *method;
    json_t *item, *operation;
    char path[256];
    json_object_foreach(json_object_get(answer.body, "paths"), pattern, item)
    {
        fill_path(pattern, path);
        json_object_foreach(item, method, operation)
        {
            if (strcmp(method, "parameters") == 0)
                continue;
            if (!is_routed(*state, method, path))
                print_error("%s %s\n", method, path);
            assert_true(is_routed(*state, method, path));
        }
    }
    client_answer_clear(&answer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(orgs_cannot_see_each_other),
        TEST(an_ordinary_key_does_not_administer),
        TEST(a_revoked_key_stops_at_once),
        TEST(keys_are_shown_once),
        TEST(the_local_socket_acts_for_any_org),
        TEST(taken_and_unknown_orgs_are_refused),
        TEST(ca_rotation_is_published),
        TEST(audit_shows_the_last_records_of_the_org),
        TEST(metrics_and_the_description_are_served),
        TEST(everything_that_is_described_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
