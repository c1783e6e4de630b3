/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The first process of the command's namespaces: prepares them, starts the command, passes signals
 * on, reaps what is orphaned. When it ends, the kernel ends everything in there. */

#include "process/run/run_inside.h"

#include <signal.h>

struct run_init {
    struct run_inside inside;
    int outer_link; /* the supervisor's end, to be closed inside */
    char **command; /* NULL-terminated */
    bool is_isolated;
    sigset_t mask; /* what the command starts with */
};

/* Forks before anything else was done, so that nothing of the proxy, nor of a secret, is in the new
 * process but the environment, which is wiped there. All signals are to be blocked. ERR_SYSTEM with
 * errno: namespaces are not permitted, or there is no process left. */
MUST_USE enum error run_init_start(struct run_init *init, pid_t *out);
