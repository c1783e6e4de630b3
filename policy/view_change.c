/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two views say the same about one host. Never takes a secret that was set again for the
 * one before: its sealed value is another. */
#include "policy/view_change.h"

struct comparison {
    const struct authority *target;
    struct decision_settings settings;
};

/* One that may not go there changes nothing for this host. */
static bool may_go(const struct comparison *comparison, const struct view *view,
                   const struct view_secret *secret)
{
    return decision_for_secret(view, secret, comparison->target, comparison->settings).verdict ==
           VERDICT_ALLOW;
}

/* Places and hosts are sealed with the value. */
static bool is_same_secret(const struct view_secret *a, const struct view_secret *b)
{
    return slice_equals(a->name, b->name) && slice_equals(a->box, b->box) && a->redact == b->redact;
}

/* Every secret of `these` that may go there is one of `those`. */
static bool has_secrets(const struct comparison *comparison, const struct view *these,
                        const struct view *those)
{
    for (size_t i = 0, j = 0; i < these->secret_count; i++) {
        const struct view_secret *secret = &these->secrets[i];

        while (j < those->secret_count && slice_compare(those->secrets[j].name, secret->name) < 0)
            j++;
        bool is_there = j < those->secret_count && is_same_secret(secret, &those->secrets[j]);
        if (!is_there && may_go(comparison, these, secret))
            return false;
    }
    return true;
}

static bool has_tokens(const struct comparison *comparison, const struct view *these,
                       const struct view *those)
{
    for (size_t i = 0; i < these->token_count; i++) {
        const struct view_secret *secret = &these->secrets[these->tokens[i].secret];
        const struct view_secret *other = view_find_token(those, &these->tokens[i].token);

        bool is_there = other != NULL && slice_equals(secret->name, other->name);
        if (!is_there && may_go(comparison, these, secret))
            return false;
    }
    return true;
}

static bool covers(const struct comparison *comparison, const struct view *these,
                   const struct view *those)
{
    return has_secrets(comparison, these, those) && has_tokens(comparison, these, those);
}

enum refusal_code view_change_ends(const struct view *before, const struct view *after,
                                   const struct authority *target,
                                   struct decision_settings settings)
{
    const struct comparison comparison = {target, settings};

    struct decision decision = decision_for_identity(after);
    if (decision.verdict == VERDICT_ALLOW)
        decision = decision_for_host(after, target, settings);
    if (decision.verdict != VERDICT_ALLOW)
        return decision.code;
    bool is_same = covers(&comparison, before, after) && covers(&comparison, after, before);
    return is_same ? REFUSAL_NONE : REFUSAL_SECRET_HOST_NOT_ALLOWED;
}
