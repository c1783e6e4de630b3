/* SPDX-License-Identifier: Apache-2.0 */
/* Makes every address local and listens there. Never touches a network but the namespace's own. */
#include "process/run/run_network.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, PROXY_PORT = 3128 };

const struct run_network_socket run_network_sockets[RUN_NETWORK_SOCKETS] = {
    {AF_INET, SOCK_STREAM, 443, LISTENER_TRANSPARENT},
    {AF_INET6, SOCK_STREAM, 443, LISTENER_TRANSPARENT},
    {AF_INET, SOCK_STREAM, 80, LISTENER_TRANSPARENT},
    {AF_INET6, SOCK_STREAM, 80, LISTENER_TRANSPARENT},
    {AF_INET, SOCK_DGRAM, 53, LISTENER_DNS_UDP},
    {AF_INET6, SOCK_DGRAM, 53, LISTENER_DNS_UDP},
    {AF_INET, SOCK_STREAM, 53, LISTENER_DNS_TCP},
    {AF_INET6, SOCK_STREAM, 53, LISTENER_DNS_TCP},
    {AF_INET, SOCK_STREAM, PROXY_PORT, LISTENER_PROXY},
    {AF_INET6, SOCK_STREAM, PROXY_PORT, LISTENER_PROXY},
};

static void close_keeping_errno(int fd)
{
    int reason = errno;

    close(fd);
    errno = reason;
}

static enum error bring_up(const char *interface, unsigned *out_index)
{
    struct ifreq request = {.ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return ERR_SYSTEM;
    memcpy(request.ifr_name, interface, strlen(interface) + 1);
    bool is_up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    *out_index = if_nametoindex(interface);
    close_keeping_errno(fd);
    return is_up && *out_index != 0 ? OK : ERR_SYSTEM;
}

struct route_request {
    struct nlmsghdr header;
    struct rtmsg route;
    struct rtattr attribute;
    uint32_t interface;
};

static enum error await_answer(int fd)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr answer;
        char original[sizeof(struct route_request)];
    } reply;

    ssize_t len = recv(fd, &reply, sizeof(reply), 0);
    if (len < (ssize_t)(sizeof(reply.header) + sizeof(reply.answer)))
        return ERR_SYSTEM;
    errno = -reply.answer.error;
    return reply.header.nlmsg_type == NLMSG_ERROR && reply.answer.error == 0 ? OK : ERR_SYSTEM;
}

/* `ip route add local default dev lo` */
static enum error add_route(int fd, unsigned char family, unsigned interface)
{
    const struct route_request request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = RTM_NEWROUTE,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
        .route = {.rtm_family = family,
                  .rtm_table = RT_TABLE_LOCAL,
                  .rtm_protocol = RTPROT_BOOT,
                  .rtm_scope = RT_SCOPE_HOST,
                  .rtm_type = RTN_LOCAL},
        .attribute = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_OIF},
        .interface = interface,
    };

    if (send(fd, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
        return ERR_SYSTEM;
    return await_answer(fd);
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static enum error add_routes(int fd, unsigned interface)
{
    TRY(add_route(fd, AF_INET, interface));
    /* Where IPv6 is switched off there is no route to take, and nothing to catch. */
    if (has_ipv6() && add_route(fd, AF_INET6, interface) != OK && errno != EOPNOTSUPP &&
        errno != EACCES && errno != EINVAL)
        return ERR_SYSTEM;
    return OK;
}

enum error run_network_capture(void)
{
    unsigned interface;

    TRY(bring_up("lo", &interface));
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return ERR_SYSTEM;
    enum error error = add_routes(fd, interface);
    close_keeping_errno(fd);
    return error;
}

static bool set_flag(int fd, int level, int option)
{
    const int on = 1;

    return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/* An answer to a query must come from the address that the query went to, hence PKTINFO. */
static bool set_options(int fd, const struct run_network_socket *wanted)
{
    bool is_ipv6 = wanted->family == AF_INET6;

    if (is_ipv6 && !set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY))
        return false;
    if (wanted->type == SOCK_STREAM)
        return set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    return is_ipv6 ? set_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO)
                   : set_flag(fd, IPPROTO_IP, IP_PKTINFO);
}

static bool bind_and_listen(int fd, const struct run_network_socket *wanted)
{
    const struct ip_endpoint endpoint = {.address.len = wanted->family == AF_INET6 ? 16 : 4,
                                         .port = wanted->port};
    struct sockaddr_storage address;
    socklen_t len = ip_endpoint_to_sockaddr(&endpoint, &address);

    return set_options(fd, wanted) && bind(fd, (struct sockaddr *)&address, len) == 0 &&
           (wanted->type != SOCK_STREAM || listen(fd, BACKLOG) == 0);
}

enum error run_network_listen(size_t index, int *out)
{
    const struct run_network_socket *wanted = &run_network_sockets[index];
    int fd = socket(wanted->family, wanted->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return wanted->family == AF_INET6 ? ERR_UNSUPPORTED : ERR_SYSTEM;
    if (bind_and_listen(fd, wanted)) {
        *out = fd;
        return OK;
    }
    close_keeping_errno(fd);
    return wanted->family == AF_INET6 && errno == EADDRNOTAVAIL ? ERR_UNSUPPORTED : ERR_SYSTEM;
}
