/* SPDX-License-Identifier: Apache-2.0 */
/* Secret stores and secrets over the API. */

#include "control_fixture.h"

static void a_store_shows_what_was_set(void **state)
{
    struct client_answer answer =
        fixture_ask(*state, "POST", "/api/secret-stores",
                    "{\"name\":\"s\",\"egressAllowlist\":[\"api.example.com\",\"api.example.com\"],"
                    "\"unknown\":1}");
    assert_int_equal(answer.status, 201);
    assert_int_equal(strlen(field(answer.body, "id")), 36);
    assert_string_equal(field(answer.body, "name"), "s");
    assert_int_equal(json_array_size(json_object_get(answer.body, "egressAllowlist")), 1);
    assert_true(json_is_true(json_object_get(answer.body, "redactResponses")));
    assert_int_equal(strlen(field(answer.body, "createdAt")), strlen("2026-01-01T00:00:00.000Z"));
    client_answer_clear(&answer);
}

static void bad_stores_are_refused(void **state)
{
    static const struct {
        const char *body, *words;
    } cases[] = {
        {"{}", "\"name\" is missing"},
        {"{\"name\":7}", "\"name\" must be a string"},
        {"{\"name\":null}", "\"name\" must be a string"},
        {"{\"name\":\"\"}", "1 to 128"},
        {"{\"name\":\"a\\nb\"}", "control characters"},
        {"{\"name\":\"a\",\"egressAllowlist\":\"x\"}",
         "\"egressAllowlist\" must be a list of strings"},
        {"{\"name\":\"a\",\"egressAllowlist\":[1]}",
         "\"egressAllowlist\" must be a list of strings"},
        {"{\"name\":\"a\",\"egressAllowlist\":[\"*.com\"]}", "*.com"},
        {"{\"name\":\"a\",\"egressAllowlist\":[\"api.*\"]}", "api.*"},
        {"{\"name\":\"a\",\"redactResponses\":\"no\"}",
         "\"redactResponses\" must be true or false"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fixture_refused(*state, 400, cases[i].words, "POST", "/api/secret-stores", cases[i].body);
    struct client_answer answer = fixture_ask(*state, "GET", "/api/secret-stores", NULL);
    assert_int_equal(json_array_size(answer.body), 0);
    client_answer_clear(&answer);
}

static void a_taken_name_is_409(void **state)
{
    char id[64], other[64];
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    fixture_make_store(*state, "{\"name\":\"t\"}", other);
    fixture_refused(*state, 409, "already", "POST", "/api/secret-stores", "{\"name\":\"s\"}");
    fixture_refused(*state, 409, "already", "PUT", text_of("/api/secret-stores/%s", other),
                    "{\"name\":\"s\"}");
}

static void lists_are_in_order_of_creation(void **state)
{
    char id[64];
    static const char *const names[] = {"zebra", "ant", "mole"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        fixture_make_store(*state, text_of("{\"name\":\"%s\"}", names[i]), id);
    struct client_answer answer = fixture_ask(*state, "GET", "/api/secret-stores", NULL);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_string_equal(field(json_array_get(answer.body, i), "name"), names[i]);
    client_answer_clear(&answer);
}

static void an_update_changes_only_what_is_given(void **state)
{
    char id[64];
    fixture_make_store(*state, "{\"name\":\"s\",\"egressAllowlist\":[\"a.example\"]}", id);
    struct client_answer answer = fixture_ask(*state, "PUT", text_of("/api/secret-stores/%s", id),
                                              "{\"redactResponses\":false}");
    assert_int_equal(answer.status, 200);
    assert_string_equal(field(answer.body, "name"), "s");
    assert_true(json_is_false(json_object_get(answer.body, "redactResponses")));
    assert_int_equal(json_array_size(json_object_get(answer.body, "egressAllowlist")), 1);
    client_answer_clear(&answer);
    fixture_expect(*state, 200, "PUT", "/api/secret-stores/s", "{\"egressAllowlist\":[]}");
    answer = fixture_ask(*state, "GET", text_of("/api/secret-stores/%s", id), NULL);
    assert_int_equal(json_array_size(json_object_get(answer.body, "egressAllowlist")), 0);
    client_answer_clear(&answer);
}

static void a_deleted_store_is_gone_and_its_name_is_free(void **state)
{
    char id[64], next[64];
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    fixture_expect(*state, 204, "DELETE", text_of("/api/secret-stores/%s", id), NULL);
    fixture_refused(*state, 404, "no such", "GET", text_of("/api/secret-stores/%s", id), NULL);
    fixture_make_store(*state, "{\"name\":\"s\"}", next);
    assert_string_not_equal(id, next);
}

static void bad_secrets_are_refused(void **state)
{
    static const struct {
        const char *name, *body, *words;
    } cases[] = {
        {"1X", "{\"value\":\"long enough\"}", "environment variable"},
        {"A-B", "{\"value\":\"long enough\"}", "environment variable"},
        {"X", "{\"value\":7}", "\"value\" must be a string"},
        {"X", "{}", "\"value\" or \"sealedValue\" is missing"},
        {"X", "{\"allowedHosts\":[]}", "\"value\" or \"sealedValue\" is missing"},
        {"X", "{\"value\":\"\"}", "is empty"},
        {"X", "{\"value\":\"canary-value\\r\"}", "CR"},
        {"X", "{\"value\":\"canary-value\\n\"}", "LF"},
        {"X", "{\"value\":\"canary\\u0000value\"}", "NUL"},
        {"X", "{\"value\":\"v\",\"sealedValue\":\"v\"}", "not both"},
        {"X", "{\"value\":\"v\",\"allowedHosts\":[\"a..b\"]}", "a..b"},
        {"X", "{\"value\":\"v\",\"inject\":[\"body\"]}", "body"},
        {"X", "{\"value\":\"v\",\"inject\":[\"nowhere\"]}", "nowhere"},
        {"X", "{\"sealedValue\":\"nonsense\"}", "sealedValue"},
    };
    char id[64];
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        fixture_refused(*state, 400, cases[i].words, "PUT",
                        text_of("/api/secret-stores/s/secrets/%s", cases[i].name), cases[i].body);
    struct client_answer answer = fixture_ask(*state, "GET", "/api/secret-stores/s/secrets", NULL);
    assert_int_equal(json_array_size(answer.body), 0);
    client_answer_clear(&answer);
}

static void no_answer_repeats_a_value(void **state)
{
    char id[64];
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    static const char *const bodies[] = {
        "{\"value\":\"canary-5d1f\"}", "{\"value\":\"canary-5d1f\\n\"}",
        "{\"value\":[\"canary-5d1f\"]}", "{\"value\":\"x\",\"inject\":\"canary-5d1f\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct client_answer answer =
            fixture_ask(*state, "PUT", "/api/secret-stores/s/secrets/KEY", bodies[i]);
        struct slice text = buffer_view(&answer.text);
        assert_int_equal(slice_find_slice(text, SLICE("canary")), text.len);
        client_answer_clear(&answer);
    }
}

static const json_t *first_secret(struct client_answer *answer, void **state)
{
    *answer = fixture_ask(*state, "GET", "/api/secret-stores/s/secrets", NULL);
    assert_int_equal(answer->status, 200);
    return json_array_get(answer->body, 0);
}

static void what_is_left_out_stays_as_it_was(void **state)
{
    char id[64];
    struct client_answer answer;
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    fixture_expect(*state, 200, "PUT", "/api/secret-stores/s/secrets/KEY",
                   "{\"value\":\"long enough\",\"allowedHosts\":[\"a.example\"],"
                   "\"inject\":[\"header:authorization\"]}");
    fixture_expect(*state, 200, "PUT", "/api/secret-stores/s/secrets/KEY",
                   "{\"value\":\"another value\"}");
    const json_t *secret = first_secret(&answer, state);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(secret, "allowedHosts"), 0)), "a.example");
    assert_string_equal(json_string_value(json_array_get(json_object_get(secret, "inject"), 0)),
                        "header:authorization");
    client_answer_clear(&answer);
    fixture_expect(*state, 200, "PUT", "/api/secret-stores/s/secrets/KEY",
                   "{\"allowedHosts\":[],\"inject\":[]}");
    secret = first_secret(&answer, state);
    assert_int_equal(json_array_size(json_object_get(secret, "allowedHosts")), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(secret, "inject"), 0)),
                        "header");
    client_answer_clear(&answer);
}

