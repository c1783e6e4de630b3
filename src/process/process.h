/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How the command line enters process/. The only header of process/ beside config.h that cli/
 * includes. */

struct process_serve_options {
    const char *config_path; /* NULL: every key has its default */
    const char *data_dir;    /* NULL: that of the configuration */
};

/* `sealgate serve`: runs until told to stop. Returns the exit status: 0 stopped or drained, 1 could
 * not start (it has said why on standard error). */
int process_serve(const struct process_serve_options *options);

/* The hidden `sealgate process ROLE INDEX`: argv as main() got it, whose memory becomes the title
 * that ps shows. Only the supervisor starts it. Returns the exit status. */
int process_main(int argc, char **argv);
