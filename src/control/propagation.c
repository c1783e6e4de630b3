/* SPDX-License-Identifier: Apache-2.0 */
/* Brings changes to the workers. Never answers a call before its change was pushed, and never lets
 * a worker that is stuck hold an answer for longer than a second. */

#include "control/propagation.h"

#include "base/table.h"
#include "control/view_build.h"
#include "observe/log.h"

#include <event2/event.h>
#include <stdlib.h>

enum { OUTDATED_AT_ONCE = 2048 /* sandboxes in one message */ };

struct worker_set {
    uint64_t bits[PROPAGATION_WORKERS_MAX / 64];
};

/* A sandbox whose view some worker holds. */
struct held_view {
    struct table_entry entry;
    struct worker_set workers;
    char id[];
};

/* A change that waits for its pushes. */
struct wait {
    struct propagation *propagation; /* borrowed */
    struct wait *previous, *next;
    struct propagation_then then;
    size_t outstanding;
    struct event *timer;
};

/* One view on its way to one worker, or the word that older ones do not count. */
struct push {
    struct table_entry entry;
    uint64_t number;
    unsigned worker;   /* or PROPAGATION_DIALER */
    struct wait *wait; /* borrowed; NULL: nobody waits any more */
};

struct propagation {
    struct control *control; /* borrowed */
    struct table held, pushes;
    struct worker_set ready;
    struct wait *waits;
    uint64_t last_push;
};

static void worker_set_add(struct worker_set *set, unsigned worker)
{
    set->bits[worker / 64] |= UINT64_C(1) << (worker % 64);
}

static void worker_set_remove(struct worker_set *set, unsigned worker)
{
    set->bits[worker / 64] &= ~(UINT64_C(1) << (worker % 64));
}

static bool worker_set_has(const struct worker_set *set, unsigned worker)
{
    return (set->bits[worker / 64] >> (worker % 64) & 1) != 0;
}

static bool worker_set_is_empty(const struct worker_set *set)
{
    uint64_t any = 0;
    for (size_t i = 0; i < ARRAY_LEN(set->bits); i++)
        any |= set->bits[i];
    return any == 0;
}

static void then_run(const struct propagation_then *then)
{
    if (then->done != NULL)
        then->done(then->argument);
    else if (then->call != NULL && then->status == 204)
        api_answer_nothing(then->call);
    else if (then->call != NULL)
        api_answer(then->call, then->status, then->value);
}

static void wait_unlink(struct wait *wait)
{
    if (wait->next != NULL)
        wait->next->previous = wait->previous;
    if (wait->previous != NULL)
        wait->previous->next = wait->next;
    else
        wait->propagation->waits = wait->next;
}

static void wait_free(struct wait *wait)
{
    wait_unlink(wait);
    if (wait->timer != NULL)
        event_free(wait->timer);
    free(wait);
}

static void wait_finish(struct wait *wait)
{
    struct propagation_then then = wait->then;
    wait_free(wait);
    then_run(&then);
}

static void wait_settle_one(struct wait *wait)
{
    if (wait != NULL && --wait->outstanding == 0)
        wait_finish(wait);
}

static void propagation_forget_wait(struct propagation *propagation, const struct wait *wait)
{
    struct table *pushes = &propagation->pushes;
    for (struct table_entry *entry = table_first(pushes); entry != NULL;
         entry = table_next(pushes, entry)) {
        struct push *push = CONTAINER_OF(entry, struct push, entry);
        if (push->wait == wait)
            push->wait = NULL;
    }
}

static void on_wait_timeout(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct wait *wait = argument;
    LOG(LEVEL_WARN, "propagation_slow", .number = (long long)wait->outstanding, .has_number = true);
    propagation_forget_wait(wait->propagation, wait);
    wait_finish(wait);
}

/* NULL when out of memory: then nobody waits, and the answer comes at once. */
static struct wait *wait_new(struct propagation *propagation, const struct propagation_then *then)
{
    static const struct timeval limit = {PROPAGATION_WAIT_MS / 1000, 0};
    struct wait *wait = calloc(1, sizeof *wait);
    if (wait == NULL)
        return NULL;
    wait->propagation = propagation;
    wait->then = *then;
    wait->outstanding = 1; /* held by the pushing itself */
    wait->next = propagation->waits;
    if (wait->next != NULL)
        wait->next->previous = wait;
    propagation->waits = wait;
    wait->timer = event_new(propagation->control->base, -1, 0, on_wait_timeout, wait);
    if (wait->timer == NULL || event_add(wait->timer, &limit) != 0) {
        wait_free(wait);
        return NULL;
    }
    return wait;
}

struct propagation *propagation_new(struct control *control)
{
    struct propagation *propagation = calloc(1, sizeof *propagation);
    if (propagation == NULL)
        return NULL;
    propagation->control = control;
    table_init(&propagation->held);
    table_init(&propagation->pushes);
    return propagation;
}

static void push_free(struct propagation *propagation, struct push *push)
{
    table_remove(&propagation->pushes, &push->entry);
    free(push);
}

