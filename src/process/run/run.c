/* SPDX-License-Identifier: Apache-2.0 */
/* `sealgate run`: a private, short-lived instance around one command. Never writes a key or a value
 * to a disk. */
#include "process/process.h"
#include "process/run/run_state.h"

#include "observe/log.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void run_end(struct run *run, int exit_status)
{
    if (run->has_ended)
        return;
    run->has_ended = true;
    supervisor_stop(&run->supervisor, exit_status);
}

bool run_has_server(const struct run *run)
{
    return run->server.store != NULL;
}

/* The kernel ends everything in the namespaces with their first process. */
static void end_init(struct run *run)
{
    if (run->init_pid <= 0)
        return;
    kill(run->init_pid, SIGKILL);
    while (waitpid(run->init_pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void run_clear(struct run *run)
{
    if (run->bundle_path[0] != '\0')
        unlink(run->bundle_path);
    close_descriptor(run->link);
    close_descriptor(run->audit);
    close_descriptor(run->bundle);
    close_descriptor(run->root);
    for (size_t i = 0; i < RUN_NETWORK_SOCKETS; i++)
        close_descriptor(run->sockets[i]);
    for (size_t i = 0; i < run->shared_count; i++)
        free(run->shared[i]);
    buffer_clear(&run->environment);
    buffer_clear(&run->unix_sockets);
    run_summary_free(run->summary);
    supervisor_clear(&run->supervisor);
    run_stores_clear(&run->stores);
}

static void print_learned(const struct run *run)
{
    OWNED_STRUCT(host_list) *private_hosts = NULL;

    if (run_stores_private_hosts(&run->stores, &private_hosts) != OK)
        return;
    fputs("sealgate: this is what it needed:\n", stderr);
    run_summary_print_learned(run->summary, private_hosts, stderr);
}

static void print_summary(const struct run *run)
{
    run_summary_print_refusals(run->summary, !run_has_server(run), stderr);
    if (run->options->learns)
        print_learned(run);
}

static int live(struct run *run)
{
    supervisor_live(&run->supervisor);
    end_init(run);
    run_watch_close(run);
    if (!run->has_ended)
        run_refusal_say_ended(run);
    if (run->has_started)
        print_summary(run);
    return run->supervisor.exit_status;
}

int process_run(const struct process_run_options *options)
{
    static struct run run;

    run = (struct run){.options = options, .link = -1, .audit = -1, .bundle = -1, .root = -1};
    run.supervisor = (struct supervisor){
        .data_dir = -1, .lock = -1, .audit = {.write_fd = -1, .read_fd = -1}, .hooks = &run.hooks};
    run.hooks = run_start_hooks;
    run.hooks.context = &run;
    for (size_t i = 0; i < RUN_NETWORK_SOCKETS; i++)
        run.sockets[i] = -1;
    log_open("run", LEVEL_ERROR);
    signal(SIGCHLD, SIG_DFL); /* whoever ignored it before us: we have children to wait for */
    bool is_prepared = run_prepare(&run);
    int exit_status = is_prepared ? live(&run) : 1;
    if (!is_prepared) {
        end_init(&run);
        run_watch_close(&run);
    }
    run_clear(&run);
    return exit_status;
}
