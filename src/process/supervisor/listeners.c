/* SPDX-License-Identifier: Apache-2.0 */
/* Binding and listening. Never accepts: that is for the processes that it hands the sockets to. */
#include "process/supervisor/listeners.h"

#include "observe/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

struct slice listeners_format(const struct ip_endpoint *endpoint, char text[LISTENERS_TEXT_MAX])
{
    char address[IP_ADDRESS_TEXT_MAX];
    struct slice host = ip_address_format(&endpoint->address, address);
    bool is_v4 = endpoint->address.len == 4;

    snprintf(text, LISTENERS_TEXT_MAX, "%s%.*s%s:%u", is_v4 ? "" : "[", SLICE_ARG(host),
             is_v4 ? "" : "]", endpoint->port);
    return slice_from_string(text);
}

static bool set_flag(int fd, int level, int option)
{
    const int on = 1;

    return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/* Several workers bind the same address; the kernel deals connections out. An IPv6 socket is for
 * IPv6 alone, so that "[::]" and "0.0.0.0" can stand side by side. */
static bool set_options(int fd, const struct ip_endpoint *endpoint)
{
    return set_flag(fd, SOL_SOCKET, SO_REUSEADDR) && set_flag(fd, SOL_SOCKET, SO_REUSEPORT) &&
           (endpoint->address.len == 4 || set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY));
}

static int type_of(enum listener_kind kind)
{
    return kind == LISTENER_DNS_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

/* TPROXY delivers what is for foreign addresses only to such sockets, and only CAP_NET_ADMIN makes
 * them; REDIRECT, which rewrites the address, needs neither. */
static void admit_foreign_addresses(int fd, const struct ip_endpoint *endpoint)
{
    bool is_allowed = endpoint->address.len == 4 ? set_flag(fd, SOL_IP, IP_TRANSPARENT)
                                                 : set_flag(fd, SOL_IPV6, IPV6_TRANSPARENT);
    char text[LISTENERS_TEXT_MAX];

    if (!is_allowed)
        LOG(LEVEL_INFO, "tproxy_not_permitted", .address = listeners_format(endpoint, text),
            .system_error = errno);
}

static bool start_accepting(int fd, int type)
{
    return type == SOCK_DGRAM || listen(fd, BACKLOG) == 0;
}

static enum error open_socket(enum listener_kind kind, struct ip_endpoint *endpoint, int *out)
{
    int type = type_of(kind);
    struct sockaddr_storage address;
    socklen_t len = ip_endpoint_to_sockaddr(endpoint, &address);
    int fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ERR_SYSTEM;
    if (kind == LISTENER_TRANSPARENT)
        admit_foreign_addresses(fd, endpoint);
    if (!set_options(fd, endpoint) || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        !start_accepting(fd, type) || getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return ERR_SYSTEM;
    }
    ip_endpoint_from_sockaddr((struct sockaddr *)&address, endpoint);
    *out = fd;
    return OK;
}

enum error listeners_add(struct listeners *listeners, struct listener listener)
{
    struct listener *items =
        reallocarray(listeners->items, listeners->count + 1, sizeof(*listeners->items));

    if (items == NULL) {
        close(listener.fd);
        return ERR_NO_MEMORY;
    }
    items[listeners->count++] = listener;
    listeners->items = items;
    return OK;
}

static enum error open_one(struct listeners *listeners, struct listener *listener)
{
    char text[LISTENERS_TEXT_MAX];

    if (open_socket(listener->kind, &listener->address, &listener->fd) == OK)
        return listeners_add(listeners, *listener);
    LOG(LEVEL_ERROR, "listen_failed", .address = listeners_format(&listener->address, text),
        .system_error = errno);
    return ERR_SYSTEM;
}

/* With port 0 the first socket chooses and the others follow, also those of later calls. */
static enum error open_for_workers(struct listeners *listeners, enum listener_kind kind,
                                   struct ip_endpoint *address, unsigned worker_count)
{
    struct listener listener = {.kind = kind, .address = *address};

    for (; listener.worker < worker_count; listener.worker++)
        TRY(open_one(listeners, &listener));
    *address = listener.address;
    return OK;
}

/* Somebody else's socket on the same address would take a share of what comes, when it belongs to
 * the same uid: SO_REUSEPORT allows that, so ask without it first. SO_REUSEADDR is for connections
 * in their last minutes; among datagram sockets it would itself allow to share. */
static enum error check_unused(int type, const struct ip_endpoint *endpoint)
{
    struct sockaddr_storage address;
    socklen_t len = ip_endpoint_to_sockaddr(endpoint, &address);
    int fd = socket(address.ss_family, type | SOCK_CLOEXEC, 0);
    char text[LISTENERS_TEXT_MAX];

    bool is_unused = fd >= 0 && (type == SOCK_DGRAM || set_flag(fd, SOL_SOCKET, SO_REUSEADDR)) &&
                     (endpoint->address.len == 4 || set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY)) &&
                     bind(fd, (struct sockaddr *)&address, len) == 0;
    if (!is_unused)
        LOG(LEVEL_ERROR, "listen_failed", .address = listeners_format(endpoint, text),
            .system_error = errno);
    if (fd >= 0)
        close(fd);
    return is_unused ? OK : ERR_SYSTEM;
}

