/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection is good for which exchange. Never lets one pass that was made for another target
 * or under other rules. */
#include "proxy/upstream/upstream_match.h"

#include "proxy/upstream/upstream_tls.h"

bool upstream_match_takes_websockets(const struct upstream *upstream)
{
    return upstream->speaks_h2 && !upstream->h2.is_over &&
           h2_session_peer_allows_websocket(upstream->h2.session);
}

bool upstream_match_is_named_private(const struct upstream *upstream)
{
    const struct view *view = upstream->sandbox->view;

    return decision_for_private(view, &upstream->target.host).verdict == VERDICT_ALLOW;
}

bool upstream_match_is_current(const struct upstream *upstream)
{
    return upstream->route_tag == upstream->sandbox->proxy->settings.route_tag &&
           upstream_tls_is_current(upstream);
}

/* What is not open yet, or never will be, is only for what it was meant for. */
static bool is_good_for(const struct upstream *upstream, enum upstream_use use)
{
    if (upstream->state != UPSTREAM_OPEN)
        return upstream->use == use || !upstream->is_tls; /* without TLS there is no choice */
    return use == UPSTREAM_FOR_ANY ||
           (use == UPSTREAM_FOR_UPGRADE ? !upstream->speaks_h2
                                        : upstream_match_takes_websockets(upstream));
}

bool upstream_match_fits(const struct upstream *upstream, const struct upstream_wish *wish,
                         enum upstream_use use)
{
    return upstream->is_tls == wish->is_tls && authority_equals(&upstream->target, &wish->target) &&
           is_good_for(upstream, use) && !(wish->fresh_only && upstream->exchanges > 0) &&
           upstream_match_is_current(upstream) &&
           upstream->is_private ==
               upstream_match_is_named_private(upstream); /* else it was judged otherwise */
}

static bool has_room(const struct upstream *upstream)
{
    return !upstream->speaks_h2 || h2_session_stream_room(upstream->h2.session) > 0;
}

bool upstream_match_is_usable(const struct upstream *upstream)
{
    if (upstream->state == UPSTREAM_OPEN)
        return has_room(upstream);
    return upstream->state == UPSTREAM_FAILED || waitlist_is_empty(&upstream->waiting) ||
           !(upstream->use == UPSTREAM_FOR_UPGRADE ||
             sandbox_knows_h1(upstream->sandbox, &upstream->target));
}

bool upstream_match_is_stale(struct upstream *upstream)
{
    return upstream->state == UPSTREAM_OPEN && !upstream->speaks_h2 && upstream->exchanges > 0 &&
           !leg_is_quiet(&upstream->leg);
}
