/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to the process that it names. Never does anything itself. */
#include "process/process.h"

#include "base/slice.h"
#include "process/control/control_process.h"
#include "process/dialer/dialer.h"
#include "process/hardening.h"
#include "process/keyholder/keyholder.h"
#include "process/supervisor/supervisor.h"
#include "process/worker/worker.h"

#include <stdio.h>
#include <string.h>

int process_serve(const struct process_serve_options *options)
{
    const struct supervisor_options supervisor = {.config_path = options->config_path,
                                                  .data_dir = options->data_dir};

    return supervisor_run(&supervisor);
}

/* The arguments lie one after the other; what ps shows is that memory. */
static void set_title(int argc, char **argv, const char *title)
{
    size_t room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);

    memset(argv[0], 0, room);
    snprintf(argv[0], room + 1, "%s", title);
}

static int run_worker(int argc, char **argv, unsigned index)
{
    char title[64];

    snprintf(title, sizeof(title), "sealgate: worker %u", index);
    set_title(argc, argv, title);
    return worker_main(index);
}

static int run_service(int argc, char **argv, enum process_role role, int (*main_of)(void))
{
    char title[64];

    snprintf(title, sizeof(title), "sealgate: %s", hardening_role_name(role));
    set_title(argc, argv, title);
    return main_of();
}

int process_main(int argc, char **argv)
{
    static int (*const services[PROCESS_ROLE_COUNT])(void) = {
        [PROCESS_KEYHOLDER] = keyholder_main,
        [PROCESS_DIALER] = dialer_main,
        [PROCESS_CONTROL] = control_process_main,
    };
    uint64_t index;

    if (argc != 4 || !slice_parse_u64(slice_from_string(argv[3]), &index) ||
        index >= CONFIG_WORKERS_MAX)
        return 2;
    if (strcmp(argv[2], hardening_role_name(PROCESS_WORKER)) == 0)
        return run_worker(argc, argv, (unsigned)index);
    for (int role = 0; role < PROCESS_ROLE_COUNT; role++) {
        if (services[role] != NULL && strcmp(argv[2], hardening_role_name(role)) == 0)
            return run_service(argc, argv, role, services[role]);
    }
    return 2;
}
