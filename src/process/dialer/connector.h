/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Connects to the first of some endpoints that answers: one attempt every 250 ms, earlier when one
 * has failed (RFC 8305, section 5). The deadline is the caller's. */

#include "base/ip_address.h"

struct event_base;
struct connector;

enum { CONNECTOR_ENDPOINTS_MAX = 16 };

struct connector_outcome {
    int fd;                      /* connected, non-blocking, close-on-exec, TCP_NODELAY; or -1 */
    struct ip_endpoint endpoint; /* who answered, or who failed last */
    int system_error;            /* of the last failure, when fd is -1 */
};

/* `count` from 1 to CONNECTOR_ENDPOINTS_MAX; the endpoints are copied. `done` is called once, from
 * the event loop, never before this returns; it owns the descriptor and must free the connector. */
MUST_USE enum error
connector_start(struct event_base *base, const struct ip_endpoint *endpoints, size_t count,
                void (*done)(void *context, const struct connector_outcome *outcome), void *context,
                struct connector **out);
/* Gives up what is under way. NULL is fine. */
void connector_free(struct connector *connector);
DEFINE_OWNED_STRUCT(connector, connector_free)
