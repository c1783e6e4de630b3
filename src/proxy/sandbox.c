/* SPDX-License-Identifier: Apache-2.0 */
/* The sandboxes that talk through this worker. Never lets one reach what belongs to another. */
#include "proxy/sandbox.h"

#include "observe/metrics.h"
#include "proxy/upstream/upstream.h"

#include <stdlib.h>

enum { NS_PER_MS = 1000 * 1000 };

static struct sandbox *sandbox_new(struct proxy *proxy, struct slice id)
{
    struct sandbox *sandbox = calloc(1, sizeof(*sandbox));

    if (sandbox == NULL)
        return NULL;
    sandbox->proxy = proxy;
    memcpy(sandbox->id, id.data, id.len);
    sandbox->id_len = id.len;
    waitlist_init(&sandbox->waiting);
    TAILQ_INIT(&sandbox->values);
    TAILQ_INIT(&sandbox->spare_upstreams);
    TAILQ_INIT(&sandbox->targets);
    if (table_insert(&proxy->sandboxes, &sandbox->entry, slice_of(sandbox->id, id.len)) != OK) {
        free(sandbox);
        return NULL;
    }
    return sandbox;
}

static void host_values_free(struct host_values *values)
{
    ticket_cancel(values->sandbox->proxy, &values->ticket);
    waitlist_wake(&values->waiting, &values->sandbox->proxy->tasks);
    TAILQ_REMOVE(&values->sandbox->values, values, link);
    values->sandbox->values_count--;
    inject_values_unref(values->values);
    view_unref(values->view);
    free(values);
}

static void forget_values(struct sandbox *sandbox)
{
    while (!TAILQ_EMPTY(&sandbox->values))
        host_values_free(TAILQ_FIRST(&sandbox->values));
}

static void known_target_free(struct sandbox *sandbox, struct known_target *known)
{
    TAILQ_REMOVE(&sandbox->targets, known, link);
    sandbox->target_count--;
    SSL_SESSION_free(known->session);
    free(known);
}

static void sandbox_free(struct sandbox *sandbox)
{
    struct proxy *proxy = sandbox->proxy;

    if (sandbox->state == SANDBOX_KNOWN) {
        proxy->services.release_view(proxy->services.context,
                                     slice_of(sandbox->id, sandbox->id_len));
        metrics_add(METRIC_VIEWS_ACTIVE, -1);
    }
    ticket_cancel(proxy, &sandbox->ticket);
    waitlist_wake(&sandbox->waiting, &proxy->tasks);
    forget_values(sandbox);
    while (!TAILQ_EMPTY(&sandbox->spare_upstreams))
        upstream_free(TAILQ_FIRST(&sandbox->spare_upstreams));
    while (!TAILQ_EMPTY(&sandbox->targets))
        known_target_free(sandbox, TAILQ_FIRST(&sandbox->targets));
    view_unref(sandbox->view);
    table_remove(&proxy->sandboxes, &sandbox->entry);
    free(sandbox);
}

static struct sandbox *find(struct proxy *proxy, struct slice id)
{
    struct table_entry *entry = table_find(&proxy->sandboxes, id);

    return entry != NULL ? CONTAINER_OF(entry, struct sandbox, entry) : NULL;
}

static void ask_control(struct sandbox *sandbox)
{
    struct proxy *proxy = sandbox->proxy;
    uint64_t ticket = ticket_open(proxy, &sandbox->ticket, TICKET_VIEW, sandbox);

    sandbox->state = SANDBOX_ASKED;
    sandbox->idle_since_ms = proxy_now_ms(proxy);
    proxy->services.request_view(proxy->services.context, ticket,
                                 slice_of(sandbox->id, sandbox->id_len), NULL);
}

struct sandbox *sandbox_find(struct proxy *proxy, struct slice id, struct waiter *waiter)
{
    struct sandbox *sandbox = find(proxy, id);

