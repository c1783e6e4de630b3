/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to a command: groups, options, arguments. */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What the last command saw. */
static char seen[512];

static enum cli_status record(struct cli *cli)
{
    size_t len = (size_t)snprintf(seen, sizeof(seen), "%s", cli->path);
    size_t from = 0;

    for (int i = 0; i < cli->argument_count; i++)
        len += (size_t)snprintf(seen + len, sizeof(seen) - len, " [%s]", cli->arguments[i]);
    for (const char *tag = cli_next(cli, "tag", &from); tag != NULL;
         tag = cli_next(cli, "tag", &from))
        len += (size_t)snprintf(seen + len, sizeof(seen) - len, " tag=%s", tag);
    if (cli_has(cli, "url"))
        len += (size_t)snprintf(seen + len, sizeof(seen) - len, " url=%s", cli_option(cli, "url"));
    if (cli_has(cli, "json"))
        snprintf(seen + len, sizeof(seen) - len, " json");
    return CLI_DONE;
}

static enum cli_status fail_always(struct cli *cli)
{
    (void)cli;
    return CLI_FAILED;
}

static const struct cli_option tag_options[] = {{"tag", "TAG", "a tag"}};
static const struct cli_command things[] = {
    {.name = "make",
     .summary = "make one",
     .arguments = "NAME",
     .arguments_min = 1,
     .arguments_max = 2,
     .options = tag_options,
     .option_count = 1,
     .run = record},
    {.name = "break", .summary = "fail", .run = fail_always},
    {.name = NULL},
};
static const struct cli_command top[] = {
    {.name = "thing", .summary = "things", .children = things},
    {.name = "raw", .summary = "raw", .takes_raw = true, .is_hidden = true, .run = record},
    {.name = NULL},
};
static const struct cli_command root = {.name = "t", .summary = "test", .children = top};

static const struct {
    const char *line;
    int status;
    const char *seen;
} rows[] = {
    {"thing make a", CLI_DONE, "t thing make [a]"},
    {"thing make a b", CLI_DONE, "t thing make [a] [b]"},
    {"thing make a --tag x --tag=y", CLI_DONE, "t thing make [a] tag=x tag=y"},
    {"thing make --tag x a --json", CLI_DONE, "t thing make [a] tag=x json"},
    {"--json --url http://u thing --url=http://v make a", CLI_DONE,
     "t thing make [a] url=http://v json"},
    {"thing make -- --tag", CLI_DONE, "t thing make [--tag]"},
    {"thing make thing", CLI_DONE, "t thing make [thing]"},
    {"raw --any -thing", CLI_DONE, "t raw [t] [raw] [--any] [-thing]"},
    {"thing break", CLI_FAILED, ""},
    {"thing make", CLI_USAGE, ""},
    {"thing make a b c", CLI_USAGE, ""},
    {"thing make a --nope", CLI_USAGE, ""},
    {"thing make a --tag", CLI_USAGE, ""},
    {"thing make a --json=yes", CLI_USAGE, ""},
    {"thing nope", CLI_USAGE, ""},
    {"thing", CLI_USAGE, ""},
    {"nope", CLI_USAGE, ""},
    {"--nope thing make a", CLI_USAGE, ""},
    {"--url", CLI_USAGE, ""},
    {"", CLI_USAGE, ""},
    {"--help", CLI_DONE, ""},
    {"help", CLI_DONE, ""},
    {"thing --help", CLI_DONE, ""},
    {"thing make --help", CLI_DONE, ""},
};

static int dispatch(const char *line)
{
    char copy[256];
    char *argv[16] = {(char[]){"t"}};
    int argc = 1;

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    seen[0] = '\0';
    return command_dispatch(&root, argc, argv);
}

static void every_line_does_what_its_row_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status = dispatch(rows[i].line);

        if (status != rows[i].status || strcmp(seen, rows[i].seen) != 0)
            fail_msg("\"%s\" ended with %d and saw \"%s\"", rows[i].line, status, seen);
    }
}

static void more_options_than_fit_are_refused(void **state)
{
    char *argv[2 + CLI_OPTIONS_MAX + 3] = {(char[]){"t"}, (char[]){"thing"}, (char[]){"make"},
                                           (char[]){"a"}};
    int argc = 4;

    (void)state;
    while (argc < (int)ARRAY_LEN(argv))
        argv[argc++] = (char[]){"--tag=x"};
    seen[0] = '\0';
    assert_int_equal(command_dispatch(&root, argc, argv), CLI_USAGE);
    assert_string_equal(seen, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_does_what_its_row_says),
        cmocka_unit_test(more_options_than_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
