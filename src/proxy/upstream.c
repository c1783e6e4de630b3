/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to origins and the pool of spare ones. Never hands one to another sandbox or target.
 */
#include "proxy/upstream.h"

#include "observe/metrics.h"
#include "proxy/upstream_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FAILURE_KEEP_MS = 1000 };

static void wake_waiting(struct upstream *upstream)
{
    waitlist_wake(&upstream->waiting, &upstream->sandbox->proxy->tasks);
}

/* Kept a moment, so that the exchanges it was opened for learn why. */
static void fail(struct upstream *upstream, enum refusal_code code, struct slice detail)
{
    upstream->state = UPSTREAM_FAILED;
    upstream->failure = code;
    snprintf(upstream->detail, sizeof(upstream->detail), "%.*s", SLICE_ARG(detail));
    leg_close(&upstream->leg);
    deadline_set(&upstream->deadline, FAILURE_KEEP_MS);
    wake_waiting(upstream);
}

static void remove_from_pool(struct upstream *upstream)
{
    if (!upstream->is_pooled)
        return;
    upstream->is_pooled = false;
    TAILQ_REMOVE(&upstream->sandbox->spare_upstreams, upstream, link);
    upstream->sandbox->spare_upstream_count--;
}

static void begin_idling(struct upstream *upstream)
{
    deadline_set(&upstream->deadline, upstream->sandbox->proxy->settings.upstream_idle_timeout_ms);
}

/* The session is over, or has fewer streams. */
static void on_h2_change(void *owner)
{
    struct upstream *upstream = owner;

    if (upstream->h2.is_over)
        remove_from_pool(upstream); /* no new streams; those there are hear of it themselves */
    if (upstream->h2.message_count > 0)
        deadline_set(&upstream->deadline, 0);
    else if (upstream->h2.is_over)
        upstream_free(upstream);
    else if (upstream->deadline.at_ms == 0)
        begin_idling(upstream);
}

static enum error open_h2(struct upstream *upstream)
{
    upstream->h2.on_change = on_h2_change;
    upstream->h2.owner = upstream;
    return h2_link_open(&upstream->h2, upstream->sandbox->proxy, &upstream->leg, H2_RESPONSES);
}

static void on_open(struct upstream *upstream)
{
    upstream->speaks_h2 = upstream->is_tls && upstream_tls_speaks_h2(upstream);
    if (upstream->speaks_h2 && open_h2(upstream) != OK) {
        fail(upstream, REFUSAL_OVERLOADED, SLICE_NONE);
        return;
    }
    sandbox_learn_protocol(upstream->sandbox, &upstream->target, upstream->speaks_h2);
    upstream->state = UPSTREAM_OPEN;
    metrics_add(METRIC_UPSTREAM_DIALS, 1);
    begin_idling(upstream);
    wake_waiting(upstream);
}

static void step_greeting(struct upstream *upstream)
{
    char why[UPSTREAM_DETAIL_MAX];

    switch (leg_handshake(&upstream->leg)) {
    case LEG_READY:
        if (!upstream_tls_check(upstream, why, sizeof(why)))
            fail(upstream, REFUSAL_UPSTREAM_TLS, slice_from_string(why));
        else
            on_open(upstream);
        return;
    case LEG_BLOCKED:
        return;
    default:
        upstream_tls_explain(upstream, why, sizeof(why));
        fail(upstream, REFUSAL_UPSTREAM_TLS, slice_from_string(why));
    }
}

/* TLS 1.3 tickets come after the handshake: they are no surplus. */
static bool spare_is_still_good(struct upstream *upstream)
{
    struct slice bytes;
    enum leg_status status = leg_read(&upstream->leg, &bytes);

    if (status == LEG_READY && leg_put_back(&upstream->leg, bytes, SLICE_NONE) != OK)
        return false;
    return status == LEG_BLOCKED;
}

static void on_leg_ready(void *owner)
{
    struct upstream *upstream = owner;

    if (upstream->state == UPSTREAM_GREETING)
        step_greeting(upstream);
    else if (upstream->speaks_h2)
        h2_link_step(&upstream->h2);
    else if (upstream->owner != NULL)
        upstream->on_change(upstream->owner);
    else if (!spare_is_still_good(upstream))
        upstream_free(upstream);
}

static void on_expired(void *owner)
{
    struct upstream *upstream = owner;

    if (upstream->state == UPSTREAM_OPEN || upstream->state == UPSTREAM_FAILED)
        upstream_free(upstream);
    else
        fail(upstream, REFUSAL_UPSTREAM_TIMEOUT, SLICE("the TLS handshake took too long"));
}