static void held_free(struct propagation *propagation, struct held_view *held)
{
    table_remove(&propagation->held, &held->entry);
    free(held);
}

void propagation_free(struct propagation *propagation)
{
    if (propagation == NULL)
        return;
    struct table_entry *entry;
    while ((entry = table_first(&propagation->pushes)) != NULL)
        push_free(propagation, CONTAINER_OF(entry, struct push, entry));
    while ((entry = table_first(&propagation->held)) != NULL)
        held_free(propagation, CONTAINER_OF(entry, struct held_view, entry));
    while (propagation->waits != NULL) {
        api_call_free(propagation->waits->then.call);
        json_decref(propagation->waits->then.value);
        wait_free(propagation->waits);
    }
    table_clear(&propagation->pushes);
    table_clear(&propagation->held);
    free(propagation);
}

static struct held_view *propagation_find(struct propagation *propagation, struct slice id)
{
    struct table_entry *entry = table_find(&propagation->held, id);
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct held_view, entry);
}

static void propagation_drop_holder(struct propagation *propagation, struct held_view *held,
                                    unsigned worker)
{
    worker_set_remove(&held->workers, worker);
    if (worker_set_is_empty(&held->workers))
        held_free(propagation, held);
}

static enum error propagation_add_holder(struct propagation *propagation, struct slice id,
                                         unsigned worker)
{
    struct held_view *held = propagation_find(propagation, id);
    if (held == NULL) {
        held = calloc(1, sizeof *held + id.len);
        if (held == NULL)
            return ERR_NO_MEMORY;
        memcpy(held->id, id.data, id.len);
        enum error error =
            table_insert(&propagation->held, &held->entry, slice_of(held->id, id.len));
        if (error != OK) {
            free(held);
            return error;
        }
    }
    worker_set_add(&held->workers, worker);
    return OK;
}

static enum error push_register(struct propagation *propagation, unsigned worker, struct wait *wait)
{
    propagation->last_push++;
    struct push *push = calloc(1, sizeof *push);
    if (push == NULL)
        return ERR_NO_MEMORY;
    push->number = propagation->last_push;
    push->worker = worker;
    push->wait = wait;
    enum error error = table_insert(&propagation->pushes, &push->entry,
                                    slice_of(&push->number, sizeof push->number));
    if (error != OK) {
        free(push);
        return error;
    }
    if (wait != NULL)
        wait->outstanding++;
    return OK;
}

/* What was built until now for these sandboxes; `count` 0: for all. */
static void propagation_outdate_some(struct propagation *propagation, const struct slice *ids,
                                     size_t count, struct wait *wait)
{
    const struct control *control = propagation->control;
    struct control_outdating outdating = {
        .generation = control->generation, .sandboxes = ids, .count = count};
    if (push_register(propagation, PROPAGATION_DIALER, wait) != OK)
        LOG(LEVEL_ERROR, "push_not_awaited");
    outdating.push = propagation->last_push;
    control->services.outdate_views(control->services.context, &outdating);
}

static void propagation_outdate(struct propagation *propagation, const struct text_list *ids,
                                struct wait *wait)
{
    for (size_t i = 0; i < ids->count; i += OUTDATED_AT_ONCE) {
        size_t left = ids->count - i;
        propagation_outdate_some(propagation, ids->items + i,
                                 left < OUTDATED_AT_ONCE ? left : OUTDATED_AT_ONCE, wait);
    }
}

/* An empty `encoded`: the sandbox is gone. A push that cannot be registered is sent all the same;
 * only the answer does not wait for it. */
static void propagation_push_one(struct propagation *propagation, const struct held_view *held,
                                 struct slice encoded, struct wait *wait)
{
    const struct control_services *services = &propagation->control->services;
    for (unsigned worker = 0; worker < PROPAGATION_WORKERS_MAX; worker++) {
        if (!worker_set_has(&held->workers, worker))
            continue;
        if (push_register(propagation, worker, wait) != OK)
            LOG(LEVEL_ERROR, "push_not_awaited", .sandbox = held->entry.key);
        if (encoded.len > 0)
            services->push_view(services->context, worker, propagation->last_push, encoded);
        else
            services->push_view_gone(services->context, worker, propagation->last_push,
                                     held->entry.key);
    }
}

/* What cannot be built is taken away: a worker must not go on with what is no longer true. */
static void propagation_push_held(struct propagation *propagation, struct held_view *held,
                                  struct wait *wait)
{
    OWNED_STRUCT(buffer) *encoded = &(struct buffer){.limit = VIEW_ENCODED_MAX};
    enum error error = view_build_encoded(propagation->control, held->entry.key, encoded);
    if (error != OK && error != ERR_NOT_FOUND)
        LOG(LEVEL_ERROR, "view_not_built", .sandbox = held->entry.key, .error = error);
    propagation_push_one(propagation, held, error == OK ? buffer_view(encoded) : SLICE_NONE, wait);
    if (error != OK)
        held_free(propagation, held);
}

