/* SPDX-License-Identifier: Apache-2.0 */
/* One child: start, messages, end, start again. Never gives up on one that worked before. */
#include "observe/log.h"
#include "process/durable_file.h"
#include "process/hardening.h"
#include "process/supervisor/spawn.h"
#include "process/supervisor/supervisor_state.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STABLE_MS = 1000, /* who lived that long starts again at once */
    FIRST_DELAY_MS = 10,
    DELAY_MAX_MS = 1000,
    FAILURES_MAX = 5, /* before everything was ready once */
    DECLARE_AGAIN_MS = 200,
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct supervisor_child *child_of(struct peer *peer)
{
    return peer->context;
}

static void on_ready(struct peer *peer, struct message *message UNUSED)
{
    child_of(peer)->is_ready = true;
    supervisor_on_ready(child_of(peer)->supervisor);
}

static void on_drained(struct peer *peer, struct message *message UNUSED)
{
    child_of(peer)->is_drained = true;
    supervisor_on_drained(child_of(peer)->supervisor);
}

/* A child by role and index, or NULL. */
static struct supervisor_child *find_child(struct supervisor *supervisor, enum process_role role,
                                           unsigned index)
{
    bool is_worker = role == PROCESS_WORKER;

    if (role == PROCESS_SUPERVISOR || index >= (is_worker ? supervisor->worker_count : 1))
        return NULL;
    return &supervisor->children[is_worker ? SERVICES + index : (size_t)role - 1];
}

/* When both still live, a broken rule ended the channel, not a death: they get a fresh one. */
static void on_peer_lost(struct peer *peer, struct message *message)
{
    const struct message_peer_lost *lost = &message->peer_lost;
    struct supervisor *supervisor = child_of(peer)->supervisor;
    struct supervisor_child *reporter = child_of(peer);
    struct supervisor_child *other = find_child(supervisor, lost->role, lost->index);

    if (other == NULL || other == reporter || supervisor->state >= SUPERVISOR_STOPPING)
        return;
    struct supervisor_child *service = other < reporter ? other : reporter;
    struct supervisor_child *user = other < reporter ? reporter : other;
    size_t link = (size_t)(service - supervisor->children);
    if (link < SERVICES && user->links[link] == lost->generation)
        supervisor_handover_link(service, user);
}

/* The keyholder, which seals nothing but whose key control needs, may be restarting. */
static void declare_again(struct supervisor *supervisor)
{
    const struct timeval soon = {0, DECLARE_AGAIN_MS * 1000};

    event_add(supervisor->declare_again, &soon);
}

static void on_declared(struct peer *peer, struct message *message)
{
    struct supervisor *supervisor = child_of(peer)->supervisor;
    const struct message_declared *declared = &message->declared;

    if (declared->error == OK) {
        supervisor->is_declared = true;
        if (supervisor->hooks != NULL)
            supervisor->hooks->on_declared(supervisor->hooks->context);
        supervisor_on_ready(supervisor);
        return;
    }
    LOG(LEVEL_ERROR, "declared_store_refused", .detail = declared->store, .error = declared->error);
    if (declared->error == ERR_UNAVAILABLE)
        declare_again(supervisor);
    else if (supervisor->state == SUPERVISOR_STARTING)
        supervisor_stop(supervisor, 1);
}

static void write_file(const struct supervisor *supervisor, const char *name, struct slice content,
                       mode_t mode)
{
    if (supervisor->data_dir < 0)
        return; /* `sealgate run` keeps nothing */
    if (durable_file_write(supervisor->data_dir, name, content, mode) != OK)
        LOG(LEVEL_ERROR, "file_not_written", .path = slice_from_string(name),
            .system_error = errno);
}

static void on_sandbox_created(struct peer *peer, struct message *message)
{
    const struct supervisor_hooks *hooks = child_of(peer)->supervisor->hooks;

    if (hooks != NULL)
        hooks->on_sandbox_created(hooks->context, &message->sandbox_created);
}

/* These names and no others: control may not choose a path. */
static void on_publish(struct peer *peer, struct message *message)
{
    static const char *const names[] = {"ca.pem", "ca-bundle.pem"};
    const struct message_publish *publish = &message->publish;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_equals(publish->name, slice_from_string(names[i])))
            write_file(child_of(peer)->supervisor, names[i], publish->content, 0644);
    }
}

static void on_first_key(struct peer *peer, struct message *message)
{
    OWNED_STRUCT(buffer) *line = &(struct buffer){.limit = MESSAGE_TEXT_MAX + 1};

    if (buffer_append(line, message->first_key.key) == OK && buffer_append_byte(line, '\n') == OK)
        write_file(child_of(peer)->supervisor, "api-key", buffer_view(line), 0600);
}

static message_handler *const handlers[MESSAGE_COUNT] = {
    [MESSAGE_READY] = on_ready,
    [MESSAGE_DRAINED] = on_drained,
    [MESSAGE_PEER_LOST] = on_peer_lost,
};

static message_handler *const control_handlers[MESSAGE_COUNT] = {
    [MESSAGE_READY] = on_ready,
    [MESSAGE_DRAINED] = on_drained,
    [MESSAGE_PEER_LOST] = on_peer_lost,
    [MESSAGE_DECLARED] = on_declared,
    [MESSAGE_PUBLISH] = on_publish,
    [MESSAGE_FIRST_KEY] = on_first_key,
    [MESSAGE_SANDBOX_CREATED] = on_sandbox_created,
};

