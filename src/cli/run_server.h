/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A store of a server for `sealgate run`: a sandbox there, as long as the run. */

#include "cli/cli.h"
#include "process/process.h"

#include <jansson.h>

enum { RUN_SERVER_ID_MAX = 128 };

struct run_server {
    const struct cli *cli;
    const char *store;                  /* its name or id there; borrowed */
    char sandbox_id[RUN_SERVER_ID_MAX]; /* empty: there is none */
    json_t *sandbox, *hosts;            /* as the API describes them */
    char *certificates;                 /* PEM */
    char **strings;                     /* what process_run_server's lists point into */
    size_t string_count;
};

/* For process_run_options: makes the sandbox, or says why not. The signals that would end us are
 * blocked from then on, so that it is not left behind. `context` is a run_server. */
MUST_USE bool run_server_open(void *context, struct process_run_server *out);
/* Deletes the sandbox, and forgets what was said about it. */
void run_server_close(struct run_server *server);