    if (id.len == 0 || id.len > SANDBOX_ID_MAX)
        return NULL;
    if (sandbox == NULL) {
        sandbox = sandbox_new(proxy, id);
        if (sandbox == NULL)
            return NULL;
        ask_control(sandbox);
    }
    if (sandbox->state == SANDBOX_ASKED)
        waitlist_add(&sandbox->waiting, waiter);
    return sandbox;
}

void sandbox_set_view(struct sandbox *sandbox, struct view *view)
{
    struct host_values *values, *next;

    if (sandbox->state != SANDBOX_KNOWN)
        metrics_add(METRIC_VIEWS_ACTIVE, 1);
    if (sandbox->view == NULL)
        sandbox->seq = view->sandbox_seq;
    view_unref(sandbox->view);
    sandbox->view = view_ref(view);
    sandbox->state = SANDBOX_KNOWN;
    /* Exchanges under way hold their own references to the values of the view before. */
    for (values = TAILQ_FIRST(&sandbox->values); values != NULL; values = next) {
        next = TAILQ_NEXT(values, link);
        if (values->view != view)
            host_values_free(values);
    }
    waitlist_wake(&sandbox->waiting, &sandbox->proxy->tasks);
}

struct sandbox *sandbox_find_known(struct proxy *proxy, struct slice id)
{
    return find(proxy, id);
}

struct sandbox *sandbox_learn(struct proxy *proxy, struct view *view)
{
    struct sandbox *sandbox = find(proxy, view->sandbox_id);

    if (view->sandbox_id.len == 0 || view->sandbox_id.len > SANDBOX_ID_MAX)
        return NULL;
    if (sandbox == NULL)
        sandbox = sandbox_new(proxy, view->sandbox_id);
    if (sandbox == NULL)
        return NULL;
    sandbox_set_view(sandbox, view);
    sandbox->idle_since_ms = proxy_now_ms(proxy);
    return sandbox;
}

void sandbox_on_view(struct proxy *proxy, uint64_t ticket, enum error error, struct view *view)
{
    struct sandbox *sandbox = ticket_take(proxy, ticket, TICKET_VIEW);

    if (sandbox == NULL)
        return;
    if (error == OK && view != NULL) {
        sandbox_set_view(sandbox, view);
        return;
    }
    sandbox->state = error == ERR_NOT_FOUND ? SANDBOX_UNKNOWN : SANDBOX_UNAVAILABLE;
    waitlist_wake(&sandbox->waiting, &proxy->tasks);
}

void sandbox_forget_unknown(struct sandbox *sandbox)
{
    if (sandbox->connections == 0 &&
        (sandbox->state == SANDBOX_UNKNOWN || sandbox->state == SANDBOX_UNAVAILABLE))
        sandbox_free(sandbox);
}

/* What this worker has is known without the others: nobody can write that number down. */
bool sandbox_enter(struct sandbox *sandbox)
{
    const struct proxy *proxy = sandbox->proxy;

    if (sandbox->connections >= proxy->settings.connections_per_sandbox ||
        !shared_counts_take(&proxy->seat, SHARED_CONNECTIONS, sandbox->seq,
                            proxy->settings.connections_per_sandbox)) {
        metrics_add(METRIC_LIMITED_CONNECTIONS, 1);
        return false;
    }
    sandbox->connections++;
    return true;
}

void sandbox_leave(struct sandbox *sandbox)
{
    shared_counts_give_back(&sandbox->proxy->seat, SHARED_CONNECTIONS, sandbox->seq);
    sandbox->connections--;
    sandbox->idle_since_ms = proxy_now_ms(sandbox->proxy);
    if (sandbox->connections == 0 && sandbox->is_gone)
        sandbox_free(sandbox);
}

static bool has_request_left(const struct sandbox *sandbox, struct refusal_limit *out)
{
    const struct proxy *proxy = sandbox->proxy;
    uint64_t wait_ns = shared_counts_take_at_rate(
        &proxy->seat, sandbox->seq, &proxy->settings.requests, proxy_now_ms(proxy) * NS_PER_MS);

    if (wait_ns == 0)
        return true;
    metrics_add(METRIC_LIMITED_REQUESTS, 1);
    *out = (struct refusal_limit){REFUSAL_LIMIT_REQUESTS,
                                  (uint32_t)(wait_ns / ((uint64_t)1000 * NS_PER_MS)) + 1};
    return false;
}

