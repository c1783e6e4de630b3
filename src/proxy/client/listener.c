/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts connections. Never spins when descriptors run out: it pauses. */
#include "proxy/client/listener.h"

#include "observe/log.h"
#include "proxy/client/connection.h"
#include "proxy/dns_gate/dns_gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPTS_PER_EVENT = 32, PAUSE_MS = 50 };

static void take(struct listener *listener, int fd, const struct sockaddr *address)
{
    struct ip_endpoint client;
    int on = 1;

    if (!ip_endpoint_from_sockaddr(address, &client)) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (listener->kind == PROXY_DNS_TCP)
        dns_gate_accept(listener, fd, &client);
    else
        connection_new(listener, fd, &client);
}

/* Out of descriptors or memory: the queue waits, and other workers may take from it. */
static void pause_accepting(struct listener *listener, int error)
{
    LOG(LEVEL_WARN, "accept_failed", .system_error = error);
    event_del(listener->acceptable);
    deadline_set(&listener->pause, PAUSE_MS);
}

static void on_pause_over(void *owner)
{
    struct listener *listener = owner;

    event_add(listener->acceptable, NULL);
}

static void on_acceptable(UNUSED evutil_socket_t event_fd, UNUSED short what, void *argument)
{
    struct listener *listener = argument;
    struct sockaddr_storage address;

    for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
        socklen_t len = sizeof(address);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            take(listener, fd, (struct sockaddr *)&address);
        else if (errno == EAGAIN)
            return;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(listener, errno);
            return;
        }
    }
}

struct listener *listener_new(struct proxy *proxy, int fd, enum proxy_listener_kind kind,
                              struct slice sandbox_id)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (listener == NULL || sandbox_id.len > SANDBOX_ID_MAX) {
        free(listener);
        close(fd);
        return NULL;
    }
    listener->proxy = proxy;
    listener->fd = fd;
    listener->kind = kind;
    listener->sandbox_id_len = sandbox_id.len;
    if (sandbox_id.len > 0)
        memcpy(listener->sandbox_id, sandbox_id.data, sandbox_id.len);
    deadline_init(&listener->pause, proxy->base, on_pause_over, listener);
    evutil_make_socket_nonblocking(fd);
    listener->acceptable =
        event_new(proxy->base, fd, EV_READ | EV_PERSIST, on_acceptable, listener);
    if (listener->acceptable == NULL || event_add(listener->acceptable, NULL) != 0) {
        listener_free(listener);
        return NULL;
    }
    return listener;
}

void listener_free(struct listener *listener)
{
    if (listener == NULL)
        return;
    deadline_clear(&listener->pause);
    if (listener->acceptable != NULL)
        event_free(listener->acceptable);
    close(listener->fd);
    free(listener);
}