/* Its end of the channel is gone: it is dead already, or no use any more. */
static void on_gone(struct peer *peer)
{
    const struct supervisor_child *child = child_of(peer);

    if (child->pid > 0 && child->supervisor->state < SUPERVISOR_STOPPING)
        kill(child->pid, SIGKILL);
}

static void on_restart(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    supervisor_child_start(argument);
}

enum error supervisor_child_init(struct supervisor *supervisor, size_t index)
{
    struct supervisor_child *child = &supervisor->children[index];
    bool is_worker = index >= SERVICES;
    enum process_role role = is_worker ? PROCESS_WORKER : (enum process_role)(index + 1);

    child->supervisor = supervisor;
    child->peer = (struct peer){.role = role,
                                .index = is_worker ? (unsigned)(index - SERVICES) : 0,
                                .context = child,
                                .handlers = role == PROCESS_CONTROL ? control_handlers : handlers,
                                .on_gone = on_gone};
    child->restart = evtimer_new(supervisor->base, on_restart, child);
    return child->restart == NULL ? ERR_NO_MEMORY : OK;
}

void supervisor_child_clear(struct supervisor_child *child)
{
    peer_close(&child->peer);
    if (child->restart != NULL)
        event_free(child->restart);
    child->restart = NULL;
}

static void start_later(struct supervisor_child *child)
{
    const struct timeval delay = {child->delay_ms / 1000, child->delay_ms % 1000 * 1000};

    event_add(child->restart, &delay);
}

static void choose_delay(struct supervisor_child *child)
{
    if (now_ms() - child->started_ms >= STABLE_MS)
        child->delay_ms = 0;
    else if (child->delay_ms == 0)
        child->delay_ms = FIRST_DELAY_MS;
    else
        child->delay_ms = child->delay_ms * 2 > DELAY_MAX_MS ? DELAY_MAX_MS : child->delay_ms * 2;
}

/* Where nothing has ever worked, waiting does not help. */
static void start_again(struct supervisor_child *child)
{
    struct supervisor *supervisor = child->supervisor;

    if (supervisor->state == SUPERVISOR_STARTING && ++supervisor->failures >= FAILURES_MAX) {
        supervisor_stop(supervisor, 1);
        return;
    }
    choose_delay(child);
    start_later(child);
}

static enum error start_now(struct supervisor_child *child)
{
    int pair[2];

    TRY(channel_pair(pair));
    enum error error = spawn_child(child->peer.role, child->peer.index, pair[1], &child->pid);
    if (error != OK) {
        close(pair[0]);
        return error;
    }
    return peer_open(&child->peer, child->supervisor->base, pair[0]);
}

static void on_not_started(struct supervisor_child *child, enum error error)
{
    child->supervisor->start_errno = errno;
    LOG(LEVEL_ERROR, "process_not_started", .name = hardening_role_name(child->peer.role),
        .error = error, .system_error = errno);
    start_again(child);
}

void supervisor_child_start(struct supervisor_child *child)
{
    if (child->supervisor->state >= SUPERVISOR_STOPPING)
        return;
    child->is_ready = child->is_drained = false;
    child->started_ms = now_ms();
    enum error error = start_now(child);
    if (error == OK) {
        supervisor_handover_all(child);
        return;
    }
    on_not_started(child, error);
}

/* A private instance shows errors alone, and this may be the end of it. */
static enum log_level level_of_exit(const struct supervisor_child *child)
{
    return child->supervisor->hooks == NULL ? LEVEL_WARN : LEVEL_ERROR;
}

/* Which call it was is in the kernel's log, where only it can write. */
static void log_signal(const struct supervisor_child *child, int signal)
{
    static const char by_filter[] = "killed by the system call filter: the kernel's log names the "
                                    "call (audit: type=1326 … syscall=)";

    LOG(level_of_exit(child), "process_killed", .name = hardening_role_name(child->peer.role),
        .number = signal, .has_number = true,
        .detail = signal == SIGSYS ? slice_from_string(by_filter) : SLICE_NONE);
}

static bool was_filtered(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void log_exit(const struct supervisor_child *child, int status)
{
    if (WIFSIGNALED(status))
        log_signal(child, WTERMSIG(status));
    else
        LOG(level_of_exit(child), "process_exited", .name = hardening_role_name(child->peer.role),
            .number = WEXITSTATUS(status), .has_number = true);
}

static bool keeps_state(const struct supervisor_child *child)
{
    return child->peer.role == PROCESS_KEYHOLDER || child->peer.role == PROCESS_CONTROL;
}

void supervisor_child_on_exit(struct supervisor_child *child, int status)
{
    struct supervisor *supervisor = child->supervisor;

    child->pid = 0;
    child->is_ready = false;
    child->is_drained = true;
    peer_close(&child->peer);
    if (child->peer.role == PROCESS_WORKER)
        shared_pages_forget_worker(&supervisor->pages, child->peer.index);
    if (supervisor->state < SUPERVISOR_DRAINING || was_filtered(status))
        log_exit(child, status);
    if (supervisor->state >= SUPERVISOR_DRAINING)
        return;
    if (supervisor->hooks != NULL && keeps_state(child)) {
        supervisor_stop(supervisor, 1); /* what was in its memory is nowhere else */
        return;
    }
    start_again(child);
    supervisor_on_ready(supervisor);
}
