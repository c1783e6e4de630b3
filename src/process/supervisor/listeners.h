/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The sockets that sealgate listens on. The supervisor binds them once and keeps them, so that what
 * waits in the queue of a dead process is still there for the next one. */

#include "process/config/config.h"
#include "process/messages.h"

struct listener {
    enum listener_kind kind;
    struct ip_endpoint address; /* with the port that was bound; empty for the control socket */
    unsigned worker;            /* whose it is: one socket per worker and address */
    int fd;
    struct slice sandbox_id; /* made for that sandbox alone; empty: any; borrowed */
};

enum { LISTENERS_TEXT_MAX = IP_ADDRESS_TEXT_MAX + 8 };

struct listeners {
    struct listener *items;
    size_t count;
};

/* Port 0 takes a free one, the same for all workers. ERR_SYSTEM: it has logged which and why. */
MUST_USE enum error listeners_open(const struct config *config, unsigned worker_count,
                                   struct listeners *out);
/* DATA_DIR/control.sock, for this uid and root. `folder` is DATA_DIR. */
MUST_USE enum error listeners_open_control_socket(int folder, struct listeners *listeners);
/* Takes the descriptor, also on failure. ERR_NO_MEMORY. */
MUST_USE enum error listeners_add(struct listeners *listeners, struct listener listener);
void listeners_close(struct listeners *listeners);
/* The first of a kind, or NULL. */
const struct listener *listeners_first(const struct listeners *listeners, enum listener_kind kind);
/* "127.0.0.1:3128", "[::1]:3128"; NUL-terminated. */
struct slice listeners_format(const struct ip_endpoint *endpoint, char text[LISTENERS_TEXT_MAX]);
