/* SPDX-License-Identifier: Apache-2.0 */
/* The gate as a whole: what it owns and how it ends. Never answers anything itself. */
#include "proxy/dns_gate/dns_gate_state.h"

#include <stdlib.h>
#include <unistd.h>

/* Made when it is first needed. NULL: out of memory. */
static struct dns_gate *dns_gate_of(struct proxy *proxy)
{
    struct dns_gate *gate = proxy->dns_gate;

    if (gate != NULL)
        return gate;
    gate = calloc(1, sizeof(*gate));
    if (gate == NULL)
        return NULL;
    gate->proxy = proxy;
    TAILQ_INIT(&gate->sockets);
    TAILQ_INIT(&gate->streams);
    TAILQ_INIT(&gate->queries);
    proxy->dns_gate = gate;
    return gate;
}

enum error dns_gate_listen(struct proxy *proxy, int fd, struct slice sandbox_id)
{
    struct dns_gate *gate = dns_gate_of(proxy);

    if (gate == NULL) {
        close(fd);
        return ERR_NO_MEMORY;
    }
    return dns_gate_udp_open(gate, fd, sandbox_id);
}

void dns_gate_accept(const struct listener *listener, int fd, const struct ip_endpoint *client)
{
    struct dns_gate *gate = dns_gate_of(listener->proxy);

    if (gate == NULL)
        close(fd);
    else
        dns_gate_tcp_open(gate, fd, listener, client);
}

void dns_gate_free(struct dns_gate *gate)
{
    if (gate == NULL)
        return;
    gate->proxy->dns_gate = NULL;
    dns_gate_query_forget(gate, NULL);
    while (!TAILQ_EMPTY(&gate->streams))
        dns_gate_tcp_close(TAILQ_FIRST(&gate->streams));
    while (!TAILQ_EMPTY(&gate->sockets))
        dns_gate_udp_close(TAILQ_FIRST(&gate->sockets));
    free(gate);
}
