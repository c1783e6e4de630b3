/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The DNS gate of one worker: answers addresses of the names that the asking sandbox may reach,
 * over UDP and TCP. A name that it may not reach never leaves the machine as a question. */

#include "proxy/client/listener.h"

struct dns_gate;

/* Answers what arrives on a UDP socket, whatever address it was sent to. Takes `fd`, also on
 * failure. `sandbox_id` as in proxy_listen(). */
MUST_USE enum error dns_gate_listen(struct proxy *proxy, int fd, struct slice sandbox_id);
/* A TCP connection through a PROXY_DNS_TCP listener. Takes `fd`. */
void dns_gate_accept(const struct listener *listener, int fd, const struct ip_endpoint *client);
/* The dialer's answer. */
void dns_gate_on_looked_up(struct proxy *proxy, uint64_t ticket,
                           const struct proxy_looked_up *answer);
/* Closes all sockets; what is being looked up stays unanswered. NULL is fine. */
void dns_gate_free(struct dns_gate *gate);
