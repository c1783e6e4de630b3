/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's life: prepare, start the children, obey signals, stop. Never reads a byte that
 * came from a network. */
#include "process/supervisor/supervisor.h"

#include "observe/log.h"
#include "observe/metrics.h"
#include "process/hardening.h"
#include "process/landlock.h"
#include "process/supervisor/data_dir.h"
#include "process/supervisor/notify.h"
#include "process/supervisor/supervisor_state.h"

#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DRAIN_GRACE_MS = 1000, /* on top of what the workers give their exchanges */
    STOP_GRACE_MS = 2000,  /* then what has not left is killed */
};

static void set_deadline(struct supervisor *supervisor, uint64_t delay_ms)
{
    const struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};

    event_add(supervisor->deadline, &delay);
}

static bool everything_is_ready(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        if (!supervisor->children[i].is_ready)
            return false;
    }
    return supervisor->is_declared;
}

static void print_listener(const struct supervisor *supervisor, enum listener_kind kind,
                           const char *name)
{
    const struct listener *listener = listeners_first(&supervisor->listeners, kind);
    char text[LISTENERS_TEXT_MAX];

    if (listener != NULL)
        fprintf(stderr, " %s=%s", name, listeners_format(&listener->address, text).data);
}

/* The one line for people and scripts, instead of a log line. */
static void announce(const struct supervisor *supervisor)
{
    fprintf(stderr, "sealgate ready");
    print_listener(supervisor, LISTENER_PROXY, "proxy");
    print_listener(supervisor, LISTENER_TRANSPARENT, "transparent");
    print_listener(supervisor, LISTENER_DNS_UDP, "dns");
    print_listener(supervisor, LISTENER_CONTROL, "control");
    fprintf(stderr, "\n");
    notify_service_manager("READY=1");
}

void supervisor_on_ready(struct supervisor *supervisor)
{
    bool is_ready = everything_is_ready(supervisor);
    struct message message = {.type = MESSAGE_ALL_READY, .all_ready = {.is_ready = is_ready}};

    peer_post(&supervisor->children[PROCESS_CONTROL - 1].peer, &message);
    if (!is_ready || supervisor->state != SUPERVISOR_STARTING)
        return;
    supervisor->state = SUPERVISOR_RUNNING;
    if (supervisor->hooks == NULL)
        announce(supervisor);
}

static bool takes_part_in_draining(const struct supervisor_child *child)
{
    return child->peer.role == PROCESS_WORKER || child->peer.role == PROCESS_CONTROL;
}

void supervisor_on_drained(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        const struct supervisor_child *child = &supervisor->children[i];

        if (takes_part_in_draining(child) && !child->is_drained)
            return;
    }
    if (supervisor->state == SUPERVISOR_DRAINING)
        supervisor_stop(supervisor, 0);
}

static void drain(struct supervisor *supervisor)
{
    supervisor->state = SUPERVISOR_DRAINING;
    notify_service_manager("STOPPING=1");
    LOG(LEVEL_INFO, "draining");
    /* As long as a copy is open, clients are let in, and nobody answers them. */
    listeners_close(&supervisor->listeners);
    for (size_t i = 0; i < supervisor->child_count; i++) {
        struct supervisor_child *child = &supervisor->children[i];

        event_del(child->restart);
        child->is_drained = child->pid == 0;
        if (takes_part_in_draining(child))
            peer_post(&child->peer, &(struct message){.type = MESSAGE_DRAIN});
    }
    set_deadline(supervisor, supervisor->file.config->drain_timeout_ms + DRAIN_GRACE_MS);
    supervisor_on_drained(supervisor);
}

static void leave_when_alone(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        if (supervisor->children[i].pid > 0)
            return;
    }
    event_base_loopexit(supervisor->base, NULL); /* also when the loop has not begun */
}

void supervisor_stop(struct supervisor *supervisor, int exit_status)
{
    if (supervisor->state == SUPERVISOR_STOPPING)
        return;
    supervisor->state = SUPERVISOR_STOPPING;
    supervisor->exit_status = exit_status;
    for (size_t i = 0; i < supervisor->child_count; i++) {
        event_del(supervisor->children[i].restart);
        peer_close(&supervisor->children[i].peer);
    }
    set_deadline(supervisor, STOP_GRACE_MS);
    leave_when_alone(supervisor);
}

static void kill_all(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        if (supervisor->children[i].pid > 0)
            kill(supervisor->children[i].pid, SIGKILL);
    }
}

static void on_deadline(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct supervisor *supervisor = argument;

    if (supervisor->state == SUPERVISOR_DRAINING)
        supervisor_stop(supervisor, 0);
    else
        kill_all(supervisor);
}

static void on_declare_again(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    supervisor_handover_declared(argument);
}

static void on_terminate(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct supervisor *supervisor = argument;

    if (supervisor->state == SUPERVISOR_RUNNING)
        drain(supervisor);
    else if (supervisor->state == SUPERVISOR_STARTING)
        supervisor_stop(supervisor, 0);
}

static void on_interrupt(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    supervisor_stop(argument, 0);
}

static void on_hangup(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct supervisor *supervisor = argument;

    if (supervisor->state <= SUPERVISOR_RUNNING)
        supervisor_reload(supervisor);
}

static void on_one_exit(struct supervisor *supervisor, pid_t pid, int status)
{
    for (size_t i = 0; i < supervisor->child_count; i++) {
        if (supervisor->children[i].pid == pid) {
            supervisor_child_on_exit(&supervisor->children[i], status);
            return;
        }
    }
    if (supervisor->hooks != NULL)
        supervisor->hooks->on_other_exit(supervisor->hooks->context, pid, status);
}

