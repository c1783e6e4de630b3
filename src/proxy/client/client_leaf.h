/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The leaf for a host: from the cache, or minted by the keyholder, once for all who wait for it. */

#include "proxy/ticket.h"

enum client_leaf_state { CLIENT_LEAF_READY, CLIENT_LEAF_ASKED, CLIENT_LEAF_FAILED };

/* `*out` is borrowed, until control returns to the event loop. While CLIENT_LEAF_ASKED, `waiter`
 * (may be NULL) waits. A failure is told once; the next call asks again. */
enum client_leaf_state client_leaf_get(struct proxy *proxy, const struct host_name *host,
                                       struct waiter *waiter, X509 **out);
/* The keyholder's answer. */
void client_leaf_on_minted(struct proxy *proxy, uint64_t ticket, enum error error, X509 *leaf);
void client_leaf_free_all(struct proxy *proxy);
