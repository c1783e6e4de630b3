/* SPDX-License-Identifier: Apache-2.0 */
/* How a refusal reads. */
#include "proxy/refusal.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static json_t *body_of(const struct refusal *refusal, struct http_head *head)
{
    struct buffer body;
    json_error_t error;

    buffer_init(&body, 4096);
    http_head_init(head);
    assert_int_equal(refusal_format(refusal, head, &body), OK);
    struct slice text = buffer_view(&body);
    json_t *json = json_loadb(text.data, text.len, 0, &error);
    assert_non_null(json);
    buffer_clear(&body);
    return json;
}

static void every_refusal_says_what_happened_and_what_would_change_it(void **state)
{
    (void)state;
    for (enum refusal_code code = REFUSAL_BAD_REQUEST; code < REFUSAL_COUNT; code++) {
        struct http_head head;
        json_t *json = body_of(&(struct refusal){.code = code}, &head);

        assert_int_equal(head.status, refusal_code_status(code));
        assert_true(head.reason.len > 0);
        assert_string_equal(json_string_value(json_object_get(json, "code")),
                            refusal_code_name(code));
        assert_true(json_string_length(json_object_get(json, "error")) > 10);
        assert_true(json_string_length(json_object_get(json, "hint")) > 5);
        assert_non_null(http_head_find(&head, SLICE("proxy-status")));
        assert_int_equal(http_head_find(&head, SLICE("proxy-authenticate")) != NULL,
                         head.status == 407);
        assert_int_equal(http_head_find(&head, SLICE("retry-after")) != NULL,
                         head.status == 429 || head.status == 503);
        json_decref(json);
        http_head_clear(&head);
    }
}

static void names_host_sandbox_and_secret(void **state)
{
    struct http_head head;
    struct authority target;

    (void)state;
    assert_int_equal(authority_parse(SLICE("api.example.com"), 443, &target), OK);
    json_t *json = body_of(&(struct refusal){.code = REFUSAL_SECRET_HOST_NOT_ALLOWED,
                                             .target = &target,
                                             .sandbox = SLICE("sb-1"),
                                             .secret = SLICE("API_KEY"),
                                             .detail = SLICE("a \"quoted\" detail")},
                           &head);
    assert_string_equal(json_string_value(json_object_get(json, "host")), "api.example.com");
    assert_string_equal(json_string_value(json_object_get(json, "sandbox")), "sb-1");
    assert_string_equal(json_string_value(json_object_get(json, "secret")), "API_KEY");
    assert_non_null(strstr(json_string_value(json_object_get(json, "error")), "\"quoted\""));
    json_decref(json);
    http_head_clear(&head);
}

static void under_run_the_hint_names_the_flag(void **state)
{
    static const struct {
        enum refusal_code code;
        bool names_flag;
        const char *hint;
    } cases[] = {
        {REFUSAL_HOST_NOT_ALLOWED, true, "Give `sealgate run` --allow a.test:8443."},
        {REFUSAL_SECRET_HOST_NOT_ALLOWED, true,
         "Give `sealgate run` --secret KEY=SOURCE@a.test:8443."},
        {REFUSAL_TOKEN_PLAINTEXT, true, "Use https."},
        {REFUSAL_HOST_NOT_ALLOWED, false,
         "Add the host to the egressAllowlist of a secret store of this sandbox."},
    };
    struct authority target;

    (void)state;
    assert_int_equal(authority_parse(SLICE("a.test:8443"), 443, &target), OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_head head;
        json_t *json = body_of(&(struct refusal){.code = cases[i].code,
                                                 .target = &target,
                                                 .secret = SLICE("KEY"),
                                                 .hint_names_flag = cases[i].names_flag},
                               &head);

        assert_string_equal(json_string_value(json_object_get(json, "hint")), cases[i].hint);
        json_decref(json);
        http_head_clear(&head);
    }
}

static void a_refusal_for_a_limit_names_its_key_and_when_to_come_back(void **state)
{
    static const struct {
        struct refusal_limit limit;
        const char *key, *retry_after;
    } cases[] = {{{REFUSAL_LIMIT_CONNECTIONS, 0}, "limits.connections_per_sandbox", "1"},
                 {{REFUSAL_LIMIT_STREAMS, 1}, "limits.streams_per_sandbox", "1"},
                 {{REFUSAL_LIMIT_REQUESTS, 17}, "limits.requests_per_second", "17"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_head head;
        json_t *json = body_of(
            &(struct refusal){.code = REFUSAL_LIMIT_EXCEEDED, .limit = cases[i].limit}, &head);
        const struct http_field *retry = http_head_find(&head, SLICE("retry-after"));

        assert_non_null(strstr(json_string_value(json_object_get(json, "hint")), cases[i].key));
        assert_non_null(retry);
        assert_true(slice_equals(retry->value, slice_from_string(cases[i].retry_after)));
        json_decref(json);
        http_head_clear(&head);
    }
}

static void malformed_requests_map_to_their_status(void **state)
{
    static const struct {
        int status;
        enum refusal_code code;
    } cases[] = {{400, REFUSAL_BAD_REQUEST},     {405, REFUSAL_METHOD_NOT_ALLOWED},
                 {414, REFUSAL_URI_TOO_LONG},    {431, REFUSAL_HEADER_TOO_LARGE},
                 {501, REFUSAL_NOT_IMPLEMENTED}, {505, REFUSAL_HTTP_VERSION_NOT_SUPPORTED},
                 {417, REFUSAL_BAD_REQUEST}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(refusal_for_status(cases[i].status), cases[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_says_what_happened_and_what_would_change_it),
        cmocka_unit_test(names_host_sandbox_and_secret),
        cmocka_unit_test(under_run_the_hint_names_the_flag),
        cmocka_unit_test(a_refusal_for_a_limit_names_its_key_and_when_to_come_back),
        cmocka_unit_test(malformed_requests_map_to_their_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