static void on_child_signal(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct supervisor *supervisor = argument;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        on_one_exit(supervisor, pid, status);
    if (supervisor->state == SUPERVISOR_DRAINING)
        supervisor_on_drained(supervisor);
    if (supervisor->state == SUPERVISOR_STOPPING)
        leave_when_alone(supervisor);
}

static enum error watch_signal(struct supervisor *supervisor, int number,
                               event_callback_fn callback)
{
    struct event *event = evsignal_new(supervisor->base, number, callback, supervisor);

    supervisor->signals[supervisor->signal_count++] = event;
    return event == NULL || event_add(event, NULL) != 0 ? ERR_NO_MEMORY : OK;
}

static enum error watch_signals(struct supervisor *supervisor)
{
    TRY(watch_signal(supervisor, SIGTERM, on_terminate));
    TRY(watch_signal(supervisor, SIGINT, on_interrupt));
    return watch_signal(supervisor, SIGHUP, on_hangup);
}

static enum error make_timers(struct supervisor *supervisor)
{
    supervisor->deadline = evtimer_new(supervisor->base, on_deadline, supervisor);
    supervisor->declare_again = evtimer_new(supervisor->base, on_declare_again, supervisor);
    return supervisor->deadline == NULL || supervisor->declare_again == NULL ? ERR_NO_MEMORY : OK;
}

static enum error make_children(struct supervisor *supervisor)
{
    supervisor->worker_count = configuration_file_workers(&supervisor->file);
    size_t count = SERVICES + supervisor->worker_count;

    supervisor->children = calloc(count, sizeof(*supervisor->children));
    if (supervisor->children == NULL)
        return ERR_NO_MEMORY;
    supervisor->child_count = count;
    for (size_t i = 0; i < count; i++)
        TRY(supervisor_child_init(supervisor, i));
    return OK;
}

static enum error make_pages(struct supervisor *supervisor)
{
    size_t workers = supervisor->worker_count;

    TRY(shared_pages_create(workers, &supervisor->pages));
    metrics_attach(supervisor->pages.metrics, shared_pages_rows(workers),
                   shared_pages_row_of_control(workers) + 1);
    randombytes_buf(supervisor->view_key.bytes, sizeof(supervisor->view_key.bytes));
    return OK;
}

enum error supervisor_make_parts(struct supervisor *supervisor)
{
    supervisor->base = event_base_new();
    if (supervisor->base == NULL)
        return ERR_NO_MEMORY;
    TRY(make_timers(supervisor));
    TRY(make_children(supervisor));
    TRY(make_pages(supervisor));
    return watch_signal(supervisor, SIGCHLD, on_child_signal);
}

/* Everything that can fail for an operator's reason comes before the first child. */
static enum error supervisor_prepare(struct supervisor *supervisor,
                                     const struct supervisor_options *options)
{
    TRY(configuration_file_load(options->config_path, options->data_dir, &supervisor->file));
    const struct config *config = supervisor->file.config;

    TRY(declared_values_read(config, NULL, &supervisor->declared));
    TRY(upstream_files_read_logging(config, &supervisor->upstream_files));
    TRY(data_dir_prepare(config->data_dir, &supervisor->data_dir, &supervisor->lock));
    TRY(audit_output_open(config, &supervisor->audit));
    TRY(supervisor_make_parts(supervisor));
    TRY(listeners_open(config, (unsigned)supervisor->worker_count, &supervisor->listeners));
    TRY(listeners_open_control_socket(supervisor->data_dir, &supervisor->listeners));
    return watch_signals(supervisor);
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

void supervisor_clear(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++)
        supervisor_child_clear(&supervisor->children[i]);
    free(supervisor->children);
    for (size_t i = 0; i < supervisor->signal_count; i++)
        free_event(supervisor->signals[i]);
    free_event(supervisor->deadline);
    free_event(supervisor->declare_again);
    if (supervisor->base != NULL)
        event_base_free(supervisor->base);
    listeners_close(&supervisor->listeners);
    audit_output_close(&supervisor->audit);
    declared_values_free(supervisor->declared);
    upstream_files_free(supervisor->upstream_files);
    configuration_file_clear(&supervisor->file);
    close_descriptor(supervisor->data_dir);
    close_descriptor(supervisor->lock);
    sodium_memzero(&supervisor->view_key, sizeof(supervisor->view_key));
}

void supervisor_live(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->child_count; i++)
        supervisor_child_start(&supervisor->children[i]);
    event_base_dispatch(supervisor->base);
}

static void warn_without_landlock(void)
{
    if (landlock_version() == 0)
        LOG(LEVEL_WARN, "landlock_unavailable",
            .detail = SLICE("the processes may open what their uid may; see sealgate doctor"));
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor supervisor = {
        .data_dir = -1, .lock = -1, .audit = {.write_fd = -1, .read_fd = -1}};

    hardening_prepare();
    log_open("supervisor", LEVEL_INFO);
    warn_without_landlock();
    enum error error = sodium_init() < 0 ? ERR_CRYPTO : supervisor_prepare(&supervisor, options);
    if (error == OK)
        supervisor_live(&supervisor);
    else
        LOG(LEVEL_ERROR, "not_started", .error = error);
    supervisor_clear(&supervisor);
    return error != OK ? 1 : supervisor.exit_status;
}
