/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A listening socket of one worker: explicit, where clients send CONNECT or an absolute URL, or
 * transparent, where they believe they talk to the origin; or for DNS over TCP. */

#include "proxy/sandbox.h"

struct listener {
    struct proxy *proxy;
    int fd;
    enum proxy_listener_kind kind;
    char sandbox_id[SANDBOX_ID_MAX]; /* of the one sandbox that it was made for */
    size_t sandbox_id_len;           /* 0: for all */
    struct event *acceptable;
    struct deadline pause;
};

/* Takes `fd`. NULL when out of memory, or the id is too long (the descriptor is closed). */
struct listener *listener_new(struct proxy *proxy, int fd, enum proxy_listener_kind kind,
                              struct slice sandbox_id);
void listener_free(struct listener *listener);
