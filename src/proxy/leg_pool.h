/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the legs of a worker share: the memory they read into, and the right to keep the buffers
 * that TLS reads and writes records in. The few legs that were used last keep theirs, 17 KiB each
 * way; all others have none while they are idle. */

#include "base/compiler.h"
#include "base/error.h"

#include <stddef.h>
#include <sys/queue.h>

enum {
    LEG_READ_SIZE = 64 * 1024, /* the shared memory that one read may fill */
    LEG_POOL_HOLDERS_MAX = 32,
};

struct leg;

TAILQ_HEAD(leg_list, leg);

struct leg_pool {
    char *scratch;           /* LEG_READ_SIZE bytes */
    struct leg_list holders; /* the one used last comes first */
    size_t holder_count;
};

MUST_USE enum error leg_pool_open(struct leg_pool *pool);
/* After the last leg was closed. */
void leg_pool_close(struct leg_pool *pool);
/* TLS on this leg has read or written: it may keep its buffers, at the cost of another. */
void leg_pool_hold(struct leg *leg);
/* The leg closes, and its buffers go with it. */
void leg_pool_forget(struct leg *leg);
