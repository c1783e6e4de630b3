/* SPDX-License-Identifier: Apache-2.0 */
/* The refusals of the contract: status and code. */
#include "policy/refusal_code.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    int status;
    const char *name;
} contract[] = {
    {400, "bad_request"},
    {405, "method_not_allowed"},
    {408, "request_timeout"},
    {413, "body_too_large"},
    {414, "uri_too_long"},
    {431, "header_too_large"},
    {403, "host_not_allowed"},
    {403, "address_not_allowed"},
    {403, "secret_host_not_allowed"},
    {403, "token_unknown"},
    {403, "token_plaintext"},
    {403, "token_place_not_allowed"},
    {403, "protocol_not_allowed"},
    {407, "identity_required"},
    {407, "identity_invalid"},
    {407, "sandbox_suspended"},
    {407, "sandbox_expired"},
    {421, "misdirected_request"},
    {429, "limit_exceeded"},
    {503, "overloaded"},
    {503, "shutting_down"},
    {501, "not_implemented"},
    {505, "http_version_not_supported"},
    {502, "upstream_dns"},
    {502, "upstream_connect"},
    {502, "upstream_tls"},
    {502, "upstream_protocol"},
    {502, "upstream_closed"},
    {504, "upstream_timeout"},
};

static int status_of(const char *name)
{
    for (unsigned code = 1; code < REFUSAL_COUNT; code++)
        if (strcmp(refusal_code_name((enum refusal_code)code), name) == 0)
            return refusal_code_status((enum refusal_code)code);
    return 0;
}

static void every_code_of_the_contract_has_its_status(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(contract), REFUSAL_COUNT - 1);
    for (size_t i = 0; i < ARRAY_LEN(contract); i++)
        if (status_of(contract[i].name) != contract[i].status)
            fail_msg("%s: %d", contract[i].name, status_of(contract[i].name));
}

static void every_refusal_says_what_happened(void **state)
{
    (void)state;
    for (unsigned code = 1; code < REFUSAL_COUNT; code++) {
        assert_true(strlen(refusal_code_sentence((enum refusal_code)code)) > 10);
        assert_true(strlen(refusal_code_proxy_status((enum refusal_code)code)) > 0);
    }
}

static void a_number_out_of_range_is_a_refusal_too(void **state)
{
    (void)state;
    assert_int_equal(refusal_code_status((enum refusal_code)REFUSAL_COUNT), 503);
    assert_string_equal(refusal_code_name((enum refusal_code)9999), "overloaded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_contract_has_its_status),
        cmocka_unit_test(every_refusal_says_what_happened),
        cmocka_unit_test(a_number_out_of_range_is_a_refusal_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