void propagation_push(struct propagation *propagation, const struct text_list *sandbox_ids,
                      const struct propagation_then *then)
{
    struct wait *wait = wait_new(propagation, then);
    propagation_outdate(propagation, sandbox_ids, wait);
    for (size_t i = 0; i < sandbox_ids->count; i++) {
        struct held_view *held = propagation_find(propagation, sandbox_ids->items[i]);
        if (held != NULL)
            propagation_push_held(propagation, held, wait);
    }
    if (wait == NULL)
        then_run(then);
    wait_settle_one(wait);
}

void propagation_push_all(struct propagation *propagation, const struct propagation_then *then)
{
    struct wait *wait = wait_new(propagation, then);
    propagation_outdate_some(propagation, NULL, 0, wait);
    struct table_entry *entry = table_first(&propagation->held);
    while (entry != NULL) {
        struct held_view *held = CONTAINER_OF(entry, struct held_view, entry);
        entry = table_next(&propagation->held, entry);
        propagation_push_held(propagation, held, wait);
    }
    if (wait == NULL)
        then_run(then);
    wait_settle_one(wait);
}

void propagation_push_source(struct propagation *propagation, const struct ip_address *source,
                             const struct propagation_then *then)
{
    const struct control_services *services = &propagation->control->services;
    struct wait *wait = wait_new(propagation, then);
    for (unsigned worker = 0; worker < PROPAGATION_WORKERS_MAX; worker++) {
        if (!worker_set_has(&propagation->ready, worker))
            continue;
        if (push_register(propagation, worker, wait) != OK)
            LOG(LEVEL_ERROR, "push_not_awaited");
        services->push_source(services->context, worker, propagation->last_push, source);
    }
    if (wait == NULL)
        then_run(then);
    wait_settle_one(wait);
}

void propagation_on_taken(struct propagation *propagation, unsigned worker, uint64_t number)
{
    struct table_entry *entry = table_find(&propagation->pushes, slice_of(&number, sizeof number));
    struct push *push = entry == NULL ? NULL : CONTAINER_OF(entry, struct push, entry);
    if (push == NULL || push->worker != worker)
        return;
    struct wait *wait = push->wait;
    push_free(propagation, push);
    wait_settle_one(wait);
}

/* One of this worker's pushes; NULL when there is none left. */
static struct push *propagation_push_of(struct propagation *propagation, unsigned worker)
{
    struct table *pushes = &propagation->pushes;
    for (struct table_entry *entry = table_first(pushes); entry != NULL;
         entry = table_next(pushes, entry)) {
        struct push *push = CONTAINER_OF(entry, struct push, entry);
        if (push->worker == worker)
            return push;
    }
    return NULL;
}

static void propagation_settle(struct propagation *propagation, unsigned worker)
{
    struct push *push;
    while ((push = propagation_push_of(propagation, worker)) != NULL)
        propagation_on_taken(propagation, worker, push->number);
}

void propagation_on_dialer_gone(struct propagation *propagation)
{
    propagation_settle(propagation, PROPAGATION_DIALER);
}

void propagation_on_worker_ready(struct propagation *propagation, unsigned worker)
{
    propagation_on_worker_gone(propagation, worker);
    if (worker < PROPAGATION_WORKERS_MAX)
        worker_set_add(&propagation->ready, worker);
}

void propagation_on_worker_gone(struct propagation *propagation, unsigned worker)
{
    if (worker >= PROPAGATION_WORKERS_MAX)
        return;
    worker_set_remove(&propagation->ready, worker);
    struct table_entry *entry = table_first(&propagation->held);
    while (entry != NULL) {
        struct held_view *held = CONTAINER_OF(entry, struct held_view, entry);
        entry = table_next(&propagation->held, entry);
        propagation_drop_holder(propagation, held, worker);
    }
    propagation_settle(propagation, worker);
}

void propagation_on_request(struct propagation *propagation, unsigned worker, uint64_t ticket,
                            struct slice sandbox_id)
{
    const struct control_services *services = &propagation->control->services;
    OWNED_STRUCT(buffer) *encoded = &(struct buffer){.limit = VIEW_ENCODED_MAX};
    enum error error = sandbox_id.len == 0
                           ? ERR_NOT_FOUND
                           : view_build_encoded(propagation->control, sandbox_id, encoded);
    if (error == OK)
        error = worker < PROPAGATION_WORKERS_MAX
                    ? propagation_add_holder(propagation, sandbox_id, worker)
                    : ERR_TOO_LARGE;
    if (error != OK && error != ERR_NOT_FOUND)
        LOG(LEVEL_ERROR, "view_not_built", .sandbox = sandbox_id, .error = error);
    bool is_settled = error == OK || error == ERR_NOT_FOUND;
    services->send_view(services->context, worker, ticket, is_settled ? error : ERR_UNAVAILABLE,
                        error == OK ? buffer_view(encoded) : SLICE_NONE);
}

void propagation_on_release(struct propagation *propagation, unsigned worker,
                            struct slice sandbox_id)
{
    struct held_view *held = propagation_find(propagation, sandbox_id);
    if (held != NULL && worker < PROPAGATION_WORKERS_MAX)
        propagation_drop_holder(propagation, held, worker);
}