bool sandbox_begin_request(struct sandbox *sandbox, struct refusal_limit *out)
{
    const struct proxy *proxy = sandbox->proxy;

    if (!has_request_left(sandbox, out))
        return false;
    if (shared_counts_take(&proxy->seat, SHARED_STREAMS, sandbox->seq,
                           proxy->settings.streams_per_sandbox))
        return true;
    metrics_add(METRIC_LIMITED_STREAMS, 1);
    *out = (struct refusal_limit){REFUSAL_LIMIT_STREAMS, 1};
    return false;
}

void sandbox_end_request(struct sandbox *sandbox)
{
    shared_counts_give_back(&sandbox->proxy->seat, SHARED_STREAMS, sandbox->seq);
}

void sandbox_touch(struct sandbox *sandbox)
{
    struct proxy *proxy = sandbox->proxy;
    uint64_t now = proxy_now_ms(proxy);

    if (sandbox->reported_ms != 0 && now - sandbox->reported_ms < 1000)
        return;
    sandbox->reported_ms = now;
    proxy->services.report_activity(proxy->services.context,
                                    slice_of(sandbox->id, sandbox->id_len));
}

static struct host_values *find_values(struct sandbox *sandbox, const struct view *view,
                                       const struct authority *target)
{
    struct host_values *values;

    TAILQ_FOREACH(values, &sandbox->values, link)
    if (values->view == view && authority_equals(&values->target, target))
        return values;
    return NULL;
}

/* A sandbox that may reach any host must not fill the guarded memory with values for each. */
static void forget_oldest_values(struct sandbox *sandbox)
{
    struct host_values *values;

    TAILQ_FOREACH_REVERSE(values, &sandbox->values, host_values_list, link)
    if (values->is_complete) {
        host_values_free(values);
        return;
    }
}

static struct host_values *ask_keyholder(struct sandbox *sandbox, struct view *view,
                                         const struct authority *target)
{
    struct proxy *proxy = sandbox->proxy;
    struct host_values *values = calloc(1, sizeof(*values));

    if (values == NULL)
        return NULL;
    if (sandbox->values_count >= SANDBOX_VALUES_MAX)
        forget_oldest_values(sandbox);
    *values = (struct host_values){.sandbox = sandbox, .target = *target, .view = view_ref(view)};
    waitlist_init(&values->waiting);
    TAILQ_INSERT_HEAD(&sandbox->values, values, link);
    sandbox->values_count++;
    if (inject_values_new(view, target, &values->values) != OK) {
        host_values_free(values);
        return NULL;
    }
    uint64_t ticket = ticket_open(proxy, &values->ticket, TICKET_VALUES, values);
    proxy->services.open_values(proxy->services.context, ticket, view, target);
    return values;
}

static void move_to_front(struct sandbox *sandbox, struct host_values *values)
{
    TAILQ_REMOVE(&sandbox->values, values, link);
    TAILQ_INSERT_HEAD(&sandbox->values, values, link);
}

struct host_values *sandbox_values(struct sandbox *sandbox, struct view *view,
                                   const struct authority *target, struct waiter *waiter)
{
    struct host_values *values = find_values(sandbox, view, target);

    if (values != NULL && values->is_complete && values->error != OK) {
        host_values_free(values); /* ask again: the keyholder may be back */
        values = NULL;
    }
    if (values == NULL)
        values = ask_keyholder(sandbox, view, target);
    else
        move_to_front(sandbox, values);
    if (values != NULL && !values->is_complete)
        waitlist_add(&values->waiting, waiter);
    return values;
}

void sandbox_on_value(struct proxy *proxy, uint64_t ticket, uint32_t secret_index,
                      struct slice value)
{
    struct host_values *values = ticket_find(proxy, ticket, TICKET_VALUES);

