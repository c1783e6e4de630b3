/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The network of the command: one loopback interface to which every address belongs, and sockets
 * that catch what the proxy can serve. To be called inside the new network namespace, with its
 * privileges; a socket stays in the namespace that it was made in, whoever accepts on it. */

#include "process/messages.h"

#include <stdint.h>

enum { RUN_NETWORK_SOCKETS = 10 };

struct run_network_socket {
    int family, type;
    uint16_t port;
    enum listener_kind kind;
};
extern const struct run_network_socket run_network_sockets[RUN_NETWORK_SOCKETS];

/* Brings the interface up and makes every address local. ERR_SYSTEM with errno. */
MUST_USE enum error run_network_capture(void);
/* One of run_network_sockets. ERR_SYSTEM with errno; ERR_UNSUPPORTED: this machine has no IPv6, so
 * there is nothing to catch. */
MUST_USE enum error run_network_listen(size_t index, int *out);
