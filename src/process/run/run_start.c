/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the one sandbox and starts the command in it. Never starts it before its network leads
 * nowhere but to us. */
#include "process/run/run_environment.h"
#include "process/run/run_mount.h"
#include "process/run/run_network.h"
#include "process/run/run_server.h"
#include "process/run/run_state.h"
#include "process/sealed_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 8 * 1024 * 1024, CERTIFICATES_MAX = 16 * 1024 * 1024 };

static void fail(struct run *run, const char *what, enum error error)
{
    run_refusal_say(what, error);
    run_end(run, 1);
}

static struct supervisor_child *child_of(struct run *run, enum process_role role)
{
    return &run->supervisor.children[role - 1];
}

/* The supervisor keeps the sockets, for a worker that has to start again. */
static enum error hand_sockets_over(struct run *run)
{
    for (size_t i = 0; i < RUN_NETWORK_SOCKETS; i++) {
        struct listener listener = {.kind = run_network_sockets[i].kind,
                                    .fd = run->sockets[i],
                                    .sandbox_id = slice_from_string(run->sandbox_id)};

        if (run->sockets[i] < 0)
            continue;
        run->sockets[i] = -1;
        TRY(listeners_add(&run->supervisor.listeners, listener));
        supervisor_handover_listener(child_of(run, PROCESS_WORKER), &listener);
    }
    return OK;
}

static enum error send_start(struct run *run)
{
    struct run_link_message message = {
        .kind = RUN_LINK_START, .fds = {-1, run->bundle, run->root}, .fd_count = 3};

    TRY(sealed_file_create(buffer_view(&run->environment), &message.fds[0]));
    enum error error = run_link_send(run->link, &message);
    close(message.fds[0]);
    return error;
}

static void start_when_complete(struct run *run)
{
    if (!run->has_captured || run->sandbox_id[0] == '\0' || run->has_started || run->has_ended)
        return;
    run->has_started = true;
    enum error error = hand_sockets_over(run);
    if (error == OK)
        error = send_start(run);
    if (error != OK)
        fail(run, "start the command", error);
}

void run_start_on_captured(struct run *run, struct run_link_message *message)
{
    size_t taken = 0;

    if (run->has_captured)
        return;
    for (size_t i = 0; i < RUN_NETWORK_SOCKETS && taken < message->fd_count; i++) {
        if ((message->number & (1 << i)) != 0)
            run->sockets[i] = message->fds[taken++];
    }
    for (; taken < message->fd_count; taken++)
        close(message->fds[taken]);
    message->fd_count = 0;
    run->has_captured = true;
    start_when_complete(run);
}

static void on_declared(void *context)
{
    struct run *run = context;
    const struct run_stores *stores = &run->stores;
    const struct message message = {
        .type = MESSAGE_CREATE_SANDBOX,
        .create_sandbox = {.stores = {stores->names, stores->stores.count}}};

    peer_post(&child_of(run, PROCESS_CONTROL)->peer, &message);
}

/* Without isolation the command sees the machine's files, so there the bundle must be one. */
static enum error write_bundle(const struct run *run, struct slice bundle)
{
    return run->bundle_path[0] == '\0' ? OK : run_mount_write(run->bundle_path, bundle);
}

static enum error take_environment(struct run *run, const struct message_list *ours)
{
    struct message_list all;

    TRY(run_server_environment(&run->server, ours, &all));
    enum error error =
        run_environment_build(run->options, run->supervisor.declared, &all, &run->environment);
    free((void *)(uintptr_t)all.items);
    return error;
}

static enum error append_certificates(struct buffer *out, struct slice ours, struct slice theirs)
{
    TRY(buffer_append(out, ours));
    return buffer_append(out, theirs);
}

/* A refusal is signed by us, everything else by a server, where there is one. */
static enum error take_certificates(struct run *run, const struct message_sandbox_created *created)
{
    OWNED_STRUCT(buffer) *bundle = &(struct buffer){.limit = CERTIFICATES_MAX};
    OWNED_STRUCT(buffer) *root = &(struct buffer){.limit = CERTIFICATES_MAX};
    struct slice theirs = run->server.certificates;

    TRY(append_certificates(bundle, created->bundle, theirs));
    TRY(append_certificates(root, created->root, theirs));
    TRY(sealed_file_create(buffer_view(bundle), &run->bundle));
    TRY(sealed_file_create(buffer_view(root), &run->root));
    return write_bundle(run, buffer_view(bundle));
}

static enum error take_sandbox(struct run *run, const struct message_sandbox_created *created)
{
    TRY(created->error);
    if (created->sandbox_id.len >= sizeof(run->sandbox_id))
        return ERR_TOO_LARGE;
    TRY(take_environment(run, &created->environment));
    TRY(take_certificates(run, created));
    memcpy(run->sandbox_id, created->sandbox_id.data, created->sandbox_id.len);
    return OK;
}

static void on_sandbox_created(void *context, const struct message_sandbox_created *message)
{
    struct run *run = context;

    if (run->sandbox_id[0] != '\0')
        return;
    buffer_init(&run->environment, ENVIRONMENT_MAX);
    enum error error = take_sandbox(run, message);
    if (error == OK)
        start_when_complete(run);
    else
        fail(run, "make the sandbox", error);
}

static void on_other_exit(void *context, pid_t pid, int status)
{
    struct run *run = context;

    if (pid == run->init_pid)
        run_watch_on_exit(run, status);
}

const struct supervisor_hooks run_start_hooks = {.on_declared = on_declared,
                                                 .on_sandbox_created = on_sandbox_created,
                                                 .on_other_exit = on_other_exit};
