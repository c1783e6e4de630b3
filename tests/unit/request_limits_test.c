/* SPDX-License-Identifier: Apache-2.0 */
/* How large a request may be. */
#include "proxy/request_limits.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct proxy_settings settings = {
    .header_bytes = 1000, .header_fields = 20, .uri_bytes = 300, .body_bytes = 5000};

static const struct {
    size_t target_len, field_count, value_len;
    struct http_framing framing;
    int status;
} cases[] = {
    {300, 20, 1, {HTTP_BODY_LENGTH, 5000}, 0},      {301, 1, 1, {HTTP_BODY_NONE, 0}, 414},
    {1, 21, 1, {HTTP_BODY_NONE, 0}, 431},           {1, 1, 1000, {HTTP_BODY_NONE, 0}, 431},
    {1, 1, 1, {HTTP_BODY_LENGTH, 5001}, 413},       {1, 1, 1, {HTTP_BODY_LENGTH, UINT64_MAX}, 413},
    {1, 1, 1, {HTTP_BODY_CHUNKED, 0}, 0}, /* it is counted as it comes */
    {301, 21, 1000, {HTTP_BODY_LENGTH, 5001}, 414},
};

static void sizes_are_limited(void **state)
{
    static const char text[1000] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_head head __attribute__((cleanup(http_head_clear)));
        struct http_request request = {.framing = cases[i].framing};

        http_head_init(&head);
        head.target = slice_of(text, cases[i].target_len);
        for (size_t field = 0; field < cases[i].field_count; field++)
            assert_int_equal(http_head_add(&head, SLICE("n"), slice_of(text, cases[i].value_len)),
                             OK);
        if (request_limits_check(&settings, &head, &request).status != cases[i].status)
            fail_msg("case %zu", i);
    }
}

static void without_a_limit_a_body_may_be_any_size(void **state)
{
    static const struct proxy_settings none = {.body_bytes = 0};

    (void)state;
    assert_true(request_limits_allow_body(&none, UINT64_MAX));
    assert_true(request_limits_allow_body(&settings, 5000));
    assert_false(request_limits_allow_body(&settings, 5001));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(without_a_limit_a_body_may_be_any_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
