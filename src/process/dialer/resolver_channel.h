/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One c-ares channel on one event loop. Only resolver*.c include this. */

#include "process/config/config.h"

#include <ares.h>
#include <event2/util.h>
#include <sys/queue.h>

struct event;
struct event_base;
struct resolver_channel;
LIST_HEAD(resolver_channels, resolver_channel);

MUST_USE enum error resolver_channel_new(struct event_base *base, const struct config *config,
                                         struct resolver_channel **out);
/* Lets what is under way end, then frees it from the event loop. Until then it is on the list. */
void resolver_channel_retire(struct resolver_channel *channel, struct resolver_channels *retired);
/* Now: what is under way is answered with ARES_EDESTRUCTION. NULL is fine. Not from within a
 * callback. */
void resolver_channel_free(struct resolver_channel *channel);
/* The callback comes once, maybe before this returns. */
void resolver_channel_ask(struct resolver_channel *channel, const char *name, int family,
                          ares_addrinfo_callback callback, void *argument);
/* To be called from each callback. */
void resolver_channel_answered(struct resolver_channel *channel);
/* A timer on the same event loop; NULL when out of memory. */
struct event *resolver_channel_timer(struct resolver_channel *channel,
                                     void (*callback)(evutil_socket_t fd, short what,
                                                      void *argument),
                                     void *argument);
