/* SPDX-License-Identifier: Apache-2.0 */
/* What a command was called with, and how it complains. Never prints the value of a secret. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cli_next(const struct cli *cli, const char *name, size_t *from)
{
    while (*from < cli->value_count) {
        const struct cli_value *value = &cli->values[(*from)++];

        if (strcmp(value->option->name, name) == 0)
            return value->value == NULL ? "" : value->value;
    }
    return NULL;
}

const char *cli_option(const struct cli *cli, const char *name)
{
    const char *last = NULL;
    size_t from = 0;

    for (const char *value = cli_next(cli, name, &from); value != NULL;
         value = cli_next(cli, name, &from))
        last = value;
    return last;
}

bool cli_has(const struct cli *cli, const char *name)
{
    return cli_option(cli, name) != NULL;
}

const char *cli_argument(const struct cli *cli, int index)
{
    return index < cli->argument_count ? cli->arguments[index] : NULL;
}

enum cli_status cli_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("sealgate: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return CLI_FAILED;
}

enum cli_status cli_misuse(const struct cli *cli, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("sealgate: ", stderr);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry '%s --help'.\n", cli->path);
    va_end(arguments);
    return CLI_USAGE;
}

void cli_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("sealgate: warning: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}
