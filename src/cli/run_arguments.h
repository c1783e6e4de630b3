/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `sealgate run` was called with, checked and cut into parts. */

#include "cli/cli.h"
#include "process/process.h"

struct run_arguments {
    struct process_run_options options; /* into what follows, and into argv */
    const char **strings;               /* all lists, one after the other */
    struct process_run_secret *secrets;
    char *text; /* of the same, cut up */
};

/* CLI_USAGE: it has said what is wrong. Never repeats what may be a secret's value. */
enum cli_status run_arguments_parse(const struct cli *cli, struct run_arguments *out);
void run_arguments_clear(struct run_arguments *arguments);
