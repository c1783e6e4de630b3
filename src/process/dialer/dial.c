/* SPDX-License-Identifier: Apache-2.0 */
/* One dial from name to socket, straight or through another proxy. Never connects to an address
 * that dialer_guard did not let through, and never resolves a second time between the check and the
 * connection. */
#include "process/dialer/dial.h"

#include "process/dialer/proxy_tunnel.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum dial_state {
    DIAL_AWAITING_START,
    DIAL_AWAITING_PROXY, /* its address, so that the target can be told from it */
    DIAL_AWAITING_ADDRESSES,
    DIAL_AWAITING_CONNECTION,
    DIAL_AWAITING_TUNNEL, /* the upstream proxy's answer */
};

struct dial {
    struct dial_means *means; /* borrowed */
    void (*done)(void *context, const struct dial_outcome *outcome);
    void *context;
    struct event *timer; /* the start, then the deadline */
    struct resolver_query query;
    struct connector *connector;
    struct proxy_tunnel *tunnel;
    struct authority target;
    bool is_proxied;
    struct authority hop;                  /* who is connected to: the target, or the proxy */
    struct proxy_credentials *credentials; /* a reference: for the proxy */
    struct ip_endpoint endpoint;           /* of the proxy, once connected */
    enum dialer_exemption check;           /* of what nameservers and clients say */
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

/* Where the proxy is, is no business of a sandbox's. */
static void refuse_connection(struct dial *dial, const struct connector_outcome *outcome)
{
    char address[IP_ADDRESS_TEXT_MAX];
    const char *reason = strerrordesc_np(outcome->system_error);
    const char *why = reason == NULL ? "unknown" : reason;
    enum refusal_code code = code_of(outcome->system_error);

    ip_address_format(&outcome->endpoint.address, address);
    if (dial->is_proxied)
        refuse(dial, code, "Connecting to the upstream proxy failed: %s.", why);
    else
        refuse(dial, code, "Connecting to %s at %s port %u failed: %s.", dial->target.host.text,
               address, outcome->endpoint.port, why);
}

static void refuse_tunnel(struct dial *dial, const struct proxy_tunnel_outcome *outcome)
{
    const char *host = dial->target.host.text;
    const char *why = strerrordesc_np(outcome->system_error);

    if (outcome->verdict == PROXY_REFUSED)
        refuse(dial, REFUSAL_UPSTREAM_CONNECT,
               outcome->status == 407
                   ? "The upstream proxy refused to connect to %s, with status %u: it wants "
                     "credentials, or others."
                   : "The upstream proxy refused to connect to %s, with status %u.",
               host, outcome->status);
    else if (outcome->system_error != 0)
        refuse(dial, REFUSAL_UPSTREAM_CONNECT,
               "The connection to the upstream proxy broke, before one to %s was there: %s.", host,
               why == NULL ? "unknown" : why);
    else
        refuse(dial, REFUSAL_UPSTREAM_CONNECT,
               "The upstream proxy did not answer in HTTP when asked for %s.", host);
}

static void on_tunnel(void *context, const struct proxy_tunnel_outcome *outcome)
{
    struct dial *dial = context;

    if (outcome->verdict == PROXY_CONNECTED)
        finish(dial, &(struct dial_outcome){.endpoint = dial->endpoint, .fd = outcome->fd});
    else
        refuse_tunnel(dial, outcome);
}

static void start_tunnel(struct dial *dial, const struct connector_outcome *outcome)
{
    const struct proxy_tunnel_request request = {.base = dial->means->base,
                                                 .target = &dial->target,
                                                 .credentials = dial->credentials,
                                                 .done = on_tunnel,
                                                 .context = dial};

    dial->state = DIAL_AWAITING_TUNNEL;
    dial->endpoint = outcome->endpoint;
    if (proxy_tunnel_start(outcome->fd, &request, &dial->tunnel) != OK)
        refuse(dial, REFUSAL_OVERLOADED, "The proxy is out of memory.");
}

static void on_connected(void *context, const struct connector_outcome *outcome)
{
    struct dial *dial = context;

    if (outcome->fd < 0)
        refuse_connection(dial, outcome);
    else if (dial->is_proxied)
        start_tunnel(dial, outcome);
    else
        finish(dial, &(struct dial_outcome){.endpoint = outcome->endpoint, .fd = outcome->fd});
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

static void refuse_hop(struct dial *dial)
{
    refuse(dial, REFUSAL_UPSTREAM_CONNECT, "The upstream proxy has no address to connect to.");
}

static void follow_plan(struct dial *dial, const struct dialer_plan *plan)
{
    dial->state = DIAL_AWAITING_CONNECTION;
    if (plan->count == 0 && dial->is_proxied)
        refuse_hop(dial);
    else if (plan->count == 0)
        refuse_address(dial, &plan->refused);
    else if (dial->kind == DIAL_RESOLVE_ONLY)
        finish(dial, &(struct dial_outcome){
                         .endpoint = plan->endpoints[0], .is_proxied = dial->is_proxied, .fd = -1});
    else if (connector_start(dial->means->base, plan->endpoints, plan->count, on_connected, dial,
                             &dial->connector) != OK)
        refuse(dial, REFUSAL_OVERLOADED, "The proxy is out of memory.");
}

static struct dialer_plan plan_for(const struct dial *dial,
                                   const struct dialer_candidates *candidates)
{
    struct dialer_plan plan = {.count = 0};

    dialer_guard_plan(&dial->means->guard, dial->means->config, candidates, &plan);
    return plan;
}

/* Where upstream.proxy is, which is then known to the guard. */
static struct dialer_plan plan_for_proxy(struct dial *dial, const struct ip_address *addresses,
                                         size_t count)
{
    struct dialer_plan plan =
        plan_for(dial, &(struct dialer_candidates){addresses, count, dial->hop.port, DIALER_PROXY});

    dialer_guard_set_proxy(&dial->means->guard, plan.endpoints, plan.count);
    return plan;
}

static void locate(struct dial *dial);

static void go_on_to_target(struct dial *dial)
{
    dial->state = DIAL_AWAITING_ADDRESSES;
    dial->hop = dial->target;
    locate(dial);
}

/* What the operator wrote, with `exemption`, or what else the hop's name stands for. */
static void choose(struct dial *dial, const struct ip_address *addresses, size_t count,
                   enum dialer_exemption exemption)
{
    struct dialer_plan plan;

    if (dial->is_proxied || dial->state == DIAL_AWAITING_PROXY)
        plan = plan_for_proxy(dial, addresses, count);
    else
        plan = plan_for(dial,
                        &(struct dialer_candidates){addresses, count, dial->hop.port, exemption});
    if (dial->state == DIAL_AWAITING_PROXY)
        go_on_to_target(dial);
    else
        follow_plan(dial, &plan);
}

static void refuse_resolution(struct dial *dial, enum error error)
{
    const char *name = dial->target.host.text;

    if (dial->is_proxied)
        refuse_hop(dial);
    else if (error == ERR_NOT_FOUND)
        refuse(dial, REFUSAL_UPSTREAM_DNS, "%s has no address.", name);
    else if (error == ERR_TIMEOUT)
        refuse(dial, REFUSAL_UPSTREAM_DNS, "No nameserver answers for %s.", name);
    else
        refuse(dial, REFUSAL_UPSTREAM_DNS, "The nameserver could not resolve %s.", name);
}

static void on_resolved(struct resolver_query *query, enum error error,
                        const struct resolver_answer *answer)
{
    struct dial *dial = CONTAINER_OF(query, struct dial, query);

    if (error == OK)
        choose(dial, answer->addresses, answer->count, dial->check);
    else if (dial->state == DIAL_AWAITING_PROXY)
        go_on_to_target(dial);
    else
        refuse_resolution(dial, error);
}

static void locate(struct dial *dial)
{
    const struct host_name *host = &dial->hop.host;
    const struct config_resolve *entry = config_find_resolve(dial->means->config, host);

    if (entry != NULL && entry->to.port != 0)
        dial->hop.port = entry->to.port;
    if (entry != NULL)
        choose(dial, &entry->to.address, 1, DIALER_EXEMPT);
    else if (host_name_is_literal(host))
        choose(dial, &host->literal, 1, dial->check);
    else
        resolver_ask(dial->means->resolver, host, &dial->query);
}

/* Names are resolved by the proxy, so all that can be judged here is an address as such, and a name
 * that always is the machine where it is resolved (RFC 6761, 6.3). */
static bool is_forbidden_behind_proxy(struct dial *dial)
{
    const struct host_name *host = &dial->target.host;
    struct dialer_plan plan = {.refused = host->literal};

    if (host_name_is_literal(host))
        plan = plan_for(
            dial, &(struct dialer_candidates){&host->literal, 1, dial->target.port, dial->check});
    else if (!host_name_is_localhost(host))
        return false;
    if (plan.count > 0)
        return false;
    if (host_name_is_literal(host))
        refuse_address(dial, &plan.refused);
    else
        refuse(dial, REFUSAL_ADDRESS_NOT_ALLOWED, "%s is no public host.", host->text);
    return true;
}

static void begin(struct dial *dial)
{
    const struct config *config = dial->means->config;
    const struct authority *target = &dial->target;
    const struct authority *proxy = &config->upstream_proxy.address;

    dial->state = DIAL_AWAITING_ADDRESSES;
    if (authority_equals(target, &config->advertise) || authority_equals(target, proxy)) {
        refuse(dial, REFUSAL_ADDRESS_NOT_ALLOWED, "%s is the proxy itself.", target->host.text);
        return;
    }
    if (config_goes_through_proxy(config, target)) {
        if (is_forbidden_behind_proxy(dial))
            return;
        dial->is_proxied = true;
        dial->hop = *proxy;
        dial->credentials = proxy_credentials_ref(dial->means->credentials);
    } else if (!dialer_guard_knows_proxy(&dial->means->guard)) {
        dial->state = DIAL_AWAITING_PROXY;
        dial->hop = *proxy;
    }
    locate(dial);
}

static void expire(struct dial *dial)
{
    if (dial->is_proxied)
        refuse(dial, REFUSAL_UPSTREAM_TIMEOUT,
               "The upstream proxy did not open a connection to %s in time.",
               dial->target.host.text);
    else if (dial->state == DIAL_AWAITING_CONNECTION)
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

enum error dial_start(struct dial_means *means, const struct dial_question *question,
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
                          .target = question->target,
                          .hop = question->target,
                          .check = question->is_private_target ? DIALER_NAMED : DIALER_CHECKED,
                          .kind = question->kind};
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
    proxy_tunnel_free(dial->tunnel);
    proxy_credentials_unref(dial->credentials);
    if (dial->timer != NULL)
        event_free(dial->timer);
    free(dial);
}
