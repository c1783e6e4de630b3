/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to origins and the pool of spare ones. Never hands one to another sandbox or target.
 */
#include "proxy/upstream/upstream.h"

#include "observe/metrics.h"
#include "proxy/upstream/upstream_match.h"
#include "proxy/upstream/upstream_tls.h"

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

static void become_open(struct upstream *upstream)
{
    upstream->state = UPSTREAM_OPEN;
    metrics_add(METRIC_UPSTREAM_DIALS, 1);
    begin_idling(upstream);
    wake_waiting(upstream);
}

static void fail_h2(struct upstream *upstream, enum refusal_code code, struct slice detail)
{
    h2_link_close(&upstream->h2);
    fail(upstream, code, detail);
}

/* It was opened because the origin refused HTTP/1.1, which the next WebSocket tries again. */
static void step_settling(struct upstream *upstream)
{
    if (upstream_match_takes_websockets(upstream)) {
        become_open(upstream);
    } else if (upstream->h2.is_over) {
        fail_h2(upstream, REFUSAL_UPSTREAM_CLOSED, SLICE("the HTTP/2 connection did not begin"));
    } else if (h2_session_has_peer_settings(upstream->h2.session)) {
        sandbox_learn_h1_refusal(upstream->sandbox, &upstream->target, false);
        fail_h2(upstream, REFUSAL_UPSTREAM_PROTOCOL,
                SLICE("it speaks HTTP/2 alone and does not announce WebSockets there (RFC 8441)"));
    }
}

/* The session is over, or has fewer streams. */
static void on_h2_change(void *owner)
{
    struct upstream *upstream = owner;

    if (upstream->state == UPSTREAM_SETTLING) {
        step_settling(upstream);
        return;
    }
    /* One that is over stays in the pool, where its sandbox finds it, without room for streams;
     * those there are hear of it themselves. */
    if (upstream->h2.message_count > 0)
        deadline_set(&upstream->deadline, 0);
    else if (upstream->h2.is_over || !upstream_match_is_current(upstream))
        upstream_free(upstream);
    else if (upstream->deadline.at_ms == 0)
        begin_idling(upstream);
}

static enum error open_h2(struct upstream *upstream)
{
    upstream->h2.on_change = on_h2_change;
    upstream->h2.owner = upstream;
    return h2_link_open(&upstream->h2, upstream->sandbox, &upstream->leg, H2_RESPONSES);
}

/* One that was offered HTTP/1 alone says nothing about what it prefers. */
static void learn_protocol(struct upstream *upstream)
{
    if (upstream->use != UPSTREAM_FOR_UPGRADE)
        sandbox_learn_protocol(upstream->sandbox, &upstream->target, upstream->speaks_h2);
    if (upstream->use == UPSTREAM_FOR_CONNECT && !upstream->speaks_h2)
        sandbox_learn_h1_refusal(upstream->sandbox, &upstream->target, false);
}

static void on_open(struct upstream *upstream)
{
    upstream->speaks_h2 = upstream->is_tls && upstream_tls_speaks_h2(upstream);
    if (upstream->speaks_h2 && open_h2(upstream) != OK) {
        fail(upstream, REFUSAL_OVERLOADED, SLICE_NONE);
        return;
    }
    learn_protocol(upstream);
    if (!upstream->speaks_h2 || upstream->use != UPSTREAM_FOR_CONNECT) {
        become_open(upstream);
        return;
    }
    upstream->state = UPSTREAM_SETTLING;
    h2_link_step(&upstream->h2); /* the SETTINGS may have come with the handshake */
}

/* Either it says that it does not speak HTTP/1.1 (RFC 7301, 3.2), or it just closes. */
static void learn_from_failure(struct upstream *upstream)
{
    if (upstream->use == UPSTREAM_FOR_UPGRADE && upstream_tls_trusts(upstream))
        sandbox_learn_h1_refusal(upstream->sandbox, &upstream->target, true);
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
        learn_from_failure(upstream);
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
        fail_h2(upstream, REFUSAL_UPSTREAM_TIMEOUT, SLICE("the handshake took too long"));
}

static void pool_insert(struct upstream *upstream)
{
    upstream->is_pooled = true;
    TAILQ_INSERT_HEAD(&upstream->sandbox->spare_upstreams, upstream, link);
    upstream->sandbox->spare_upstream_count++;
}

static void dial(struct upstream *upstream)
{
    struct proxy *proxy = upstream->sandbox->proxy;
    uint64_t ticket = ticket_open(proxy, &upstream->ticket, TICKET_DIAL, upstream);

    upstream->route_tag = proxy->settings.route_tag;
    upstream->is_private = upstream_match_is_named_private(upstream);
    proxy->services.dial(proxy->services.context, ticket, upstream->sandbox->view,
                         &upstream->target);
}

/* Spare until somebody claims it. */
static struct upstream *upstream_new(struct sandbox *sandbox, const struct upstream_wish *wish,
                                     enum upstream_use use)
{
    struct upstream *upstream = calloc(1, sizeof(*upstream));

