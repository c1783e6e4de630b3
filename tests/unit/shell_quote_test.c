/* SPDX-License-Identifier: Apache-2.0 */
/* What a shell reads back is what was quoted. */
#include "cli/shell_quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *const texts[] = {
    "",
    "plain",
    "it's",
    "''",
    "'; echo gone; '",
    "$HOME `id` $(id) \\ \" * ? ~ ! #",
    "two\nlines",
    "tab\tand space ",
    "-n",
    "\xc3\xa4\xff\x01",
};

/* Through a real shell: printf %s of the quoted text. */
static void read_back(struct slice quoted, char *out, size_t size)
{
    char command[512];

    snprintf(command, sizeof(command), "printf %%s %.*s", SLICE_ARG(quoted));
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    out[fread(out, 1, size - 1, shell)] = '\0';
    assert_int_equal(pclose(shell), 0);
}

static void a_shell_reads_back_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        OWNED_STRUCT(buffer) *quoted = &(struct buffer){.limit = 256};
        char back[256];

        assert_int_equal(shell_quote(slice_from_string(texts[i]), quoted), OK);
        read_back(buffer_view(quoted), back, sizeof(back));
        assert_string_equal(back, texts[i]);
    }
}

static void a_nul_cannot_be_quoted(void **state)
{
    OWNED_STRUCT(buffer) *quoted = &(struct buffer){.limit = 256};

    (void)state;
    assert_int_equal(shell_quote(slice_of("a\0b", 3), quoted), ERR_SYNTAX);
}

static void only_names_that_a_shell_takes_are_names(void **state)
{
    (void)state;
    assert_true(shell_quote_is_name(SLICE("HTTP_PROXY")));
    assert_true(shell_quote_is_name(SLICE("_a9")));
    assert_false(shell_quote_is_name(SLICE("")));
    assert_false(shell_quote_is_name(SLICE("9a")));
    assert_false(shell_quote_is_name(SLICE("a-b")));
    assert_false(shell_quote_is_name(SLICE("a;b")));
    assert_false(shell_quote_is_name(SLICE("a=b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shell_reads_back_the_same_bytes),
        cmocka_unit_test(a_nul_cannot_be_quoted),
        cmocka_unit_test(only_names_that_a_shell_takes_are_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
