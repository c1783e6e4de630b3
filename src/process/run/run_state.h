/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of `sealgate run` share on the outer side; private to them. */

#include "process/run/run_init.h"
#include "process/run/run_network.h"
#include "process/run/run_stores.h"
#include "process/run/run_summary.h"
#include "process/supervisor/supervisor_state.h"

#include <limits.h>

enum { RUN_SIGNALS_MAX = 16, RUN_MORE_PLACES_MAX = 4, RUN_SANDBOX_ID_MAX = 128 };

struct run {
    const struct process_run_options *options;
    struct supervisor supervisor;
    struct supervisor_hooks hooks;
    struct config_private settings;
    struct run_stores stores;
    struct process_run_server server; /* `store` NULL: no server's */
    sigset_t mask;                    /* the caller's */
    struct run_init init;
    pid_t init_pid; /* 0: not running */
    int link;       /* to it */
    bool has_captured, has_started, has_ended;
    int sockets[RUN_NETWORK_SOCKETS]; /* -1: none; until the sandbox is there */
    char sandbox_id[RUN_SANDBOX_ID_MAX];
    struct buffer environment;  /* of the command */
    int bundle, root;           /* memory files; -1: not there yet */
    char bundle_path[PATH_MAX]; /* of a real file, without isolation; empty: none */
    char *shared[RUN_PLACES_SHARED_MAX];
    size_t shared_count;
    const char *more_places[RUN_MORE_PLACES_MAX];
    char runtime_folder[PATH_MAX]; /* XDG_RUNTIME_DIR: the environment is wiped before it is used */
    struct buffer unix_sockets;    /* /proc/net/unix */
    int audit;                     /* where the worker's records come out */
    struct run_summary *summary;
    struct event *on_link, *on_audit, *on_stop /* timer */, *signals[RUN_SIGNALS_MAX];
    int stop_signal; /* what the command was stopped by */
    size_t signal_count;
};

/* run.c */
/* The command has ended, or there will be none: this is our exit status. */
void run_end(struct run *run, int exit_status);
bool run_has_server(const struct run *run);

/* run_prepare.c: all that comes before the proxy's processes. False: no, which was said. */
MUST_USE bool run_prepare(struct run *run);

/* run_start.c: from a private instance that is up to a command that runs. */
extern const struct supervisor_hooks run_start_hooks;
/* The sockets of the command's network. */
void run_start_on_captured(struct run *run, struct run_link_message *message);

/* run_watch.c: what the command's first process says, and the signals for the command. */
MUST_USE enum error run_watch_open(struct run *run);
void run_watch_close(struct run *run);
/* waitpid() said so of the first process. */
void run_watch_on_exit(struct run *run, int status);

/* run_refusal.c: why there is no run, on standard error, and what would change it. */
/* `what` could not be done for the command's surroundings, for a `reason` that is an errno. */
void run_refusal_explain(const struct run *run, const char *what, int reason);
/* How the limit behind an errno is raised. False: it is none. */
bool run_refusal_explain_limit(int reason);
/* Where `error` is ERR_SYSTEM, errno says why. `what` NULL: the error alone. */
void run_refusal_say(const char *what, enum error error);
/* The proxy's processes have ended, and nothing had asked them to. */
void run_refusal_say_ended(const struct run *run);
