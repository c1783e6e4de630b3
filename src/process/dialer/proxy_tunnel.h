/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Asks the proxy of upstream.proxy for a tunnel, on a socket that is connected to it. The deadline
 * is the caller's. */

#include "process/dialer/proxy_answer.h"

struct event_base;
struct proxy_tunnel;

struct proxy_tunnel_outcome {
    enum proxy_verdict verdict; /* never PROXY_AWAITS_MORE */
    uint16_t status;            /* with PROXY_REFUSED */
    int system_error;           /* not 0: the connection broke; ECONNRESET when it was closed */
    int fd;                     /* with PROXY_CONNECTED: a socket to the target; else -1 */
};

struct proxy_tunnel_request {
    struct event_base *base; /* borrowed */
    const struct authority *target;
    const struct proxy_credentials *credentials; /* NULL: none */
    /* Called once, from the event loop, never before the start returns; it owns the descriptor and
     * must free the tunnel. */
    void (*done)(void *context, const struct proxy_tunnel_outcome *outcome);
    void *context;
};

/* Takes the descriptor, also on failure. What it needs of the request it copies. */
MUST_USE enum error proxy_tunnel_start(int fd, const struct proxy_tunnel_request *request,
                                       struct proxy_tunnel **out);
/* Gives up what is under way, and wipes. NULL is fine. */
void proxy_tunnel_free(struct proxy_tunnel *tunnel);
DEFINE_OWNED_STRUCT(proxy_tunnel, proxy_tunnel_free)