    if (values != NULL && values->error == OK)
        values->error = inject_values_add(values->values, secret_index, value);
}

void sandbox_on_values_done(struct proxy *proxy, uint64_t ticket, enum error error)
{
    struct host_values *values = ticket_take(proxy, ticket, TICKET_VALUES);

    if (values == NULL)
        return;
    if (values->error == OK)
        values->error = error;
    if (values->error == OK)
        values->error = inject_values_complete(values->values);
    values->is_complete = true;
    waitlist_wake(&values->waiting, &proxy->tasks);
}

static struct known_target *find_target(struct sandbox *sandbox, const struct authority *target)
{
    struct known_target *known;

    TAILQ_FOREACH(known, &sandbox->targets, link)
    if (authority_equals(&known->target, target))
        return known;
    return NULL;
}

/* The oldest makes room. NULL when out of memory. */
static struct known_target *remember_target(struct sandbox *sandbox, const struct authority *target)
{
    struct known_target *known = find_target(sandbox, target);

    if (known != NULL)
        return known;
    known = calloc(1, sizeof(*known));
    if (known == NULL)
        return NULL;
    known->target = *target;
    TAILQ_INSERT_HEAD(&sandbox->targets, known, link);
    if (++sandbox->target_count > SANDBOX_TARGETS_MAX)
        known_target_free(sandbox, TAILQ_LAST(&sandbox->targets, known_target_list));
    return known;
}

SSL_SESSION *sandbox_session(struct sandbox *sandbox, const struct authority *target)
{
    struct known_target *known = find_target(sandbox, target);

    if (known == NULL || known->session == NULL || !SSL_SESSION_is_resumable(known->session))
        return NULL;
    SSL_SESSION_up_ref(known->session);
    return known->session;
}

void sandbox_save_session(struct sandbox *sandbox, const struct authority *target,
                          SSL_SESSION *session)
{
    struct known_target *known = remember_target(sandbox, target);

    if (known == NULL) {
        SSL_SESSION_free(session);
        return;
    }
    SSL_SESSION_free(known->session);
    known->session = session;
}

void sandbox_learn_protocol(struct sandbox *sandbox, const struct authority *target, bool speaks_h2)
{
    struct known_target *known = remember_target(sandbox, target);

    if (known != NULL)
        known->speaks_h1 = !speaks_h2;
}

bool sandbox_knows_h1(struct sandbox *sandbox, const struct authority *target)
{
    const struct known_target *known = find_target(sandbox, target);

    return known != NULL && known->speaks_h1;
}

void sandbox_learn_h1_refusal(struct sandbox *sandbox, const struct authority *target,
                              bool refuses_h1)
{
    struct known_target *known = remember_target(sandbox, target);

    if (known != NULL)
        known->refuses_h1 = refuses_h1;
}

bool sandbox_knows_h1_refusal(struct sandbox *sandbox, const struct authority *target)
{
    const struct known_target *known = find_target(sandbox, target);

    return known != NULL && known->refuses_h1;
}

void sandbox_gone(struct sandbox *sandbox)
{
    sandbox->is_gone = true;
    if (sandbox->connections == 0)
        sandbox_free(sandbox);
}

void sandbox_expire_idle(struct proxy *proxy)
{
    uint64_t now = proxy_now_ms(proxy);
    struct table_entry *entry = table_first(&proxy->sandboxes), *next;

    for (; entry != NULL; entry = next) {
        struct sandbox *sandbox = CONTAINER_OF(entry, struct sandbox, entry);
        next = table_next(&proxy->sandboxes, entry);
        if (sandbox->connections == 0 && sandbox->state != SANDBOX_ASKED &&
            now - sandbox->idle_since_ms >= SANDBOX_LINGER_MS)
            sandbox_free(sandbox);
    }
}

void sandbox_free_all(struct proxy *proxy)
{
    struct table_entry *entry;

    while ((entry = table_first(&proxy->sandboxes)) != NULL)
        sandbox_free(CONTAINER_OF(entry, struct sandbox, entry));
    table_clear(&proxy->sandboxes);
}
