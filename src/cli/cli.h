/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One invocation: the command, its options and arguments as they were given. */

#include "cli/command.h"

enum { CLI_OPTIONS_MAX = 128, CLI_PATH_MAX = 64 };

struct cli_value {
    const struct cli_option *option;
    const char *value; /* NULL: a flag */
};

struct cli {
    const struct cli_command *command;
    char path[CLI_PATH_MAX]; /* "sealgate store create" */
    struct cli_value values[CLI_OPTIONS_MAX];
    size_t value_count;
    char **arguments; /* positional, NULL-terminated */
    int argument_count;
};

/* The last value given for an option; NULL when there is none. */
const char *cli_option(const struct cli *cli, const char *name);
bool cli_has(const struct cli *cli, const char *name);
/* The values of an option that may be repeated, one a call: start with `*from` = 0; NULL: no more.
 */
const char *cli_next(const struct cli *cli, const char *name, size_t *from);
/* A positional argument; NULL when it was not given. */
const char *cli_argument(const struct cli *cli, int index);

/* "sealgate: …" on standard error; returns CLI_FAILED. Bytes that came from elsewhere are escaped
 * by output.h before they get here. */
PRINTF_LIKE(1, 2) enum cli_status cli_fail(const char *format, ...);
/* The same with a hint to --help; returns CLI_USAGE. */
PRINTF_LIKE(2, 3) enum cli_status cli_misuse(const struct cli *cli, const char *format, ...);
PRINTF_LIKE(1, 2) void cli_warn(const char *format, ...);
