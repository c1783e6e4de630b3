/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as text. */
#include "policy/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEX_31 "0123456789abcdef0123456789abcde"

enum { REFUSED, ACCEPTED };

static const struct {
    const char *text;
    int expected;
} cases[] = {
    {"osb_sealed_" HEX_31 "f", ACCEPTED},
    {"osb_sealed_00000000000000000000000000000000", ACCEPTED},
    {"osb_sealed_ffffffffffffffffffffffffffffffff", ACCEPTED},
    {"", REFUSED},
    {"osb_sealed_", REFUSED},
    {"osb_sealed_" HEX_31, REFUSED},      /* one digit short */
    {"osb_sealed_" HEX_31 "f0", REFUSED}, /* one digit more */
    {"osb_sealed_" HEX_31 "F", REFUSED},  /* upper case */
    {"osb_sealed_" HEX_31 "g", REFUSED},  /* no digit */
    {"osb_sealed_" HEX_31 " ", REFUSED},
    {" osb_sealed_" HEX_31, REFUSED},
    {"OSB_sealed_" HEX_31 "f", REFUSED},
    {"osb-sealed-" HEX_31 "f", REFUSED},
    {"osb_sealed:" HEX_31 "f", REFUSED},
    {"xosb_sealed_" HEX_31 "f", REFUSED},
};

static void a_token_is_the_prefix_and_32_lower_case_digits(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct token token;
        enum error error = token_parse(slice_from_string(cases[i].text), &token);

        if ((error == OK) != (cases[i].expected == ACCEPTED))
            fail_msg("\"%s\": %s", cases[i].text, error_name(error));
    }
    struct token token;
    assert_int_equal(token_parse(SLICE("osb_sealed_" HEX_31 "\0"), &token), ERR_SYNTAX);
}

static void a_token_prints_back(void **state)
{
    static const struct slice text = SLICE_INIT("osb_sealed_" HEX_31 "f");
    struct token token;
    char printed[TOKEN_TEXT_LEN];

    (void)state;
    assert_int_equal(token_parse(text, &token), OK);
    assert_memory_equal(token.bytes,
                        "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef",
                        TOKEN_SIZE);
    token_format(&token, printed);
    assert_true(slice_equals(slice_of(printed, TOKEN_TEXT_LEN), text));
}

static void random_tokens_differ_and_parse(void **state)
{
    struct token a = token_random(), b = token_random(), parsed;
    char printed[TOKEN_TEXT_LEN];

    (void)state;
    assert_memory_not_equal(a.bytes, b.bytes, TOKEN_SIZE);
    token_format(&a, printed);
    assert_int_equal(token_parse(slice_of(printed, TOKEN_TEXT_LEN), &parsed), OK);
    assert_memory_equal(a.bytes, parsed.bytes, TOKEN_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_the_prefix_and_32_lower_case_digits),
        cmocka_unit_test(a_token_prints_back),
        cmocka_unit_test(random_tokens_differ_and_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
