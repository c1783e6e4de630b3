/* SPDX-License-Identifier: Apache-2.0 */
/* Files with a secret in them: who else may read one, and what counts as its line. */
#include "process/supervisor/secret_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
    mode_t mode;
    const char *why; /* NULL: fine */
} modes[] = {
    {0600, NULL},         {0400, NULL},         {0440, NULL},   {0640, NULL},
    {0644, "chmod 0600"}, {0604, "chmod 0600"}, {0602, "0600"}, {0660, "0600"},
};

static void others_may_neither_read_nor_write_it(void **state)
{
    char path[] = "/tmp/sealgate-secret-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, "value\n", 6), 6);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = 6};
        const char *why = "";

        assert_int_equal(fchmod(fd, modes[i].mode), 0);
        enum error error = secret_file_read(path, text, &why);
        assert_int_equal(error, modes[i].why == NULL ? OK : ERR_CONFIG);
        assert_int_equal(buffer_len(text), modes[i].why == NULL ? 6 : 0);
        if (modes[i].why != NULL)
            assert_non_null(strstr(why, modes[i].why));
    }
    close(fd);
    unlink(path);
}

static void what_is_no_file_is_refused(void **state)
{
    static const char *const paths[] = {"/dev/null", "/tmp", "/nonexistent"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = 100};
        const char *why = NULL;

        assert_int_equal(secret_file_read(paths[i], text, &why),
                         i == 2 ? ERR_NOT_FOUND : ERR_CONFIG);
        assert_non_null(why);
    }
}

static void one_line_may_end_in_a_line_break(void **state)
{
    static const struct {
        const char *text, *line; /* NULL: refused */
    } rows[] = {
        {"a:b", "a:b"},    {"a:b\n", "a:b"}, {"a:b\r\n", "a:b"}, {"a:b\nc", NULL},
        {"a:b\n\n", NULL}, {"", NULL},       {"\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct slice line;
        bool is_one = secret_file_only_line(slice_from_string(rows[i].text), &line);

        assert_int_equal(is_one, rows[i].line != NULL);
        if (is_one)
            assert_true(slice_equals(line, slice_from_string(rows[i].line)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_may_neither_read_nor_write_it),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(one_line_may_end_in_a_line_break),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