static void pool_insert(struct upstream *upstream)
{
    upstream->is_pooled = true;
    TAILQ_INSERT_HEAD(&upstream->sandbox->spare_upstreams, upstream, link);
    upstream->sandbox->spare_upstream_count++;
}

static bool is_named_private(const struct upstream *upstream)
{
    const struct view *view = upstream->sandbox->view;

    return decision_for_private(view, &upstream->target.host).verdict == VERDICT_ALLOW;
}

static void dial(struct upstream *upstream)
{
    struct proxy *proxy = upstream->sandbox->proxy;
    uint64_t ticket = ticket_open(proxy, &upstream->ticket, TICKET_DIAL, upstream);

    upstream->is_private = is_named_private(upstream);
    proxy->services.dial(proxy->services.context, ticket, upstream->sandbox->view,
                         &upstream->target);
}

/* Spare until somebody claims it. */
static struct upstream *upstream_new(struct sandbox *sandbox, const struct upstream_wish *wish)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));

    if (upstream == NULL)
        return NULL;
    upstream->sandbox = sandbox;
    upstream->target = wish->target;
    upstream->is_tls = wish->is_tls;
    upstream->offers_h1_only = wish->needs_h1;
    upstream->leg.fd = -1;
    waitlist_init(&upstream->waiting);
    h1_stream_init(&upstream->h1, &upstream->leg, H1_RESPONSES);
    deadline_init(&upstream->deadline, sandbox->proxy->base, on_expired, upstream);
    pool_insert(upstream);
    return upstream;
}

static bool fits(const struct upstream *upstream, const struct upstream_wish *wish)
{
    bool may_speak_h2 =
        upstream->state == UPSTREAM_OPEN ? upstream->speaks_h2 : !upstream->offers_h1_only;

    return upstream->is_tls == wish->is_tls && authority_equals(&upstream->target, &wish->target) &&
           !(wish->needs_h1 && wish->is_tls && may_speak_h2) &&
           !(wish->fresh_only && upstream->exchanges > 0) && upstream_tls_is_current(upstream) &&
           upstream->is_private == is_named_private(upstream); /* else it was judged otherwise */
}

static bool has_room(const struct upstream *upstream)
{
    return !upstream->speaks_h2 || h2_session_stream_room(upstream->h2.session) > 0;
}

/* One on its way can serve all who wait for it, unless it is known to speak HTTP/1: then it is for
 * the first of them. */
static bool is_usable(const struct upstream *upstream)
{
    if (upstream->state == UPSTREAM_OPEN)
        return has_room(upstream);
    return upstream->state == UPSTREAM_FAILED || waitlist_is_empty(&upstream->waiting) ||
           !(upstream->offers_h1_only || sandbox_knows_h1(upstream->sandbox, &upstream->target));
}

static bool has_spare(struct sandbox *sandbox, const struct upstream_wish *wish)
{
    struct upstream *upstream;

    TAILQ_FOREACH(upstream, &sandbox->spare_upstreams, link)
    {
        if (fits(upstream, wish) && is_usable(upstream))
            return true;
    }
    return false;
}

/* What came after its last response, if only the origin's goodbye, makes it unusable: the next
 * exchange must not take it for its own answer. */
static bool is_stale(struct upstream *upstream)
{
    return upstream->state == UPSTREAM_OPEN && !upstream->speaks_h2 && upstream->exchanges > 0 &&
           !leg_is_quiet(&upstream->leg);
}

static struct upstream *find_spare(struct sandbox *sandbox, const struct upstream_wish *wish)
{
    struct upstream *upstream = TAILQ_FIRST(&sandbox->spare_upstreams), *next;

    for (; upstream != NULL; upstream = next) {
        next = TAILQ_NEXT(upstream, link);
        if (!fits(upstream, wish) || !is_usable(upstream))
            continue;
        if (!is_stale(upstream))
            return upstream;
        upstream_free(upstream);
    }
    return NULL;
}

static struct upstream *dial_new(struct sandbox *sandbox, const struct upstream_wish *wish)
{
    struct upstream *upstream = upstream_new(sandbox, wish);

    if (upstream != NULL)
        dial(upstream);
    return upstream;
}

void upstream_warm(struct sandbox *sandbox, const struct authority *target, bool is_tls)
{
    const struct upstream_wish wish = {.target = *target, .is_tls = is_tls};

    if (sandbox->spare_upstream_count < SANDBOX_POOL_MAX && !has_spare(sandbox, &wish))
        dial_new(sandbox, &wish);
}

