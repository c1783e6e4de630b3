/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text for people, out of the table of commands: --help and manual pages. */

#include "cli/command.h"

#include <stdio.h>

/* `path` is how the command is called: "sealgate store create". */
void help_print(FILE *out, const struct cli_command *command, const char *path);
/* The manual page in roff: of the root, of a group with all its commands, or of a command. */
void help_print_manual(FILE *out, const struct cli_command *command, const char *path);
