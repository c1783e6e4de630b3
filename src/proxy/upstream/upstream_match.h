/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which of a sandbox's connections to origins an exchange may have. */

#include "proxy/upstream/upstream.h"

/* Same target, same protection, same rules, and good for this use: open, or meant for it. */
bool upstream_match_fits(const struct upstream *upstream, const struct upstream_wish *wish,
                         enum upstream_use use);
/* Whether one more can have it. One on its way can serve all who wait for it, unless it is known to
 * speak HTTP/1: then it is for the first of them. */
bool upstream_match_is_usable(const struct upstream *upstream);
/* What came after its last response, if only the origin's goodbye, makes it unusable: the next
 * exchange must not take it for its own answer. */
bool upstream_match_is_stale(struct upstream *upstream);
/* Whether it is what would be made now: the same way to the same origin, and the same TLS. */
bool upstream_match_is_current(const struct upstream *upstream);
/* It speaks HTTP/2, and announces that a WebSocket may be a stream of it (RFC 8441, 3). */
bool upstream_match_takes_websockets(const struct upstream *upstream);
/* Whether the sandbox's present view names the target as a private host. */
bool upstream_match_is_named_private(const struct upstream *upstream);
