/* SPDX-License-Identifier: Apache-2.0 */
/* One look-up from name to addresses. Never tells an address that would not be dialled. */
#include "process/dialer/lookup.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>

enum { CONFIGURED_TTL_S = 10 };

struct lookup {
    const struct dial_means *means; /* borrowed */
    void (*done)(void *context, const struct lookup_outcome *outcome);
    void *context;
    struct event *timer; /* the start, then the deadline */
    struct resolver_query query;
    struct lookup_question question;
    bool has_begun;
};

static void finish(struct lookup *lookup, const struct lookup_outcome *outcome)
{
    event_del(lookup->timer);
    lookup->done(lookup->context, outcome);
}

static void fail(struct lookup *lookup)
{
    finish(lookup, &(struct lookup_outcome){.code = REFUSAL_UPSTREAM_DNS});
}

static void pick_family(const struct dialer_plan *plan, bool wants_ipv6, struct lookup_outcome *out)
{
    for (size_t i = 0; i < plan->count && out->count < ARRAY_LEN(out->addresses); i++) {
        if ((plan->endpoints[i].address.len == 16) == wants_ipv6)
            out->addresses[out->count++] = plan->endpoints[i].address;
    }
}

/* Without a port: which of our own listeners it would reach is for the dial to see. */
static void tell(struct lookup *lookup, const struct dialer_candidates *candidates, uint32_t ttl_s)
{
    struct lookup_outcome outcome = {.code = REFUSAL_NONE, .exists = true, .ttl_s = ttl_s};
    struct dialer_plan plan = {.count = 0};

    dialer_guard_plan(&lookup->means->guard, lookup->means->config, candidates, &plan);
    if (plan.count == 0)
        outcome.code = REFUSAL_ADDRESS_NOT_ALLOWED;
    pick_family(&plan, lookup->question.wants_ipv6, &outcome);
    finish(lookup, &outcome);
}

static void on_resolved(struct resolver_query *query, enum error error,
                        const struct resolver_answer *answer)
{
    struct lookup *lookup = CONTAINER_OF(query, struct lookup, query);

    if (error == OK)
        tell(lookup,
             &(struct dialer_candidates){answer->addresses, answer->count, 0,
                                         lookup->question.is_private_target ? DIALER_NAMED
                                                                            : DIALER_CHECKED},
             answer->ttl_s);
    else if (error == ERR_NOT_FOUND)
        finish(lookup, &(struct lookup_outcome){.code = REFUSAL_NONE, .exists = answer != NULL});
    else
        fail(lookup);
}

/* Of a name that only upstream.proxy can resolve: one of 198.18.0.0/15, which no network routes.
 * Who asks is captured, so its connection is known by its name and the address is never dialled; an
 * answer is all it needs. Always the same for one name; that two may share one does no harm. */
static void tell_placeholder(struct lookup *lookup)
{
    struct lookup_outcome outcome = {.exists = true, .ttl_s = CONFIGURED_TTL_S};
    struct slice name = host_name_view(&lookup->question.host);
    uint8_t hash[crypto_generichash_BYTES_MIN];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)name.data, name.len, NULL, 0);
    if (!lookup->question.wants_ipv6)
        outcome.addresses[outcome.count++] = (struct ip_address){
            4, {198, (uint8_t)(18 + (hash[0] & 1)), hash[1], (uint8_t)(1 + hash[2] % 254)}};
    finish(lookup, &outcome);
}

/* The gate is asked for names without a port. */
static bool goes_through_proxy(const struct lookup *lookup)
{
    const struct authority target = {.host = lookup->question.host, .port = 443};

    return config_goes_through_proxy(lookup->means->config, &target);
}

static void begin(struct lookup *lookup)
{
    const struct config_resolve *entry =
        config_find_resolve(lookup->means->config, &lookup->question.host);

    if (goes_through_proxy(lookup))
        tell_placeholder(lookup);
    else if (entry != NULL)
        tell(lookup, &(struct dialer_candidates){&entry->to.address, 1, 0, DIALER_EXEMPT},
             CONFIGURED_TTL_S);
    else
        resolver_ask(lookup->means->resolver, &lookup->question.host, &lookup->query);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    static const struct timeval limit = {LOOKUP_TIMEOUT_MS / 1000, LOOKUP_TIMEOUT_MS % 1000 * 1000};
    struct lookup *lookup = argument;

    (void)fd;
    (void)what;
    if (lookup->has_begun) {
        fail(lookup);
        return;
    }
    lookup->has_begun = true;
    event_add(lookup->timer, &limit);
    begin(lookup);
}

enum error lookup_start(const struct dial_means *means, const struct lookup_question *question,
                        void (*done)(void *context, const struct lookup_outcome *outcome),
                        void *context, struct lookup **out)
{
    static const struct timeval at_once = {0};
    OWNED_STRUCT(lookup) *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return ERR_NO_MEMORY;

    *lookup = (struct lookup){.means = means,
                              .done = done,
                              .context = context,
                              .query = {.done = on_resolved},
                              .question = *question};
    lookup->timer = event_new(means->base, -1, 0, on_timer, lookup);
    if (lookup->timer == NULL || event_add(lookup->timer, &at_once) != 0)
        return ERR_NO_MEMORY;
    *out = TAKE(lookup);
    return OK;
}

void lookup_free(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    resolver_cancel(&lookup->query);
    if (lookup->timer != NULL)
        event_free(lookup->timer);
    free(lookup);
}