static void questionable_values_are_warned_about(void **state)
{
    char id[64];
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    struct client_answer answer =
        fixture_ask(*state, "PUT", "/api/secret-stores/s/secrets/KEY", "{\"value\":\" short\"}");
    assert_int_equal(json_array_size(json_object_get(answer.body, "warnings")), 3);
    client_answer_clear(&answer);
    answer = fixture_ask(*state, "PUT", "/api/secret-stores/s/secrets/KEY",
                         "{\"value\":\"long enough\",\"allowedHosts\":[\"a.example\"]}");
    assert_null(json_object_get(answer.body, "warnings"));
    client_answer_clear(&answer);
}

/* Seals as a client would, with what the API says. */
static void seal_for(void **state, const char *store_id, const char *host, struct buffer *out)
{
    struct client_answer answer =
        fixture_ask(*state, "GET", text_of("/api/secret-stores/%s/sealing-key", store_id), NULL);
    assert_int_equal(answer.status, 200);
    assert_string_equal(field(answer.body, "format"), "sealgate.v1");
    const struct seal_public_key *key = keyring_public(((struct fixture *)*state)->ring, 0);
    assert_string_equal(field(answer.body, "keyId"), key->id);
    const struct slice place = SLICE("header"), hosts = slice_from_string(host);
    const struct seal_binding binding = {
        .org = slice_from_string(field(answer.body, "orgId")),
        .store = slice_from_string(field(answer.body, "storeId")),
        .name = SLICE("KEY"),
        .places = &place,
        .place_count = 1,
        .hosts = &hosts,
        .host_count = 1,
    };
    assert_int_equal(seal_value(key, &binding, SLICE("sealed-canary"), out), OK);
    client_answer_clear(&answer);
}

