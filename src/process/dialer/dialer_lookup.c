/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups for the DNS gate of a worker. Never asks a nameserver for a worker's word alone: the
 * view that it presented, which control authenticated, must allow the name. */
#include "policy/policy.h"
#include "process/dialer/dialer_state.h"

#include <stdlib.h>

static void answer(struct dialer_client *client, uint64_t ticket,
                   const struct lookup_outcome *outcome)
{
    struct message message = {.type = MESSAGE_LOOKED_UP,
                              .looked_up = {.ticket = ticket,
                                            .code = outcome->code,
                                            .exists = outcome->exists,
                                            .ttl_s = outcome->ttl_s}};

    message.looked_up.addresses.count = outcome->count;
    memcpy(message.looked_up.addresses.items, outcome->addresses,
           outcome->count * sizeof(outcome->addresses[0]));
    peer_post(&client->peer, &message);
}

static void on_done(void *context, const struct lookup_outcome *outcome)
{
    struct dialer_request *request = context;

    answer(request->client, request->ticket, outcome);
    dialer_end_request(request);
}

static enum refusal_code decide(const struct dialer *dialer, const struct view *view,
                                const struct host_name *host)
{
    struct decision decision = decision_for_identity(view);

    if (host_name_is_literal(host))
        return REFUSAL_HOST_NOT_ALLOWED;
    if (decision.verdict == VERDICT_ALLOW)
        decision = decision_for_name(view, host, dialer_settings(dialer));
    return decision.verdict == VERDICT_ALLOW ? REFUSAL_NONE : decision.code;
}

/* Takes the quota when it succeeds. */
static enum error start_request(struct dialer_client *client, struct dialer_quota *quota,
                                const struct view *view, const struct message_lookup *message)
{
    const struct lookup_question question = {
        .host = message->host,
        .wants_ipv6 = message->wants_ipv6,
        .is_private_target = decision_for_private(view, &message->host).verdict == VERDICT_ALLOW};
    struct dialer_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return ERR_NO_MEMORY;

    dialer_follow_interfaces(client->dialer);
    *request = (struct dialer_request){.client = client, .quota = quota, .ticket = message->ticket};
    enum error error =
        lookup_start(&client->dialer->means, &question, on_done, request, &request->lookup);
    if (error != OK) {
        free(request);
        return error;
    }
    LIST_INSERT_HEAD(&client->requests, request, next);
    return OK;
}

/* REFUSAL_NONE: the answer comes with on_done(). */
static enum refusal_code start_lookup(struct dialer_client *client, const struct view *view,
                                      const struct message_lookup *message)
{
    struct dialer *dialer = client->dialer;
    struct dialer_quota *quota = NULL;

    if (dialer->means.resolver == NULL)
        return REFUSAL_OVERLOADED; /* not begun yet */
    enum refusal_code code = decide(dialer, view, &message->host);
    if (code != REFUSAL_NONE)
        return code;
    enum error error = dialer_quota_take(&dialer->quotas, view->sandbox_id, &quota);
    if (error != OK)
        return error == ERR_TOO_LARGE ? REFUSAL_LIMIT_EXCEEDED : REFUSAL_OVERLOADED;
    if (start_request(client, quota, view, message) == OK)
        return REFUSAL_NONE;
    dialer_quota_give_back(&dialer->quotas, quota);
    return REFUSAL_OVERLOADED;
}

void dialer_lookup_on_message(struct peer *peer, struct message *message)
{
    struct dialer_client *client = peer->context;
    const struct message_lookup *lookup = &message->lookup;
    const struct view *view = dialer_view(client, lookup->handle, lookup->ticket);

    if (view == NULL)
        return;
    struct lookup_outcome outcome = {.code = start_lookup(client, view, lookup)};
    if (outcome.code != REFUSAL_NONE)
        answer(client, lookup->ticket, &outcome);
}
