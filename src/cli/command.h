/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a command is: one table from which dispatch, option parsing, --help and the manual pages are
 * made. */

#include "base/compiler.h"
#include "cli/option_check.h"

#include <stdbool.h>
#include <stddef.h>

struct cli;

enum cli_status { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_option {
    const char *name;     /* without the dashes */
    const char *argument; /* "FILE"; NULL: a flag */
    const char *help;
    /* Of option_check.h, asked before the command runs; NULL: any value will do. */
    bool (*check)(const char *value, char why[OPTION_WHY_MAX]);
};

/* Either a group (children) or something to run. */
struct cli_command {
    const char *name, *summary;
    const char *arguments;   /* "STORE NAME", for the usage line; NULL: none */
    const char *description; /* more than the summary; may be NULL */
    const struct cli_option *options;
    size_t option_count;
    int arguments_min, arguments_max;
    const struct cli_command *children; /* up to one without a name; NULL: none */
    enum cli_status (*run)(struct cli *cli);
    bool is_hidden;
    bool takes_command; /* options end at the first argument */
    bool takes_raw;     /* run gets every argument unparsed: `process`, `run` */
};

/* The global options, which every command takes. */
extern const struct cli_option command_global_options[];
extern const size_t command_global_option_count;

/* The child of that name, or NULL. */
const struct cli_command *command_find(const struct cli_command *group, const char *name);

/* Walks down from `root` along argv, parses options and runs. Returns the exit status. */
int command_dispatch(const struct cli_command *root, int argc, char **argv);
