/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's datagrams. Never answers from another address than the one that was asked, which a
 * client would not believe. */
#include "proxy/dns_gate/dns_gate_state.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATAGRAMS_PER_EVENT = 64, CONTROL_MAX = CMSG_SPACE(sizeof(struct in6_pktinfo)) };

struct dns_gate_socket {
    TAILQ_ENTRY(dns_gate_socket) link;
    struct dns_gate *gate; /* borrowed: the owner */
    int fd;
    struct event *readable;
    char sandbox_id[SANDBOX_ID_MAX];
    size_t sandbox_id_len;
};

union control {
    char bytes[CONTROL_MAX];
    struct cmsghdr align;
};

/* Where queries to any server arrive, their addresses are local by a route alone: as sources of
 * answers IPv4 takes them so, IPv6 wants to be told. */
static bool ask_for_destinations(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    const int on = 1;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return false;
    if (address.ss_family == AF_INET)
        return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0;
    return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)) == 0 &&
           setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) == 0;
}

static void note_ipv4(const struct cmsghdr *header, struct dns_gate_route *route)
{
    struct in_pktinfo info;

    memcpy(&info, CMSG_DATA(header), sizeof(info));
    route->asked.len = 4;
    memcpy(route->asked.bytes, &info.ipi_addr, 4);
}

/* A link-local address means something on its own interface alone. */
static void note_ipv6(const struct cmsghdr *header, struct dns_gate_route *route)
{
    struct in6_pktinfo info;

    memcpy(&info, CMSG_DATA(header), sizeof(info));
    route->asked.len = 16;
    memcpy(route->asked.bytes, &info.ipi6_addr, 16);
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
        route->interface = info.ipi6_ifindex;
}

static void note_destination(struct msghdr *message, struct dns_gate_route *route)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO)
            note_ipv4(header, route);
        else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO)
            note_ipv6(header, route);
    }
}

/* False: there is none. `*len` 0: one that is of no use. */
static bool receive(struct dns_gate_socket *socket, struct dns_gate_route *route, size_t *len)
{
    struct dns_gate *gate = socket->gate;
    union control control;
    struct iovec data = {gate->datagram, sizeof(gate->datagram)};
    struct msghdr message = {.msg_name = &route->client,
                             .msg_namelen = sizeof(route->client),
                             .msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t received = recvmsg(socket->fd, &message, MSG_DONTWAIT);

    if (received < 0)
        return false;
    route->client_len = message.msg_namelen;
    note_destination(&message, route);
    bool is_usable = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 && route->asked.len != 0 &&
                     ip_endpoint_from_sockaddr((struct sockaddr *)&route->client, &route->source);
    *len = is_usable ? (size_t)received : 0;
    return true;
}

static void on_readable(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    struct dns_gate_socket *socket = argument;

    for (int i = 0; i < DATAGRAMS_PER_EVENT; i++) {
        struct dns_gate_route route = {.socket = socket,
                                       .listener_sandbox =
                                           slice_of(socket->sandbox_id, socket->sandbox_id_len)};
        size_t len = 0;

        if (!receive(socket, &route, &len))
            return;
        dns_gate_query_start(socket->gate, &route, slice_of(socket->gate->datagram, len));
    }
}

static size_t write_source_ipv4(const struct dns_gate_route *route, struct cmsghdr *header)
{
    struct in_pktinfo info = {0};

    memcpy(&info.ipi_spec_dst, route->asked.bytes, 4);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(header), &info, sizeof(info));
    return CMSG_SPACE(sizeof(info));
}

static size_t write_source_ipv6(const struct dns_gate_route *route, struct cmsghdr *header)
{
    struct in6_pktinfo info = {.ipi6_ifindex = route->interface};

    memcpy(&info.ipi6_addr, route->asked.bytes, 16);
    header->cmsg_level = IPPROTO_IPV6;
    header->cmsg_type = IPV6_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(header), &info, sizeof(info));
    return CMSG_SPACE(sizeof(info));
}

/* What the socket does not take now is lost, as datagrams are: the client asks again. */
void dns_gate_udp_send(const struct dns_gate_route *route, struct slice message)
{
    union control control = {{0}};
    struct sockaddr_storage client = route->client;
    struct iovec data = {(char *)(uintptr_t)message.data, message.len};
    struct msghdr out = {.msg_name = &client,
                         .msg_namelen = route->client_len,
                         .msg_iov = &data,
                         .msg_iovlen = 1,
                         .msg_control = &control};

    out.msg_controllen = route->asked.len == 4 ? write_source_ipv4(route, &control.align)
                                               : write_source_ipv6(route, &control.align);
    (void)sendmsg(route->socket->fd, &out, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static enum error begin_reading(struct dns_gate_socket *socket)
{
    struct event_base *base = socket->gate->proxy->base;

    if (!ask_for_destinations(socket->fd))
        return ERR_SYSTEM;
    socket->readable = event_new(base, socket->fd, EV_READ | EV_PERSIST, on_readable, socket);
    return socket->readable != NULL && event_add(socket->readable, NULL) == 0 ? OK : ERR_NO_MEMORY;
}

enum error dns_gate_udp_open(struct dns_gate *gate, int fd, struct slice sandbox_id)
{
    struct dns_gate_socket *socket = calloc(1, sizeof(*socket));

    if (socket == NULL || sandbox_id.len > SANDBOX_ID_MAX) {
        enum error why = socket == NULL ? ERR_NO_MEMORY : ERR_TOO_LARGE;

        free(socket);
        close(fd);
        return why;
    }
    *socket = (struct dns_gate_socket){.gate = gate, .fd = fd, .sandbox_id_len = sandbox_id.len};
    if (sandbox_id.len > 0)
        memcpy(socket->sandbox_id, sandbox_id.data, sandbox_id.len);
    TAILQ_INSERT_TAIL(&gate->sockets, socket, link);
    enum error error = begin_reading(socket);
    if (error != OK)
        dns_gate_udp_close(socket);
    return error;
}

void dns_gate_udp_close(struct dns_gate_socket *socket)
{
    TAILQ_REMOVE(&socket->gate->sockets, socket, link);
    if (socket->readable != NULL)
        event_free(socket->readable);
    close(socket->fd);
    free(socket);
}