static void a_sealed_value_brings_its_own_hosts(void **state)
{
    char id[64];
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    struct client_answer answer;
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    seal_for(state, id, "box.example", sealed);
    struct slice text = buffer_view(sealed);
    fixture_refused(
        *state, 400, "differs", "PUT", "/api/secret-stores/s/secrets/KEY",
        text_of("{\"sealedValue\":\"%.*s\",\"allowedHosts\":[\"x.example\"]}", SLICE_ARG(text)));
    fixture_refused(*state, 400, "another organization, store or name", "PUT",
                    "/api/secret-stores/s/secrets/OTHER",
                    text_of("{\"sealedValue\":\"%.*s\"}", SLICE_ARG(text)));
    fixture_expect(*state, 200, "PUT", "/api/secret-stores/s/secrets/KEY",
                   text_of("{\"sealedValue\":\"%.*s\"}", SLICE_ARG(text)));
    const json_t *secret = first_secret(&answer, state);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(secret, "allowedHosts"), 0)),
        "box.example");
    client_answer_clear(&answer);
}

static void a_secret_that_is_not_there_cannot_be_deleted(void **state)
{
    char id[64];
    fixture_make_store(*state, "{\"name\":\"s\"}", id);
    fixture_refused(*state, 404, "no secret", "DELETE", "/api/secret-stores/s/secrets/KEY", NULL);
    fixture_expect(*state, 200, "PUT", "/api/secret-stores/s/secrets/KEY",
                   "{\"value\":\"long enough\"}");
    fixture_expect(*state, 204, "DELETE", "/api/secret-stores/s/secrets/KEY", NULL);
    fixture_refused(*state, 404, "no secret", "DELETE", "/api/secret-stores/s/secrets/KEY", NULL);
}

static void without_the_keyholder_nothing_is_changed(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    fixture_make_store(fixture, "{\"name\":\"s\"}", id);
    fixture->keyholder_is_away = true;
    fixture_refused(fixture, 503, "restarting", "PUT", "/api/secret-stores/s/secrets/KEY",
                    "{\"value\":\"long enough\"}");
    fixture_refused(fixture, 503, "not ready", "GET", "/readyz", NULL);
    struct client_answer answer = fixture_ask(fixture, "GET", "/api/secret-stores/s/secrets", NULL);
    assert_int_equal(json_array_size(answer.body), 0);
    client_answer_clear(&answer);
}

