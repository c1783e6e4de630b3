/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How the command line enters process/. The only header of process/ beside config.h that cli/
 * includes. */

#include "process/config.h"

struct process_serve_options {
    const char *config_path; /* NULL: every key has its default */
    const char *data_dir;    /* NULL: that of the configuration */
};

/* `sealgate serve`: runs until told to stop. Returns the exit status: 0 stopped or drained, 1 could
 * not start (it has said why on standard error). */
int process_serve(const struct process_serve_options *options);

struct process_run_strings {
    const char *const *items;
    size_t count;
};
struct process_run_secret {
    const char *name;
    enum config_source source_kind;
    const char *source; /* a variable's name, a path, a command */
    struct process_run_strings hosts;
};
struct process_run_options {
    const char *config_path; /* NULL: every key has its default */
    struct process_run_strings stores, allow;
    struct process_run_strings environment; /* "NAME=VALUE" */
    struct process_run_strings share;       /* variables, or absolute paths */
    const struct process_run_secret *secrets;
    size_t secret_count;
    bool learns, is_not_isolated;
    char **command; /* NULL-terminated, at least one */
};

/* `sealgate run`: runs the command behind a proxy of its own. Returns the exit status: the
 * command's, 128 and the number of the signal that ended it, 127 or 126 when it could not be
 * started, 1 when the proxy could not (it has said why on standard error). */
int process_run(const struct process_run_options *options);

/* The hidden `sealgate process ROLE INDEX`: argv as main() got it, whose memory becomes the title
 * that ps shows. Only the supervisor starts it. Returns the exit status. */
int process_main(int argc, char **argv);
