/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to the process that it names. Never does anything itself. */
#include "process/process.h"

#include "base/slice.h"
#include "process/control_process.h"
#include "process/dialer.h"
#include "process/hardening.h"
#include "process/keyholder.h"
#include "process/supervisor.h"
#include "process/worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int process_serve(const struct process_serve_options *options)
{
    const struct supervisor_options supervisor = {.config_path = options->config_path,
                                                  .data_dir = options->data_dir};

    return supervisor_run(&supervisor);
}

/* The arguments lie one after the other, the program's name first; what ps shows is that memory. */
static void set_title(const char *last_argument, const char *title)
{
    char *begin = program_invocation_name;
    size_t room = (size_t)(last_argument + strlen(last_argument) - begin);

    memset(begin, 0, room);
    snprintf(begin, room + 1, "%s", title);
}

static int run_worker(char **arguments, unsigned index)
{
    char title[64];

    snprintf(title, sizeof(title), "sealgate: worker %u", index);
    set_title(arguments[1], title);
    return worker_main(index);
}

static int run_service(char **arguments, enum process_role role, int (*main_of)(void))
{
    char title[64];

    snprintf(title, sizeof(title), "sealgate: %s", hardening_role_name(role));
    set_title(arguments[1], title);
    return main_of();
}

int process_main(int argument_count, char **arguments)
{
    static int (*const services[PROCESS_ROLE_COUNT])(void) = {
        [PROCESS_KEYHOLDER] = keyholder_main,
        [PROCESS_DIALER] = dialer_main,
        [PROCESS_CONTROL] = control_process_main,
    };
    uint64_t index;

    if (argument_count != 2 || !slice_parse_u64(slice_from_string(arguments[1]), &index) ||
        index >= CONFIG_WORKERS_MAX)
        return 2;
    if (strcmp(arguments[0], hardening_role_name(PROCESS_WORKER)) == 0)
        return run_worker(arguments, (unsigned)index);
    for (int role = 0; role < PROCESS_ROLE_COUNT; role++) {
        if (services[role] != NULL && strcmp(arguments[0], hardening_role_name(role)) == 0)
            return run_service(arguments, role, services[role]);
    }
    return 2;
}
