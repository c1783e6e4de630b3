/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, with its reason. Never allows by default: every way to VERDICT_ALLOW is spelled
 * out. */
#include "policy/decision.h"

static struct decision deny(enum refusal_code code)
{
    return (struct decision){.verdict = VERDICT_DENY, .code = code};
}

static struct decision allow(void)
{
    return (struct decision){.verdict = VERDICT_ALLOW, .code = REFUSAL_NONE};
}

struct decision decision_for_identity(const struct view *view)
{
    switch (view->status) {
    case VIEW_RUNNING:
        return allow();
    case VIEW_SUSPENDED:
        return deny(REFUSAL_SANDBOX_SUSPENDED);
    case VIEW_EXPIRED:
        return deny(REFUSAL_SANDBOX_EXPIRED);
    }
    return deny(REFUSAL_IDENTITY_INVALID);
}

static const struct host_list *allowlist_of(const struct view_layer *layer)
{
    return layer->allowlist;
}

static const struct host_list *passthrough_of(const struct view_layer *layer)
{
    return layer->passthrough;
}

static const struct host_list *private_hosts_of(const struct view_layer *layer)
{
    return layer->private_hosts;
}

/* The earliest layer that has the pattern in this list of its. */
static struct slice store_of_pattern(const struct view *view,
                                     const struct host_list *(*list_of)(const struct view_layer *),
                                     struct slice pattern)
{
    for (size_t i = 0; i < view->layer_count; i++)
        if (host_list_contains(list_of(&view->layers[i]), pattern))
            return view->layers[i].store_name;
    return SLICE_NONE;
}

/* An empty list: no restriction but the two ports of the web, unless the operator turned it
 * round. */
static struct decision decide_unlisted(const struct authority *target,
                                       struct decision_settings settings)
{
    if (settings.default_deny || !host_pattern_port_matches(HOST_PATTERN_PORT_WEB, target->port))
        return deny(REFUSAL_HOST_NOT_ALLOWED);
    return allow();
}

struct decision decision_for_host(const struct view *view, const struct authority *target,
                                  struct decision_settings settings)
{
    struct decision decision = allow();

    if (view->reaches_nothing || view->egress == NULL)
        return deny(REFUSAL_HOST_NOT_ALLOWED);
    if (host_list_count(view->egress) == 0)
        return decide_unlisted(target, settings);
    if (!host_list_matches(view->egress, target, &decision.pattern))
        return deny(REFUSAL_HOST_NOT_ALLOWED);
    decision.store = store_of_pattern(view, allowlist_of, decision.pattern);
    return decision;
}

struct decision decision_for_name(const struct view *view, const struct host_name *host,
                                  struct decision_settings settings)
{
    struct decision decision = allow();

    if (view->reaches_nothing || view->egress == NULL)
        return deny(REFUSAL_HOST_NOT_ALLOWED);
    if (host_list_count(view->egress) == 0)
        return settings.default_deny ? deny(REFUSAL_HOST_NOT_ALLOWED) : allow();
    if (!host_list_matches_host(view->egress, host, &decision.pattern))
        return deny(REFUSAL_HOST_NOT_ALLOWED);
    decision.store = store_of_pattern(view, allowlist_of, decision.pattern);
    return decision;
}

/* The secret's own list, for a target that the sandbox may reach: `decision` says by which rule. */
static struct decision decide_secret(const struct view_secret *secret,
                                     const struct authority *target,
                                     struct decision_settings settings, struct decision decision)
{
    if (host_list_count(secret->hosts) == 0)
        return settings.default_deny ? deny(REFUSAL_SECRET_HOST_NOT_ALLOWED) : decision;
    if (!host_list_matches(secret->hosts, target, &decision.pattern))
        return deny(REFUSAL_SECRET_HOST_NOT_ALLOWED);
    return decision;
}

struct decision decision_for_passthrough(const struct view *view, const struct authority *target,
                                         struct decision_settings settings)
{
    struct decision decision = decision_for_host(view, target, settings);

    if (decision.verdict != VERDICT_ALLOW)
        return decision;
    if (!host_list_matches(view->passthrough, target, &decision.pattern))
        return deny(REFUSAL_NONE);
    decision.store = store_of_pattern(view, passthrough_of, decision.pattern);
    return decision;
}

struct decision decision_for_private(const struct view *view, const struct host_name *host)
{
    struct decision decision = allow();

    if (!host_list_matches_host(view->private_hosts, host, &decision.pattern))
        return deny(REFUSAL_ADDRESS_NOT_ALLOWED);
    decision.store = store_of_pattern(view, private_hosts_of, decision.pattern);
    return decision;
}

struct decision decision_for_secret(const struct view *view, const struct view_secret *secret,
                                    const struct authority *target,
                                    struct decision_settings settings)
{
    struct decision decision = decision_for_host(view, target, settings);

    if (decision.verdict == VERDICT_ALLOW && host_list_matches(view->passthrough, target, NULL))
        decision = deny(REFUSAL_SECRET_HOST_NOT_ALLOWED);
    if (decision.verdict == VERDICT_ALLOW)
        decision = decide_secret(secret, target, settings, decision);
    decision.secret = secret->name;
    decision.store = view->layers[secret->layer].store_name;
    return decision;
}
