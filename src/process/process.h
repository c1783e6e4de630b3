/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How the command line enters process/. The only header of process/ beside config.h that cli/
 * includes. */

#include "process/config/config.h"

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
/* A store of a server: there requests are decided on, and values put in and hidden. The command's
 * connections go through the server's proxy as they are. All of it is borrowed. */
struct process_run_server {
    const char *store;
    struct slice proxy;                     /* "host:port" */
    struct slice credentials;               /* for it: "user:password" */
    struct process_run_strings allowed;     /* host patterns; none: no restriction */
    struct process_run_strings environment; /* "NAME=VALUE" */
    struct slice certificates;              /* what it signs with, PEM */
};
/* Asked once, when the process for the command's surroundings is there already: nothing of the
 * answer is in it. False: there is none, which was said. May leave signals blocked. */
struct process_run_source {
    bool (*open)(void *context, struct process_run_server *out);
    void *context;
};
struct process_run_options {
    const struct process_run_source *server; /* NULL: stores, secrets and hosts are those below */
    const char *config_path;                 /* NULL: every key has its default */
    struct process_run_strings stores, allow;
    struct process_run_strings passthrough;   /* host patterns whose TLS is not opened */
    struct process_run_strings private_hosts; /* that may be reached in a private network */
    struct process_run_strings environment;   /* "NAME=VALUE" */
    struct process_run_strings share;         /* variables, or absolute paths */
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