static void declare(struct fixture *fixture, const char *value)
{
    const struct slice host = SLICE("api.example.com");
    const struct declared_secret secret = {
        .name = SLICE("KEY"), .value = slice_from_string(value), .hosts = &host, .host_count = 1};
    const struct declared_store store = {.name = SLICE("declared"),
                                         .egress = &host,
                                         .egress_count = 1,
                                         .redact_responses = true,
                                         .secrets = &secret,
                                         .secret_count = 1};
    assert_int_equal(control_declare_begin(fixture->control), OK);
    if (value != NULL)
        assert_int_equal(control_declare_store(fixture->control, &store), OK);
    assert_int_equal(control_declare_end(fixture->control), OK);
}

static void declared_stores_are_read_only(void **state)
{
    declare(*state, "long enough");
    fixture_refused(*state, 403, "configuration", "PUT", "/api/secret-stores/declared",
                    "{\"name\":\"x\"}");
    fixture_refused(*state, 403, "configuration", "DELETE", "/api/secret-stores/declared", NULL);
    fixture_refused(*state, 403, "configuration", "PUT", "/api/secret-stores/declared/secrets/KEY",
                    "{\"value\":\"long enough\"}");
    fixture_refused(*state, 403, "configuration", "DELETE",
                    "/api/secret-stores/declared/secrets/KEY", NULL);
}

static void declaring_again_keeps_ids_and_what_is_declared_no_more_goes(void **state)
{
    declare(*state, "long enough");
    struct client_answer before =
        fixture_ask(*state, "GET", "/api/secret-stores/declared/secrets", NULL);
    declare(*state, "another value");
    struct client_answer after =
        fixture_ask(*state, "GET", "/api/secret-stores/declared/secrets", NULL);
    assert_string_equal(field(json_array_get(before.body, 0), "id"),
                        field(json_array_get(after.body, 0), "id"));
    client_answer_clear(&before);
    client_answer_clear(&after);
    declare(*state, NULL);
    fixture_refused(*state, 404, "no such", "GET", "/api/secret-stores/declared", NULL);
}

static const struct view *view_of(struct fixture *fixture, const char *sandbox)
{
    control_on_view_request(fixture->control, 0, 1, slice_from_string(sandbox), NULL);
    assert_non_null(fixture->sent);
    return fixture->sent;
}

static void declaring_the_same_again_seals_and_pushes_nothing(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    declare(fixture, "long enough");
    fixture_make_sandbox(fixture, "{\"secretStore\":\"declared\"}", id);
    struct view *before = view_ref((struct view *)view_of(fixture, id));
    declare(fixture, "long enough");
    assert_int_equal(fixture->push_count, 0);
    assert_int_equal(fixture->outdate_count, 0);
    assert_true(slice_equals(before->secrets[0].box, view_of(fixture, id)->secrets[0].box));
    declare(fixture, "long enougH");
    assert_int_equal(fixture->push_count, 1);
    assert_false(slice_equals(before->secrets[0].box, view_of(fixture, id)->secrets[0].box));
    view_unref(before);
}

/* Another box of the same value, put there by a rotation or by somebody else. */
static void a_box_that_was_not_made_from_the_declaration_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    declare(fixture, "long enough");
    fixture_make_sandbox(fixture, "{\"secretStore\":\"declared\"}", id);
    fixture_expect(fixture, 200, "POST", "/api/keys/rotate", NULL);
    struct view *before = view_ref((struct view *)view_of(fixture, id));
    declare(fixture, "long enough");
    assert_false(slice_equals(before->secrets[0].box, view_of(fixture, id)->secrets[0].box));
    view_unref(before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_store_shows_what_was_set),
        TEST(bad_stores_are_refused),
        TEST(a_taken_name_is_409),
        TEST(lists_are_in_order_of_creation),
        TEST(an_update_changes_only_what_is_given),
        TEST(a_deleted_store_is_gone_and_its_name_is_free),
        TEST(bad_secrets_are_refused),
        TEST(no_answer_repeats_a_value),
        TEST(what_is_left_out_stays_as_it_was),
        TEST(questionable_values_are_warned_about),
        TEST(a_sealed_value_brings_its_own_hosts),
        TEST(a_secret_that_is_not_there_cannot_be_deleted),
        TEST(without_the_keyholder_nothing_is_changed),
        TEST(declared_stores_are_read_only),
        TEST(declaring_again_keeps_ids_and_what_is_declared_no_more_goes),
        TEST(declaring_the_same_again_seals_and_pushes_nothing),
        TEST(a_box_that_was_not_made_from_the_declaration_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
