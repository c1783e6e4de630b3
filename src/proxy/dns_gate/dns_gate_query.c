/* SPDX-License-Identifier: Apache-2.0 */
/* One query of a sandbox: whose is it, may it know the name, what is the answer. Never asks anybody
 * about a name before that is decided, and never answers whom it does not know. */
#include "observe/metrics.h"
#include "proxy/client/source.h"
#include "proxy/dns_gate/dns_gate_decision.h"
#include "proxy/dns_gate/dns_gate_record.h"
#include "proxy/dns_gate/dns_gate_state.h"

#include <stdlib.h>

enum {
    ANSWER_MAX = 2048,        /* sixteen records, the longest name, the longest reason */
    LOOKUPS_PER_SANDBOX = 64, /* under way */
    NS_PER_MS = 1000 * 1000,
};

/* Of one sandbox, over all workers. */
static const struct shared_rate queries = {SHARED_QUERIES, .per_second = 200, .burst = 400};
static const struct shared_rate flood_lines = {SHARED_FLOOD_LINES, .per_second = 1, .burst = 1};

enum dns_gate_query_state { QUERY_AWAITING_IDENTITY, QUERY_AWAITING_ADDRESSES };

struct dns_gate_query {
    TAILQ_ENTRY(dns_gate_query) link;
    struct dns_gate *gate; /* borrowed: the owner */
    struct dns_gate_route route;
    struct dns_query query;
    enum dns_gate_query_state state;
    struct task task;
    struct waiter waiter;
    struct view *view;     /* a reference, once it is known */
    bool has_taken_lookup; /* of those that its sandbox may have under way */
    struct ticket ticket;
    uint64_t began_ms;
};

static void query_free(struct dns_gate_query *query)
{
    struct dns_gate *gate = query->gate;

    waiter_cancel(&query->waiter);
    task_cancel(&gate->proxy->tasks, &query->task);
    ticket_cancel(gate->proxy, &query->ticket);
    if (query->has_taken_lookup)
        shared_counts_give_back(&gate->proxy->seat, SHARED_LOOKUPS, query->view->sandbox_seq);
    if (query->state == QUERY_AWAITING_IDENTITY)
        gate->stranger_count--;
    gate->query_count--;
    TAILQ_REMOVE(&gate->queries, query, link);
    view_unref(query->view);
    free(query);
}

void dns_gate_query_forget(struct dns_gate *gate, const struct dns_gate_stream *stream)
{
    struct dns_gate_query *query, *next;

    for (query = TAILQ_FIRST(&gate->queries); query != NULL; query = next) {
        next = TAILQ_NEXT(query, link);
        if (stream == NULL || query->route.stream == stream)
            query_free(query);
    }
}

static void drop(const struct dns_gate_route *route)
{
    metrics_add(METRIC_DNS_DROPPED, 1);
    if (route->stream != NULL)
        dns_gate_tcp_drop(route->stream);
}

static void reply(const struct dns_gate_query *query, const struct dns_answer *answer)
{
    const struct dns_gate_route *route = &query->route;
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = ANSWER_MAX};
    size_t limit = route->stream != NULL ? DNS_MESSAGE_MAX : dns_query_udp_limit(&query->query);

    if (dns_answer_write(&query->query, answer, limit, out) != OK)
        drop(route);
    else if (route->stream != NULL)
        dns_gate_tcp_send(route->stream, buffer_view(out));
    else
        dns_gate_udp_send(route, buffer_view(out));
}

/* The end of a query that is answered. */
static void finish(struct dns_gate_query *query, enum refusal_code code,
                   const struct dns_answer *answer)
{
    const struct dns_gate_record record = {.query = &query->query,
                                           .view = query->view,
                                           .client = &query->route.source.address,
                                           .code = code,
                                           .began_ms = query->began_ms,
                                           .answer = answer};

    reply(query, answer);
    dns_gate_record_write(query->gate->proxy, &record);
    query_free(query);
}

static struct dns_answer answer_of(struct dns_gate_decision decision)
{
    return (struct dns_answer){
        .rcode = decision.rcode, .extended = decision.extended, .text = decision.text};
}

static void conclude(struct dns_gate_query *query, struct dns_gate_decision decision)
{
    const struct dns_answer answer = answer_of(decision);

    finish(query, decision.code, &answer);
}

static bool has_left(const struct dns_gate_query *query, const struct shared_rate *rate)
{
    const struct proxy *proxy = query->gate->proxy;

    return shared_counts_take_at_rate(&proxy->seat, query->view->sandbox_seq, rate,
                                      proxy_now_ms(proxy) * NS_PER_MS) == 0;
}

/* One audit line a second says enough about a flood. */
static void conclude_too_many(struct dns_gate_query *query)
{
    const struct dns_answer answer = answer_of(dns_gate_decision_too_many());

    if (has_left(query, &flood_lines)) {
        finish(query, REFUSAL_LIMIT_EXCEEDED, &answer);
        return;
    }
    dns_gate_record_count(REFUSAL_LIMIT_EXCEEDED);
    reply(query, &answer);
    query_free(query);
}