    if (upstream == NULL)
        return NULL;
    upstream->sandbox = sandbox;
    upstream->target = wish->target;
    upstream->is_tls = wish->is_tls;
    upstream->use = use;
    upstream->leg.fd = -1;
    upstream->dialed_ms = deadline_now_ms();
    waitlist_init(&upstream->waiting);
    h1_stream_init(&upstream->h1, &upstream->leg, H1_RESPONSES);
    deadline_init(&upstream->deadline, sandbox->proxy->base, on_expired, upstream);
    pool_insert(upstream);
    return upstream;
}

static bool has_spare(struct sandbox *sandbox, const struct upstream_wish *wish,
                      enum upstream_use use)
{
    struct upstream *upstream;

    TAILQ_FOREACH(upstream, &sandbox->spare_upstreams, link)
    {
        if (upstream_match_fits(upstream, wish, use) && upstream_match_is_usable(upstream))
            return true;
    }
    return false;
}

static struct upstream *find_spare(struct sandbox *sandbox, const struct upstream_wish *wish,
                                   enum upstream_use use)
{
    struct upstream *upstream = TAILQ_FIRST(&sandbox->spare_upstreams), *next;

    for (; upstream != NULL; upstream = next) {
        next = TAILQ_NEXT(upstream, link);
        if (!upstream_match_fits(upstream, wish, use) || !upstream_match_is_usable(upstream))
            continue;
        if (!upstream_match_is_stale(upstream))
            return upstream;
        upstream_free(upstream);
    }
    return NULL;
}

static struct upstream *dial_new(struct sandbox *sandbox, const struct upstream_wish *wish,
                                 enum upstream_use use)
{
    struct upstream *upstream = upstream_new(sandbox, wish, use);

    if (upstream != NULL)
        dial(upstream);
    return upstream;
}

void upstream_warm(struct sandbox *sandbox, const struct authority *target, bool is_tls)
{
    const struct upstream_wish wish = {.target = *target, .is_tls = is_tls};

    if (sandbox->spare_upstream_count < SANDBOX_POOL_MAX &&
        !has_spare(sandbox, &wish, UPSTREAM_FOR_ANY))
        dial_new(sandbox, &wish, UPSTREAM_FOR_ANY);
}

/* A WebSocket goes over HTTP/1.1, unless a connection that is there takes it as a stream, or the
 * origin does not speak HTTP/1.1. */
static enum upstream_use use_for(struct sandbox *sandbox, const struct upstream_wish *wish)
{
    if (!wish->is_websocket)
        return UPSTREAM_FOR_ANY;
    if (wish->is_tls && (sandbox_knows_h1_refusal(sandbox, &wish->target) ||
                         has_spare(sandbox, wish, UPSTREAM_FOR_CONNECT)))
        return UPSTREAM_FOR_CONNECT;
    return UPSTREAM_FOR_UPGRADE;
}

struct upstream *upstream_find(struct sandbox *sandbox, const struct upstream_wish *wish,
                               struct waiter *waiter)
{
    enum upstream_use use = use_for(sandbox, wish);
    struct upstream *upstream = find_spare(sandbox, wish, use);

    if (upstream == NULL)
        upstream = dial_new(sandbox, wish, use);
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

bool upstream_is_unagreed(const struct upstream *upstream)
{
    return upstream->is_tls && !upstream_tls_has_agreed(upstream);
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
    else if (is_reusable && upstream_match_is_current(upstream) && stream->ops->is_clean(stream))
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

/* What is left of connect_timeout for the handshake. */
static uint64_t time_left(const struct upstream *upstream)
{
    uint64_t limit = upstream->sandbox->proxy->settings.connect_timeout_ms;
    uint64_t gone = deadline_now_ms() - upstream->dialed_ms;

    return gone < limit ? limit - gone : 1;
}

static void start_tls(struct upstream *upstream)
{
    if (upstream_tls_start(upstream) != OK) {
        fail(upstream, REFUSAL_OVERLOADED, SLICE_NONE);
        return;
    }
    upstream->state = UPSTREAM_GREETING;
    deadline_set(&upstream->deadline, time_left(upstream));
    step_greeting(upstream);
}

static void begin(struct upstream *upstream, const struct proxy_dialed *answer)
{
    struct proxy *proxy = upstream->sandbox->proxy;

    upstream->address = answer->address;
    leg_open(&upstream->leg, proxy->base, answer->fd, &proxy->legs);
    leg_set_owner(&upstream->leg, on_leg_ready, upstream);
    leg_want_read(&upstream->leg, true);
    if (upstream->is_tls)
        start_tls(upstream);
    else
        on_open(upstream);
}

bool upstream_on_dialed(struct proxy *proxy, uint64_t ticket, const struct proxy_dialed *answer)
{
    struct upstream *upstream = ticket_take(proxy, ticket, TICKET_DIAL);

    if (upstream == NULL)
        return false;
    if (answer->code != REFUSAL_NONE) {
        fail(upstream, answer->code, answer->detail);
    } else if (answer->route_tag == upstream->route_tag) {
        begin(upstream, answer);
    } else {
        close(answer->fd);
        if (time_left(upstream) > 1) /* one of us has the new configuration already */
            dial(upstream);
        else
            fail(upstream, REFUSAL_UPSTREAM_TIMEOUT, SLICE_NONE);
    }
    return true;
}