struct upstream *upstream_find(struct sandbox *sandbox, const struct upstream_wish *wish,
                               struct waiter *waiter)
{
    struct upstream *upstream = find_spare(sandbox, wish);

    if (upstream == NULL)
        upstream = dial_new(sandbox, wish);
    if (upstream != NULL && upstream->state != UPSTREAM_OPEN && upstream->state != UPSTREAM_FAILED)
        waitlist_add(&upstream->waiting, waiter);
    return upstream;
}

static void run_task(void *owner)
{
    struct task *task = owner;

    task->run(task->owner);
}

static struct stream *begin_h2(struct upstream *upstream, struct task *task)
{
    struct h2_message *message = h2_message_new(&upstream->h2);

    if (message == NULL)
        return NULL;
    h2_message_set_owner(message, task, task);
    return &message->stream;
}

struct stream *upstream_begin(struct upstream *upstream, struct task *task)
{
    if (upstream->exchanges > 0)
        metrics_add(METRIC_UPSTREAM_REUSED, 1);
    deadline_set(&upstream->deadline, 0);
    if (upstream->speaks_h2)
        return begin_h2(upstream, task);
    remove_from_pool(upstream);
    upstream->on_change = run_task;
    upstream->owner = task;
    return &upstream->h1.stream;
}

/* The one that was used least recently, and by nobody now. */
static void shrink_pool(struct sandbox *sandbox)
{
    struct upstream *upstream;

    TAILQ_FOREACH_REVERSE(upstream, &sandbox->spare_upstreams, upstream_list, link)
    {
        if (upstream->h2.message_count > 0)
            continue;
        upstream_free(upstream);
        return;
    }
}

static void release(struct upstream *upstream)
{
    struct sandbox *sandbox = upstream->sandbox;

    h1_stream_clear(&upstream->h1);
    upstream->owner = NULL;
    upstream->exchanges++;
    buffer_clear(&upstream->leg.out);
    pool_insert(upstream);
    begin_idling(upstream);
    leg_want_read(&upstream->leg, true);
    if (sandbox->spare_upstream_count > SANDBOX_POOL_MAX)
        shrink_pool(sandbox);
}

/* The link tells when the stream has gone, and lets go of the connection with the last of a dead
 * one. */
static void end_h2(struct upstream *upstream, struct stream *stream)
{
    upstream->exchanges++;
    h2_message_free(CONTAINER_OF(stream, struct h2_message, stream));
}

void upstream_end(struct upstream *upstream, struct stream *stream, bool is_reusable)
{
    if (upstream == NULL)
        return;
    if (upstream->speaks_h2)
        end_h2(upstream, stream);
    else if (is_reusable && stream->ops->is_clean(stream))
        release(upstream);
    else
        upstream_free(upstream);
}

void upstream_free(struct upstream *upstream)
{
    if (upstream == NULL)
        return;
    remove_from_pool(upstream);
    h2_link_close(&upstream->h2);
    wake_waiting(upstream);
    ticket_cancel(upstream->sandbox->proxy, &upstream->ticket);
    deadline_clear(&upstream->deadline);
    h1_stream_clear(&upstream->h1);
    leg_close(&upstream->leg);
    free(upstream);
}

void upstream_close_outdated(struct sandbox *sandbox)
{
    struct upstream *upstream = TAILQ_FIRST(&sandbox->spare_upstreams), *next;

    for (; upstream != NULL; upstream = next) {
        next = TAILQ_NEXT(upstream, link);
        if (upstream->h2.message_count == 0 && !upstream_tls_is_current(upstream))
            upstream_free(upstream);
    }
}

static void start_tls(struct upstream *upstream)
{
    if (upstream_tls_start(upstream) != OK) {
        fail(upstream, REFUSAL_OVERLOADED, SLICE_NONE);
        return;
    }
    upstream->state = UPSTREAM_GREETING;
    deadline_set(&upstream->deadline, upstream->sandbox->proxy->settings.connect_timeout_ms);
    step_greeting(upstream);
}

void upstream_on_dialed(struct proxy *proxy, uint64_t ticket, enum refusal_code code, int fd,
                        const struct ip_endpoint *address, struct slice detail)
{
    struct upstream *upstream = ticket_take(proxy, ticket, TICKET_DIAL);

    if (upstream == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (code != REFUSAL_NONE) {
        fail(upstream, code, detail);
        return;
    }
    upstream->address = *address;
    leg_open(&upstream->leg, proxy->base, fd, &proxy->legs);
    leg_set_owner(&upstream->leg, on_leg_ready, upstream);
    leg_want_read(&upstream->leg, true);
    if (upstream->is_tls)
        start_tls(upstream);
    else
        on_open(upstream);
}
