/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the supervisor share; private to them. */

#include "process/peer.h"
#include "process/shared_pages.h"
#include "process/supervisor/audit_output.h"
#include "process/supervisor/configuration_file.h"
#include "process/supervisor/declared_values.h"
#include "process/supervisor/listeners.h"
#include "process/supervisor/supervisor.h"
#include "process/supervisor/upstream_files.h"
#include "process/view_mac.h"

#include <sys/types.h>

struct event;
struct event_base;
struct supervisor;

/* Keyholder, dialer and control serve all others; then come the workers. */
enum { SERVICES = 3 };

struct supervisor_child {
    struct supervisor *supervisor;
    struct peer peer;
    pid_t pid; /* 0: not running */
    bool is_ready, is_drained;
    uint64_t started_ms;
    unsigned delay_ms;        /* before the next start */
    struct event *restart;    /* timer */
    uint64_t links[SERVICES]; /* generation of its channel to each service */
};

/* What `sealgate run` does at moments where `sealgate serve` has nothing to do. */
struct supervisor_hooks {
    void *context;
    void (*on_declared)(void *context);
    void (*on_sandbox_created)(void *context, const struct message_sandbox_created *message);
    /* waitpid() said so of a process that is none of the children. */
    void (*on_other_exit)(void *context, pid_t pid, int status);
};

enum supervisor_state {
    SUPERVISOR_STARTING, /* until everything was ready once */
    SUPERVISOR_RUNNING,
    SUPERVISOR_DRAINING, /* workers and control finish what is under way */
    SUPERVISOR_STOPPING, /* all channels are closed, the children leave */
};

struct supervisor {
    struct event_base *base;
    enum supervisor_state state;
    int exit_status;
    const struct supervisor_hooks *hooks;          /* NULL: `sealgate serve` */
    const struct config_private *private_settings; /* likewise; borrowed */
    struct configuration_file file;                /* the configuration in force, with its text */
    int data_dir, lock;
    struct listeners listeners;
    struct shared_pages pages;
    struct audit_output audit;
    struct declared_values *declared;
    struct upstream_files *upstream_files;
    bool is_declared; /* control has taken the declared stores */
    struct view_mac_key view_key;
    struct supervisor_child *children; /* services, then workers */
    size_t child_count, worker_count;
    uint64_t next_generation;
    unsigned failures; /* deaths before everything was ready once */
    int start_errno;   /* why a child could not be started; 0: none */
    struct event *signals[4], *deadline, *declare_again;
    size_t signal_count;
};

/* supervisor.c */
/* Event loop, children (not started), shared pages and SIGCHLD; the configuration is there. */
MUST_USE enum error supervisor_make_parts(struct supervisor *supervisor);
/* Starts all children and returns when all have gone. */
void supervisor_live(struct supervisor *supervisor);
void supervisor_clear(struct supervisor *supervisor);
void supervisor_on_ready(struct supervisor *supervisor);
void supervisor_on_drained(struct supervisor *supervisor);
/* Ends everything; this is the exit status. */
void supervisor_stop(struct supervisor *supervisor, int exit_status);

/* supervisor_child.c: one child's life. */
MUST_USE enum error supervisor_child_init(struct supervisor *supervisor, size_t index);
void supervisor_child_clear(struct supervisor_child *child);
void supervisor_child_start(struct supervisor_child *child);
/* waitpid() said so. */
void supervisor_child_on_exit(struct supervisor_child *child, int status);

/* supervisor_handover.c: what a child is told, at its start and later. */
void supervisor_handover_all(struct supervisor_child *child);
void supervisor_handover_configuration(struct supervisor_child *child);
/* A socket that came after the child had begun. */
void supervisor_handover_listener(struct supervisor_child *child, const struct listener *listener);
void supervisor_handover_audit(struct supervisor_child *child);
void supervisor_handover_declared(struct supervisor *supervisor);
/* A fresh channel between a child and a service. */
void supervisor_handover_link(struct supervisor_child *service, struct supervisor_child *other);

/* supervisor_reload.c */
void supervisor_reload(struct supervisor *supervisor);
