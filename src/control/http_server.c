/* SPDX-License-Identifier: Apache-2.0 */
/* Listens, accepts, and keeps the list of connections. Never takes more of them than its limits
 * say: then the kernel's queue waits. */

#include "control/http_connection.h"
#include "control/peer.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENERS_MAX = 64, ACCEPTS_PER_ROUND = 32 };

struct http_listener {
    struct http_server *server; /* borrowed: its owner */
    struct event *event;
    SSL_CTX *tls;
    int fd;
    bool is_local;
};

struct http_server {
    struct event_base *base;
    struct http_server_events events;
    struct http_connection_owner owner;
    struct http_connection_link connections; /* a ring */
    struct http_listener listeners[LISTENERS_MAX];
    size_t listener_count;
    size_t open[2]; /* connections, remote and local */
    struct event *retry;
    int proc_fd;
    bool draining;
    void (*drained)(void *argument);
    void *drained_argument;
};

static const size_t connections_max[2] = {HTTP_SERVER_CONNECTIONS_MAX - HTTP_SERVER_LOCAL_MAX,
                                          HTTP_SERVER_LOCAL_MAX};

static void server_resume_listening(struct http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        const struct http_listener *listener = &server->listeners[i];
        if (server->open[listener->is_local] < connections_max[listener->is_local])
            event_add(listener->event, NULL);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    server_resume_listening(argument);
}

static void server_check_drained(struct http_server *server)
{
    if (!server->draining || server->open[0] + server->open[1] > 0 || server->drained == NULL)
        return;
    void (*drained)(void *argument) = TAKE(server->drained);
    drained(server->drained_argument);
}

static void server_drop(struct http_server *server, struct http_connection *connection)
{
    struct http_connection_link *link = http_connection_link(connection);
    link->previous->next = link->next;
    link->next->previous = link->previous;
    server->open[http_connection_is_local(connection)]--;
    http_connection_free(connection);
    server_resume_listening(server);
}

static void on_closed(void *context, struct http_connection *connection)
{
    server_drop(context, connection);
    server_check_drained(context);
}

static void server_adopt(struct http_server *server, int fd, const struct http_listener *listener)
{
    struct http_stream stream;
    if (http_stream_open(fd, listener->tls, &stream) != OK)
        return;
    struct http_connection *connection =
        http_connection_new(server->base, stream, &server->owner, listener->is_local);
    if (connection == NULL)
        return;
    struct http_connection_link *link = http_connection_link(connection);
    link->next = server->connections.next;
    link->previous = &server->connections;
    link->next->previous = link->previous->next = link;
    server->open[listener->is_local]++;
}

static bool accept_failed_for_good(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Out of descriptors or memory: the queue stays readable, so the event would spin. */
static void server_pause_listening(struct http_server *server)
{
    static const struct timeval pause = {0, 200000};
    for (size_t i = 0; i < server->listener_count; i++)
        event_del(server->listeners[i].event);
    event_add(server->retry, &pause);
}

static bool listener_accept_one(struct http_listener *listener)
{
    struct http_server *server = listener->server;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (accept_failed_for_good(errno))
            server_pause_listening(server);
        return false;
    }
    if (listener->is_local && !peer_is_owner(fd, server->proc_fd))
        close(fd);
    else
        server_adopt(server, fd, listener);
    return true;
}

static void on_acceptable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct http_listener *listener = argument;
    const size_t *open = &listener->server->open[listener->is_local];
    for (unsigned i = 0; i < ACCEPTS_PER_ROUND; i++) {
        if (*open >= connections_max[listener->is_local]) {
            event_del(listener->event);
            return;
        }
        if (!listener_accept_one(listener))
            return;
    }
}

struct http_server *http_server_new(struct event_base *base,
                                    const struct http_server_events *events)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    server->base = base;
    server->events = *events;
    server->connections.next = server->connections.previous = &server->connections;
    server->owner = (struct http_connection_owner){.context = server,
                                                   .events = &server->events,
                                                   .draining = &server->draining,
                                                   .on_closed = on_closed};
    server->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    server->retry = event_new(base, -1, 0, on_retry, server);
    if (server->retry == NULL) {
        http_server_free(server);
        return NULL;
    }
    return server;
}

static void server_close_listeners(struct http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        event_free(server->listeners[i].event);
        SSL_CTX_free(server->listeners[i].tls);
        close(server->listeners[i].fd);
    }
    server->listener_count = 0;
}

/* All connections, or only those that wait for a request. */
static void server_close_connections(struct http_server *server, bool all)
{
    struct http_connection_link *link = server->connections.next;
    while (link != &server->connections) {
        struct http_connection *connection = http_connection_of_link(link);
        link = link->next;
        if (all || http_connection_is_idle(connection))
            server_drop(server, connection);
    }
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    server_close_listeners(server);
    server_close_connections(server, true);
    if (server->retry != NULL)
        event_free(server->retry);
    if (server->proc_fd >= 0)
        close(server->proc_fd);
    free(server);
}

enum error http_server_listen(struct http_server *server, int fd, bool is_local, SSL_CTX *tls)
{
    if (server->listener_count == LISTENERS_MAX)
        return ERR_TOO_LARGE;
    struct http_listener *listener = &server->listeners[server->listener_count];
    if (evutil_make_socket_nonblocking(fd) != 0)
        return ERR_SYSTEM;
    struct event *event =
        event_new(server->base, fd, EV_READ | EV_PERSIST, on_acceptable, listener);
    if (event == NULL || event_add(event, NULL) != 0) {
        if (event != NULL)
            event_free(event);
        return ERR_NO_MEMORY;
    }
    if (tls != NULL)
        SSL_CTX_up_ref(tls);
    *listener = (struct http_listener){server, event, tls, fd, is_local};
    server->listener_count++;
    return OK;
}

void http_server_drain(struct http_server *server, void (*done)(void *argument), void *argument)
{
    server->draining = true;
    server_close_listeners(server);
    server_close_connections(server, false);
    server->drained = done;
    server->drained_argument = argument;
    server_check_drained(server);
}