static enum error open_client_sockets(enum listener_kind kind, const struct config_endpoints *list,
                                      unsigned worker_count, struct listeners *out)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ip_endpoint address = list->items[i];

        TRY(check_unused(SOCK_STREAM, &address));
        TRY(open_for_workers(out, kind, &address, worker_count));
    }
    return OK;
}

/* One port for both. */
static enum error open_dns(const struct config *config, unsigned worker_count,
                           struct listeners *out)
{
    for (size_t i = 0; i < config->listen_dns.count; i++) {
        struct ip_endpoint address = config->listen_dns.items[i];

        TRY(check_unused(SOCK_STREAM, &address));
        TRY(open_for_workers(out, LISTENER_DNS_TCP, &address, worker_count));
        TRY(check_unused(SOCK_DGRAM, &address));
        TRY(open_for_workers(out, LISTENER_DNS_UDP, &address, worker_count));
    }
    return OK;
}

static enum error open_control(const struct config *config, struct listeners *out)
{
    for (size_t i = 0; i < config->listen_control.count; i++) {
        struct listener listener = {.kind = LISTENER_CONTROL,
                                    .address = config->listen_control.items[i]};

        TRY(check_unused(SOCK_STREAM, &listener.address));
        TRY(open_one(out, &listener));
    }
    return OK;
}

static enum error open_all(const struct config *config, unsigned worker_count,
                           struct listeners *out)
{
    TRY(open_client_sockets(LISTENER_PROXY, &config->listen_proxy, worker_count, out));
    TRY(open_client_sockets(LISTENER_TRANSPARENT, &config->listen_transparent, worker_count, out));
    TRY(open_dns(config, worker_count, out));
    return open_control(config, out);
}

enum error listeners_open(const struct config *config, unsigned worker_count, struct listeners *out)
{
    struct listeners listeners = {0};
    enum error error = open_all(config, worker_count, &listeners);

    if (error != OK) {
        listeners_close(&listeners);
        return error;
    }
    *out = listeners;
    return OK;
}

/* Through the folder's descriptor: a socket's address has room for 107 bytes, a path may be longer.
 */
static enum error bind_control_socket(int folder, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control.sock", folder);
    unlinkat(folder, "control.sock", 0); /* of an earlier run: the lock says nobody uses it */
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        fchmodat(folder, "control.sock", 0600, 0) != 0 || listen(fd, BACKLOG) != 0)
        return ERR_SYSTEM;
    return OK;
}

enum error listeners_open_control_socket(int folder, struct listeners *listeners)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ERR_SYSTEM;
    if (bind_control_socket(folder, fd) != OK) {
        LOG(LEVEL_ERROR, "listen_failed", .path = SLICE("control.sock"), .system_error = errno);
        close(fd);
        return ERR_SYSTEM;
    }
    return listeners_add(listeners, (struct listener){.kind = LISTENER_CONTROL_SOCKET, .fd = fd});
}

void listeners_close(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        close(listeners->items[i].fd);
    free(listeners->items);
    *listeners = (struct listeners){0};
}

const struct listener *listeners_first(const struct listeners *listeners, enum listener_kind kind)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->items[i].kind == kind)
            return &listeners->items[i];
    }
    return NULL;
}
