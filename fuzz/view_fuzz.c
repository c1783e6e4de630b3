/* SPDX-License-Identifier: Apache-2.0 */
/* Any input either is no view, or encodes back into the same bytes; and what it holds can be found
 * and decided upon. */
#include "base/buffer.h"
#include "policy/policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

static void check_encodes_back(const struct view *view, struct slice encoded)
{
    struct buffer again;

    buffer_init(&again, VIEW_ENCODED_MAX);
    must(view_encode(view, &again) == OK);
    must(slice_equals(buffer_view(&again), encoded));
    buffer_clear(&again);
}

static void check_tokens(const struct view *view)
{
    for (size_t i = 0; i < view->token_count; i++) {
        const struct view_token *token = &view->tokens[i];
        must(view_find_token(view, &token->token) == &view->secrets[token->secret]);
    }
}

/* A secret never goes where its sandbox may not, nor where TLS is not opened. */
static void check_secrets(const struct view *view, const struct authority *target)
{
    struct decision_settings settings = {0};
    struct decision host = decision_for_host(view, target, settings);
    struct decision passthrough = decision_for_passthrough(view, target, settings);

    must(passthrough.verdict == VERDICT_DENY || host.verdict == VERDICT_ALLOW);
    for (size_t i = 0; i < view->secret_count; i++) {
        const struct view_secret *secret = &view->secrets[i];
        must(view_find_secret(view, secret->name) == secret);
        struct decision decision = decision_for_secret(view, secret, target, settings);
        must(decision.verdict == VERDICT_DENY || host.verdict == VERDICT_ALLOW);
        must(decision.verdict == VERDICT_DENY || passthrough.verdict == VERDICT_DENY);
        must((decision.verdict == VERDICT_ALLOW) == (decision.code == REFUSAL_NONE));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice encoded = slice_of(data, size);
    OWNED_STRUCT(view) *view = NULL;
    struct authority target;

    if (view_decode(encoded, &view) != OK)
        return 0;
    check_encodes_back(view, encoded);
    check_tokens(view);
    must(authority_parse(SLICE("a.test"), 443, &target) == OK);
    check_secrets(view, &target);
    return 0;
}
