/* SPDX-License-Identifier: Apache-2.0 */
/* The address before redirection. Never taken from what the client says. */
#include "proxy/client/original_destination.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* <linux/netfilter_ipv4.h> and <linux/netfilter_ipv6/ip6_tables.h> clash with the libc's headers.
 */
enum { ORIGINAL_DESTINATION = 80 };

static bool ask_tracking(int fd, int level, struct ip_endpoint *out)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    return getsockopt(fd, level, ORIGINAL_DESTINATION, &address, &len) == 0 &&
           ip_endpoint_from_sockaddr((struct sockaddr *)&address, out);
}

bool original_destination(int fd, struct ip_endpoint *out)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        !ip_endpoint_from_sockaddr((struct sockaddr *)&address, out))
        return false;
    ask_tracking(fd, out->address.len == 4 ? SOL_IP : SOL_IPV6, out);
    return out->port != 0;
}
