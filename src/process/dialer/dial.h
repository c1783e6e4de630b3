/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One dial: resolve a name, choose among its addresses, connect; or, with upstream.proxy, ask that
 * for a connection to the name. Whether the sandbox may reach the
 * name was decided before (dialer.c). */

#include "process/dialer/dialer_guard.h"
#include "process/dialer/proxy_credentials.h"
#include "process/dialer/resolver.h"

struct event_base;
struct dial;

/* What every dial of the process works with. */
struct dial_means {
    struct event_base *base;
    const struct config *config;
    struct resolver *resolver;
    struct dialer_guard guard;
    struct proxy_credentials *credentials; /* for upstream.proxy; NULL: none */
};

enum dial_kind {
    DIAL_CONNECT,
    DIAL_RESOLVE_ONLY, /* for `explain`: the same answer without a connection */
};

struct dial_question {
    struct authority target;
    enum dial_kind kind;
    bool is_private_target; /* a store of the sandbox names the host in privateHosts */
};

enum { DIAL_DETAIL_MAX = 512 };

struct dial_outcome {
    enum refusal_code code;
    struct ip_endpoint endpoint;  /* the one connected, or that would be, maybe the upstream
                                   * proxy's; port 0: none */
    bool is_proxied;              /* `endpoint` is that proxy's */
    int fd;                       /* connected, or -1 */
    char detail[DIAL_DETAIL_MAX]; /* why not, as a sentence for the client; "" when allowed */
};

/* `means` outlives the dial. `done` is called once, from the event loop, never before this returns,
 * within connect_timeout; it owns the descriptor and must free the dial. */
MUST_USE enum error dial_start(struct dial_means *means, const struct dial_question *question,
                               void (*done)(void *context, const struct dial_outcome *outcome),
                               void *context, struct dial **out);
/* Gives up what is under way. NULL is fine. */
void dial_free(struct dial *dial);
DEFINE_OWNED_STRUCT(dial, dial_free)
