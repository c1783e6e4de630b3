/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor tells its children. Never gives a worker the key that authenticates views. */
#include "observe/log.h"
#include "process/supervisor/supervisor_state.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The supervisor keeps its own: -1 stays -1. */
static int duplicate(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void send_private(struct supervisor_child *child)
{
    const struct config_private *settings = child->supervisor->private_settings;

    peer_post(&child->peer,
              &(struct message){.type = MESSAGE_PRIVATE,
                                .private = {.default_deny = settings->default_deny,
                                            .hints_name_flags = settings->hints_name_flags,
                                            .ca_path = settings->ca_path,
                                            .upstream_proxy = settings->upstream_proxy}});
}

void supervisor_handover_configuration(struct supervisor_child *child)
{
    const struct supervisor *supervisor = child->supervisor;
    const struct configuration_file *file = &supervisor->file;
    uint64_t route_tag = upstream_files_route_tag(supervisor->upstream_files, file->config,
                                                  supervisor->view_key.bytes);

    if (child->supervisor->private_settings != NULL)
        send_private(child);
    upstream_files_send(child->supervisor->upstream_files, file->config, &child->peer);
    peer_post(&child->peer,
              &(struct message){.type = MESSAGE_CONFIGURATION,
                                .configuration = {.path = slice_from_string(file->path),
                                                  .text = buffer_view(&file->text),
                                                  .data_dir = file->config->data_dir,
                                                  .route_tag = route_tag}});
}

static void send_topology(struct supervisor_child *child)
{
    struct message message = {.type = MESSAGE_TOPOLOGY};

    message.topology.worker_count = (uint32_t)child->supervisor->worker_count;
    message.topology.owner_uid = geteuid();
    peer_post(&child->peer, &message);
}

static void send_view_key(struct supervisor_child *child)
{
    struct message message = {.type = MESSAGE_VIEW_KEY};

    if (child->peer.role == PROCESS_WORKER)
        return;
    memcpy(message.view_key.key, child->supervisor->view_key.bytes, MESSAGE_KEY_SIZE);
    peer_post(&child->peer, &message);
    message_clear(&message);
}

static void send_pages(struct supervisor_child *child)
{
    const struct shared_pages *pages = &child->supervisor->pages;

    if (child->peer.role != PROCESS_WORKER && child->peer.role != PROCESS_CONTROL)
        return;
    peer_post(&child->peer,
              &(struct message){.type = MESSAGE_SHARED_PAGES,
                                .shared_pages = {.metrics = duplicate(pages->metrics_fd),
                                                 .counts = duplicate(pages->counts_fd)}});
}

/* The socket goes to whoever accepts on it; the dialer learns the address alone, because the proxy
 * itself is never a target, and control the proxy's, because that is what it advertises. The
 * address of a socket that was made inside a sandbox means nothing outside. */
void supervisor_handover_listener(struct supervisor_child *child, const struct listener *listener)
{
    enum process_role role = child->peer.role;
    bool is_for_control =
        listener->kind == LISTENER_CONTROL || listener->kind == LISTENER_CONTROL_SOCKET;
    bool takes_it = is_for_control
                        ? role == PROCESS_CONTROL
                        : role == PROCESS_WORKER && child->peer.index == listener->worker;
    bool learns_it = (role == PROCESS_DIALER || role == PROCESS_CONTROL) &&
                     listener->kind != LISTENER_CONTROL_SOCKET && listener->worker == 0 &&
                     listener->sandbox_id.len == 0;

    if (!takes_it && !learns_it)
        return;
    peer_post(&child->peer,
              &(struct message){.type = MESSAGE_LISTENER,
                                .listener = {.kind = listener->kind,
                                             .address = listener->address,
                                             .sandbox_id = listener->sandbox_id,
                                             .socket = takes_it ? duplicate(listener->fd) : -1}});
}

static void send_listeners(struct supervisor_child *child)
{
    const struct listeners *listeners = &child->supervisor->listeners;

    for (size_t i = 0; i < listeners->count; i++)
        supervisor_handover_listener(child, &listeners->items[i]);
}

void supervisor_handover_audit(struct supervisor_child *child)
{
    const struct audit_output *audit = &child->supervisor->audit;
    bool writes = child->peer.role == PROCESS_WORKER;

    if (!writes && child->peer.role != PROCESS_CONTROL)
        return;
    peer_post(
        &child->peer,
        &(struct message){.type = MESSAGE_AUDIT,
                          .audit = {.is_datagram = audit->is_datagram,
                                    .file = duplicate(writes ? audit->write_fd : audit->read_fd)}});
}

static int open_for_reading(struct slice path)
{
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        LOG(LEVEL_ERROR, "file_not_opened", .path = path, .system_error = errno);
    return fd;
}

/* Control's account need not be able to read the key. */
static void send_control_tls(struct supervisor_child *child)
{
    const struct config *config = child->supervisor->file.config;

    if (child->peer.role != PROCESS_CONTROL || config->control_cert.len == 0)
        return;
    peer_post(&child->peer,
              &(struct message){.type = MESSAGE_CONTROL_TLS,
                                .control_tls = {
                                    .certificate = open_for_reading(config->control_cert),
                                    .key = open_for_reading(config->control_key),
                                }});
}

/* Takes the descriptor. */
static void send_peer(struct supervisor_child *child, const struct peer *other, uint64_t generation,
                      int channel)
{
    peer_post(&child->peer, &(struct message){.type = MESSAGE_PEER,
                                              .peer = {.role = other->role,
                                                       .index = other->index,
                                                       .generation = generation,
                                                       .channel = channel}});
}

static bool are_linked(enum process_role service, enum process_role other)
{
    return !(service == PROCESS_KEYHOLDER && other == PROCESS_DIALER);
}

void supervisor_handover_link(struct supervisor_child *service, struct supervisor_child *other)
{
    struct supervisor *supervisor = service->supervisor;
    uint64_t generation = ++supervisor->next_generation;
    int pair[2];

    if (service->pid == 0 || other->pid == 0 || !are_linked(service->peer.role, other->peer.role))
        return;
    if (channel_pair(pair) != OK) {
        LOG(LEVEL_ERROR, "channel_not_made", .name = "link");
        return;
    }
    other->links[service - supervisor->children] = generation;
    send_peer(service, &other->peer, generation, pair[0]);
    send_peer(other, &service->peer, generation, pair[1]);
}

void supervisor_handover_declared(struct supervisor *supervisor)
{
    struct supervisor_child *control = &supervisor->children[PROCESS_CONTROL - 1];

    supervisor->is_declared = false;
    if (control->pid == 0)
        return; /* at its next start */
    enum error error =
        declared_values_send(supervisor->declared, supervisor->file.config, &control->peer);
    if (error != OK)
        LOG(LEVEL_ERROR, "declared_stores_not_sent", .error = error);
}

/* Services before this process in the order of enum process_role are there when it begins; the
 * others come after. */
static void link_services_before(struct supervisor_child *child)
{
    struct supervisor_child *children = child->supervisor->children;

    for (size_t i = 0; i < SERVICES && &children[i] < child; i++)
        supervisor_handover_link(&children[i], child);
}

static void link_others_after(struct supervisor_child *child)
{
    struct supervisor *supervisor = child->supervisor;
    struct supervisor_child *end = supervisor->children + supervisor->child_count;

    if (child->peer.role == PROCESS_WORKER)
        return;
    for (struct supervisor_child *other = child + 1; other < end; other++)
        supervisor_handover_link(child, other);
}

void supervisor_handover_all(struct supervisor_child *child)
{
    supervisor_handover_configuration(child);
    send_topology(child);
    send_view_key(child);
    send_pages(child);
    send_listeners(child);
    supervisor_handover_audit(child);
    send_control_tls(child);
    link_services_before(child);
    peer_post(&child->peer, &(struct message){.type = MESSAGE_BEGIN});
    link_others_after(child);
    if (child->peer.role == PROCESS_CONTROL)
        supervisor_handover_declared(child->supervisor);
}
