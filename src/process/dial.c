/* SPDX-License-Identifier: Apache-2.0 */
/* One dial from name to socket. Never connects to an address that dialer_guard did not let through,
 * and never resolves a second time between the check and the connection. */
#include "process/dial.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum dial_state { DIAL_AWAITING_START, DIAL_AWAITING_ADDRESSES, DIAL_AWAITING_CONNECTION };

struct dial {
    const struct dial_means *means; /* borrowed */
    void (*done)(void *context, const struct dial_outcome *outcome);
    void *context;
    struct event *timer; /* the start, then the deadline */
    struct resolver_query query;
    struct connector *connector;
    struct authority target;
    enum dial_kind kind;
    enum dial_state state;
};

static void finish(struct dial *dial, const struct dial_outcome *outcome)
{
    event_del(dial->timer);
    dial->done(dial->context, outcome);
}

PRINTF_LIKE(3, 4)
static void refuse(struct dial *dial, enum refusal_code code, const char *format, ...)
{
    struct dial_outcome outcome = {.code = code, .fd = -1};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(outcome.detail, sizeof(outcome.detail), format, arguments);
    va_end(arguments);
    finish(dial, &outcome);
}

static enum refusal_code code_of(int system_error)
{
    switch (system_error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return REFUSAL_OVERLOADED;
    case ETIMEDOUT:
        return REFUSAL_UPSTREAM_TIMEOUT;
    default:
        return REFUSAL_UPSTREAM_CONNECT;
    }
}

static void refuse_connection(struct dial *dial, const struct connector_outcome *outcome)
{
    char address[IP_ADDRESS_TEXT_MAX];
    const char *why = strerrordesc_np(outcome->system_error);

    ip_address_format(&outcome->endpoint.address, address);
    refuse(dial, code_of(outcome->system_error), "Connecting to %s at %s port %u failed: %s.",
           dial->target.host.text, address, outcome->endpoint.port, why == NULL ? "unknown" : why);
}

static void on_connected(void *context, const struct connector_outcome *outcome)
{
    struct dial *dial = context;

    if (outcome->fd < 0)
        refuse_connection(dial, outcome);
    else
        finish(dial, &(struct dial_outcome){
                         .code = REFUSAL_NONE, .endpoint = outcome->endpoint, .fd = outcome->fd});
}

static void refuse_address(struct dial *dial, const struct ip_address *address)
{
    char text[IP_ADDRESS_TEXT_MAX];

    ip_address_format(address, text);
    if (host_name_is_literal(&dial->target.host))
        refuse(dial, REFUSAL_ADDRESS_NOT_ALLOWED, "%s is not a public address.", text);
    else
        refuse(dial, REFUSAL_ADDRESS_NOT_ALLOWED,
               "%s resolves to %s, which is not a public address.", dial->target.host.text, text);
}

static void follow_plan(struct dial *dial, const struct dialer_plan *plan)
{
    dial->state = DIAL_AWAITING_CONNECTION;
    if (plan->count == 0)
        refuse_address(dial, &plan->refused);
    else if (dial->kind == DIAL_RESOLVE_ONLY)
        finish(dial, &(struct dial_outcome){.endpoint = plan->endpoints[0], .fd = -1});
    else if (connector_start(dial->means->base, plan->endpoints, plan->count, on_connected, dial,
                             &dial->connector) != OK)
        refuse(dial, REFUSAL_OVERLOADED, "The proxy is out of memory.");
}

static void choose(struct dial *dial, const struct dialer_candidates *candidates)
{
    struct dialer_plan plan = {.count = 0};

    dialer_guard_plan(&dial->means->guard, dial->means->config, candidates, &plan);
    follow_plan(dial, &plan);
}

static void on_resolved(struct resolver_query *query, enum error error,
                        const struct resolver_answer *answer)
{
    struct dial *dial = CONTAINER_OF(query, struct dial, query);
    const char *name = dial->target.host.text;

    if (error == OK)
        choose(dial, &(struct dialer_candidates){answer->addresses, answer->count,
                                                 dial->target.port, DIALER_CHECKED});
    else if (error == ERR_NOT_FOUND)
        refuse(dial, REFUSAL_UPSTREAM_DNS, "%s has no address.", name);
    else if (error == ERR_TIMEOUT)
        refuse(dial, REFUSAL_UPSTREAM_DNS, "No nameserver answers for %s.", name);
    else
        refuse(dial, REFUSAL_UPSTREAM_DNS, "The nameserver could not resolve %s.", name);
}

static void begin(struct dial *dial)
{
    const struct authority *target = &dial->target;
    const struct config_resolve *entry = config_find_resolve(dial->means->config, &target->host);

    dial->state = DIAL_AWAITING_ADDRESSES;
    if (authority_equals(target, &dial->means->config->advertise))
        refuse(dial, REFUSAL_ADDRESS_NOT_ALLOWED, "%s is the proxy itself.", target->host.text);
    else if (entry != NULL)
        choose(dial, &(struct dialer_candidates){
                         &entry->to.address, 1, entry->to.port == 0 ? target->port : entry->to.port,
                         DIALER_EXEMPT});
    else if (host_name_is_literal(&target->host))
        choose(dial,
               &(struct dialer_candidates){&target->host.literal, 1, target->port, DIALER_CHECKED});
    else
        resolver_ask(dial->means->resolver, &target->host, &dial->query);
}

static void expire(struct dial *dial)
{
    if (dial->state == DIAL_AWAITING_CONNECTION)
        refuse(dial, REFUSAL_UPSTREAM_TIMEOUT, "%s did not accept a connection in time.",
               dial->target.host.text);
    else
        refuse(dial, REFUSAL_UPSTREAM_DNS, "No nameserver answered for %s in time.",
               dial->target.host.text);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct dial *dial = argument;
    uint64_t limit_ms = dial->means->config->connect_timeout_ms;
    struct timeval limit = {(time_t)(limit_ms / 1000), (suseconds_t)(limit_ms % 1000) * 1000};

    (void)fd;
    (void)what;
    if (dial->state != DIAL_AWAITING_START) {
        expire(dial);
        return;
    }
    event_add(dial->timer, &limit);
    begin(dial);
}

enum error dial_start(const struct dial_means *means, const struct authority *target,
                      enum dial_kind kind,
                      void (*done)(void *context, const struct dial_outcome *outcome),
                      void *context, struct dial **out)
{
    static const struct timeval at_once = {0};
    OWNED_STRUCT(dial) *dial = calloc(1, sizeof(*dial));
    if (dial == NULL)
        return ERR_NO_MEMORY;

    *dial = (struct dial){.means = means,
                          .done = done,
                          .context = context,
                          .query = {.done = on_resolved},
                          .target = *target,
                          .kind = kind};
    dial->timer = event_new(means->base, -1, 0, on_timer, dial);
    if (dial->timer == NULL || event_add(dial->timer, &at_once) != 0)
        return ERR_NO_MEMORY;
    *out = TAKE(dial);
    return OK;
}

void dial_free(struct dial *dial)
{
    if (dial == NULL)
        return;
    resolver_cancel(&dial->query);
    connector_free(dial->connector);
    if (dial->timer != NULL)
        event_free(dial->timer);
    free(dial);
}
