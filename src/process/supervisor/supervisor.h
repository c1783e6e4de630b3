/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The supervisor: binds, spawns, watches, restarts, reloads, drains. It has no network input. */

#include "process/config/config.h"

struct supervisor_options {
    const char *config_path; /* NULL: no file */
    const char *data_dir;    /* NULL: that of the configuration */
};

/* Runs until told to stop; returns the exit status. */
int supervisor_run(const struct supervisor_options *options);