static void look_up(struct dns_gate_query *query)
{
    struct proxy *proxy = query->gate->proxy;
    const struct proxy_lookup lookup = {&query->query.host, query->query.type == DNS_AAAA};

    uint64_t ticket = ticket_open(proxy, &query->ticket, TICKET_LOOKUP, query);
    if (ticket == 0)
        conclude(query, dns_gate_decision_of(REFUSAL_OVERLOADED));
    else
        proxy->services.lookup(proxy->services.context, ticket, query->view, &lookup);
}

static void decide(struct dns_gate_query *query, struct sandbox *sandbox)
{
    const struct proxy *proxy = query->gate->proxy;
    struct dns_gate_decision decision =
        dns_gate_decide(query->view, &query->query, proxy->settings.decision);

    if (!decision.looks_up) {
        conclude(query, decision);
        return;
    }
    query->has_taken_lookup = shared_counts_take(&proxy->seat, SHARED_LOOKUPS,
                                                 query->view->sandbox_seq, LOOKUPS_PER_SANDBOX);
    if (!query->has_taken_lookup) {
        conclude_too_many(query);
        return;
    }
    sandbox_touch(sandbox);
    look_up(query);
}

/* From here on the query has an answer. */
static void take_on(struct dns_gate_query *query, struct sandbox *sandbox)
{
    struct dns_gate *gate = query->gate;

    query->state = QUERY_AWAITING_ADDRESSES;
    gate->stranger_count--;
    query->view = view_ref(sandbox->view);
    sandbox->idle_since_ms = proxy_now_ms(gate->proxy);
    if (has_left(query, &queries))
        decide(query, sandbox);
    else
        conclude_too_many(query);
}

/* The sandbox with this id, or NULL; `*waits` when that is not known yet. */
static struct sandbox *find_by_id(struct dns_gate_query *query, struct slice id, bool *waits)
{
    struct sandbox *sandbox = sandbox_find(query->gate->proxy, id, &query->waiter);

    if (sandbox == NULL)
        return NULL;
    *waits = sandbox->state == SANDBOX_ASKED;
    if (sandbox->state == SANDBOX_KNOWN)
        return sandbox->is_gone ? NULL : sandbox;
    sandbox_forget_unknown(sandbox);
    return NULL;
}

/* A stranger can make up addresses: only so many are remembered. */
static bool is_worth_asking(const struct dns_gate *gate, const struct ip_address *address)
{
    const struct table *sources = &gate->proxy->sources;

    return table_find(sources, slice_of(address->bytes, address->len)) != NULL ||
           (sources->count < DNS_GATE_SOURCES_MAX &&
            gate->stranger_count <= DNS_GATE_STRANGERS_MAX);
}

static struct sandbox *find_by_source(struct dns_gate_query *query, bool *waits)
{
    const struct ip_address *address = &query->route.source.address;

    if (!is_worth_asking(query->gate, address))
        return NULL;
    struct source *source = source_find(query->gate->proxy, address, &query->waiter);
    if (source == NULL)
        return NULL;
    *waits = source->state == SOURCE_ASKED;
    if (source->state == SOURCE_REGISTERED)
        return find_by_id(query, slice_of(source->sandbox_id, source->sandbox_id_len), waits);
    source_forget_unavailable(source);
    return NULL;
}

static void identify(void *owner)
{
    struct dns_gate_query *query = owner;
    struct slice id = query->route.listener_sandbox;
    bool waits = false;
    struct sandbox *sandbox =
        id.len > 0 ? find_by_id(query, id, &waits) : find_by_source(query, &waits);

    if (sandbox != NULL) {
        take_on(query, sandbox);
    } else if (!waits) {
        drop(&query->route);
        query_free(query);
    }
}

static struct dns_gate_query *query_new(struct dns_gate *gate, const struct dns_gate_route *route,
                                        const struct dns_query *parsed)
{
    struct dns_gate_query *query = NULL;

    if (gate->query_count < DNS_GATE_QUERIES_MAX)
        query = calloc(1, sizeof(*query));
    if (query == NULL)
        return NULL;
    query->gate = gate;
    query->route = *route;
    query->query = *parsed;
    query->began_ms = proxy_now_ms(gate->proxy);
    task_init(&query->task, identify, query);
    query->waiter.task = &query->task;
    TAILQ_INSERT_TAIL(&gate->queries, query, link);
    gate->query_count++;
    gate->stranger_count++;
    return query;
}

void dns_gate_query_start(struct dns_gate *gate, const struct dns_gate_route *route,
                          struct slice message)
{
    struct dns_gate_query *query = NULL;
    struct dns_query parsed;

    if (dns_query_parse(message, &parsed) == OK)
        query = query_new(gate, route, &parsed);
    if (query != NULL)
        identify(query);
    else
        drop(route);
}

void dns_gate_on_looked_up(struct proxy *proxy, uint64_t ticket,
                           const struct proxy_looked_up *looked_up)
{
    struct dns_gate_query *query = ticket_take(proxy, ticket, TICKET_LOOKUP);

    if (query == NULL)
        return;
    if (looked_up->code != REFUSAL_NONE) {
        conclude(query, dns_gate_decision_of(looked_up->code));
        return;
    }
    finish(query, REFUSAL_NONE,
           &(struct dns_answer){.rcode = looked_up->exists ? DNS_NOERROR : DNS_NXDOMAIN,
                                .addresses = looked_up->addresses,
                                .address_count = looked_up->count,
                                .ttl_s = looked_up->ttl_s});
}
