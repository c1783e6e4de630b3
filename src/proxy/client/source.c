/* SPDX-License-Identifier: Apache-2.0 */
/* Source address → sandbox. Never answers for an address that control was not asked about. */
#include "proxy/client/source.h"

#include <stdlib.h>

static struct slice key_of(const struct ip_address *address)
{
    return slice_of(address->bytes, address->len);
}

static struct source *find(struct proxy *proxy, const struct ip_address *address)
{
    struct table_entry *entry = table_find(&proxy->sources, key_of(address));

    return entry != NULL ? CONTAINER_OF(entry, struct source, entry) : NULL;
}

static void source_free(struct source *source)
{
    ticket_cancel(source->proxy, &source->ticket);
    waitlist_wake(&source->waiting, &source->proxy->tasks);
    table_remove(&source->proxy->sources, &source->entry);
    free(source);
}

static struct source *source_new(struct proxy *proxy, const struct ip_address *address)
{
    struct source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return NULL;
    source->proxy = proxy;
    source->address = *address;
    waitlist_init(&source->waiting);
    if (table_insert(&proxy->sources, &source->entry, key_of(&source->address)) != OK) {
        free(source);
        return NULL;
    }
    return source;
}

static void ask_control(struct source *source)
{
    struct proxy *proxy = source->proxy;

    source->state = SOURCE_ASKED;
    source->learned_ms = proxy_now_ms(proxy);
    uint64_t ticket = ticket_open(proxy, &source->ticket, TICKET_SOURCE, source);
    proxy->services.request_view(proxy->services.context, ticket, SLICE_NONE, &source->address);
}

struct source *source_find(struct proxy *proxy, const struct ip_address *address,
                           struct waiter *waiter)
{
    struct source *source = find(proxy, address);

    if (source == NULL) {
        source = source_new(proxy, address);
        if (source == NULL)
            return NULL;
        ask_control(source);
    }
    if (source->state == SOURCE_ASKED)
        waitlist_add(&source->waiting, waiter);
    return source;
}

void source_forget_unavailable(struct source *source)
{
    if (source->state == SOURCE_UNAVAILABLE)
        source_free(source);
}

void source_forget(struct proxy *proxy, const struct ip_address *address)
{
    struct source *source = find(proxy, address);

    if (source != NULL && source->state != SOURCE_ASKED)
        source_free(source);
}

static void register_sandbox(struct source *source, struct slice sandbox_id)
{
    source->sandbox_id_len = slice_take(sandbox_id, SANDBOX_ID_MAX).len;
    memcpy(source->sandbox_id, sandbox_id.data, source->sandbox_id_len);
    source->state = SOURCE_REGISTERED;
    source->learned_ms = proxy_now_ms(source->proxy);
    waitlist_wake(&source->waiting, &source->proxy->tasks);
}

bool source_on_view(struct proxy *proxy, uint64_t ticket, enum error error, struct view *view)
{
    struct source *source = ticket_take(proxy, ticket, TICKET_SOURCE);

    if (source == NULL)
        return false;
    if (error == OK && view != NULL && sandbox_learn(proxy, view) != NULL) {
        register_sandbox(source, view->sandbox_id);
        return true;
    }
    source->state = error == ERR_NOT_FOUND ? SOURCE_FREE : SOURCE_UNAVAILABLE;
    waitlist_wake(&source->waiting, &proxy->tasks);
    return true;
}

void source_learn(struct proxy *proxy, const struct view *view)
{
    struct source *source = view->source.len > 0 ? find(proxy, &view->source) : NULL;

    if (source != NULL && source->state != SOURCE_ASKED)
        register_sandbox(source, view->sandbox_id);
}

static void forget_matching(struct proxy *proxy,
                            bool (*matches)(const struct source *source, const void *argument),
                            const void *argument)
{
    struct table_entry *entry = table_first(&proxy->sources), *next;

    for (; entry != NULL; entry = next) {
        struct source *source = CONTAINER_OF(entry, struct source, entry);
        next = table_next(&proxy->sources, entry);
        if (matches(source, argument))
            source_free(source);
    }
}

static bool is_of_sandbox(const struct source *source, const void *argument)
{
    const struct slice *id = argument;

    return source->state == SOURCE_REGISTERED &&
           slice_equals(slice_of(source->sandbox_id, source->sandbox_id_len), *id);
}

void source_forget_sandbox(struct proxy *proxy, struct slice sandbox_id)
{
    forget_matching(proxy, is_of_sandbox, &sandbox_id);
}

static bool is_old(const struct source *source, const void *argument)
{
    const uint64_t *now = argument;

    return source->state != SOURCE_ASKED && *now - source->learned_ms >= SOURCE_KEEP_MS;
}

void source_expire(struct proxy *proxy)
{
    uint64_t now = proxy_now_ms(proxy);

    forget_matching(proxy, is_old, &now);
}

static bool is_answered(const struct source *source, UNUSED const void *argument)
{
    return source->state != SOURCE_ASKED;
}

void source_forget_answered(struct proxy *proxy)
{
    forget_matching(proxy, is_answered, NULL);
}

static bool is_any(UNUSED const struct source *source, UNUSED const void *argument)
{
    return true;
}

void source_free_all(struct proxy *proxy)
{
    forget_matching(proxy, is_any, NULL);
    table_clear(&proxy->sources);
}
