/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate serve, and what is close to it. Never does the work itself, which is in process/. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/output.h"
#include "process/process.h"

#include <stdio.h>
#include <string.h>

enum cli_status serve_run(struct cli *cli)
{
    const struct process_serve_options options = {cli_option(cli, "config"),
                                                  cli_option(cli, "data-dir")};

    return process_serve(&options) == 0 ? CLI_DONE : CLI_FAILED;
}

/* Between our own processes; the exit status is passed through as it is. */
enum cli_status serve_run_process(struct cli *cli)
{
    return (enum cli_status)process_main(cli->argument_count, cli->arguments);
}

enum cli_status version_run(struct cli *cli)
{
    if (output_is_json(cli))
        puts("{\"version\": \"" SEALGATE_VERSION "\"}");
    else
        puts("sealgate " SEALGATE_VERSION);
    return CLI_DONE;
}

/* `sealgate manual [COMMAND...]`: what the build makes the manual pages with. */
enum cli_status manual_run(struct cli *cli)
{
    const struct cli_command *command = &commands_root;
    char path[CLI_PATH_MAX] = "sealgate";

    for (int i = 0; i < cli->argument_count; i++) {
        size_t len = strlen(path);

        command = command_find(command, cli->arguments[i]);
        if (command == NULL)
            return cli_misuse(cli, "there is no command \"%s\"", cli->arguments[i]);
        snprintf(path + len, sizeof(path) - len, " %s", command->name);
    }
    help_print_manual(stdout, command, path);
    return CLI_DONE;
}
