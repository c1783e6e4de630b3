/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate run: one command behind a proxy of its own. Only a door: the work is in process/. */
#include "cli/commands.h"
#include "cli/run_arguments.h"

/* The command's exit status is ours. */
enum cli_status run_run(struct cli *cli)
{
    struct run_arguments arguments = {.strings = NULL};
    enum cli_status status = run_arguments_parse(cli, &arguments);

    if (status == CLI_DONE)
        status = (enum cli_status)process_run(&arguments.options);
    run_arguments_clear(&arguments);
    return status;
}
