/* SPDX-License-Identifier: Apache-2.0 */
/* Drives c-ares from libevent: its sockets and its timer. Never frees a channel that c-ares is
 * still running in. */
#include "process/dialer/resolver_channel.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdlib.h>

enum { QUERY_TIMEOUT_MS = 2000, QUERY_TRIES = 3 };

struct watched {
    SLIST_ENTRY(watched) next;
    struct resolver_channel *channel; /* borrowed: the owner */
    struct event *event;
    ares_socket_t fd;
};

struct resolver_channel {
    LIST_ENTRY(resolver_channel) in_retired;
    struct event_base *base; /* borrowed */
    ares_channel ares;
    struct event *timer;
    SLIST_HEAD(, watched) sockets;
    size_t pending;
    bool is_retired;
};

static void rearm(struct resolver_channel *channel)
{
    struct timeval wait = {0};

    if (channel->is_retired && channel->pending == 0) {
        event_add(channel->timer, &wait); /* frees it, outside of c-ares */
        return;
    }
    struct timeval *until = ares_timeout(channel->ares, NULL, &wait);
    if (until == NULL)
        event_del(channel->timer);
    else
        event_add(channel->timer, until);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct resolver_channel *channel = argument;

    (void)fd;
    (void)what;
    if (channel->is_retired && channel->pending == 0) {
        resolver_channel_free(channel);
        return;
    }
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm(channel);
}

static void on_socket(evutil_socket_t fd, short what, void *argument)
{
    struct watched *watched = argument;
    struct resolver_channel *channel = watched->channel; /* `watched` may be gone afterwards */

    ares_process_fd(channel->ares, what & EV_READ ? fd : ARES_SOCKET_BAD,
                    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
    rearm(channel);
}

static void forget_socket(struct resolver_channel *channel, struct watched *watched)
{
    SLIST_REMOVE(&channel->sockets, watched, watched, next);
    if (watched->event != NULL)
        event_free(watched->event);
    free(watched);
}

static struct watched *find_socket(struct resolver_channel *channel, ares_socket_t fd)
{
    struct watched *watched;

    SLIST_FOREACH(watched, &channel->sockets, next)
    {
        if (watched->fd == fd)
            return watched;
    }
    return NULL;
}

/* Without memory the socket stays unwatched, and its query ends with the timer. */
static void watch_socket(struct resolver_channel *channel, ares_socket_t fd, short what)
{
    struct watched *watched = calloc(1, sizeof(*watched));

    if (watched == NULL)
        return;
    watched->channel = channel;
    watched->fd = fd;
    watched->event = event_new(channel->base, fd, (short)(what | EV_PERSIST), on_socket, watched);
    SLIST_INSERT_HEAD(&channel->sockets, watched, next);
    if (watched->event == NULL || event_add(watched->event, NULL) != 0)
        forget_socket(channel, watched);
}

static void on_socket_state(void *argument, ares_socket_t fd, int readable, int writable)
{
    struct resolver_channel *channel = argument;
    struct watched *watched = find_socket(channel, fd);

    if (watched != NULL)
        forget_socket(channel, watched);
    if (readable || writable)
        watch_socket(channel, fd, (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)));
}

static void set_node(struct ares_addr_port_node *node, const struct ip_endpoint *server)
{
    node->family = server->address.len == 4 ? AF_INET : AF_INET6;
    memcpy(&node->addr, server->address.bytes, server->address.len);
    node->udp_port = server->port;
    node->tcp_port = server->port;
}

static enum error set_nameservers(ares_channel ares, const struct config_endpoints *servers)
{
    struct ares_addr_port_node nodes[CONFIG_NAMESERVERS_MAX] = {0};
    size_t count = servers->count < ARRAY_LEN(nodes) ? servers->count : ARRAY_LEN(nodes);

    for (size_t i = 0; i < count; i++) {
        set_node(&nodes[i], &servers->items[i]);
        nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
    }
    if (count == 0)
        return OK;
    return ares_set_servers_ports(ares, nodes) == ARES_SUCCESS ? OK : ERR_DNS;
}

static enum error open_ares(struct resolver_channel *channel)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = QUERY_TIMEOUT_MS,
        .tries = QUERY_TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;

    return ares_init_options(&channel->ares, &options, mask) == ARES_SUCCESS ? OK : ERR_DNS;
}

enum error resolver_channel_new(struct event_base *base, const struct config *config,
                                struct resolver_channel **out)
{
    struct resolver_channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL)
        return ERR_NO_MEMORY;

    channel->base = base;
    SLIST_INIT(&channel->sockets);
    channel->timer = event_new(base, -1, 0, on_timer, channel);
    enum error error = channel->timer == NULL ? ERR_NO_MEMORY : open_ares(channel);
    if (error == OK)
        error = set_nameservers(channel->ares, &config->nameservers);
    if (error != OK) {
        resolver_channel_free(channel);
        return error;
    }
    *out = channel;
    return OK;
}

void resolver_channel_retire(struct resolver_channel *channel, struct resolver_channels *retired)
{
    channel->is_retired = true;
    LIST_INSERT_HEAD(retired, channel, in_retired);
    rearm(channel);
}

void resolver_channel_free(struct resolver_channel *channel)
{
    if (channel == NULL)
        return;
    if (channel->is_retired)
        LIST_REMOVE(channel, in_retired);
    if (channel->ares != NULL)
        ares_destroy(channel->ares);
    while (!SLIST_EMPTY(&channel->sockets))
        forget_socket(channel, SLIST_FIRST(&channel->sockets));
    if (channel->timer != NULL)
        event_free(channel->timer);
    free(channel);
}

void resolver_channel_ask(struct resolver_channel *channel, const char *name, int family,
                          ares_addrinfo_callback callback, void *argument)
{
    struct ares_addrinfo_hints hints = {
        .ai_family = family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = ARES_AI_NOSORT, /* sorting would open a socket toward each address */
    };

    channel->pending++;
    ares_getaddrinfo(channel->ares, name, NULL, &hints, callback, argument);
    rearm(channel);
}

void resolver_channel_answered(struct resolver_channel *channel)
{
    channel->pending--;
}

struct event *resolver_channel_timer(struct resolver_channel *channel,
                                     void (*callback)(evutil_socket_t fd, short what,
                                                      void *argument),
                                     void *argument)
{
    return event_new(channel->base, -1, 0, callback, argument);
}
