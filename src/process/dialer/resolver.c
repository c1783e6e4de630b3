/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of answers and who waits for them: one question per name at a time. Never keeps an
 * answer longer than a minute, and never a failure. */
#include "process/dialer/resolver.h"

#include "base/table.h"
#include "process/dialer/resolver_question.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>

struct resolver_entry {
    struct table_entry in_table;
    TAILQ_ENTRY(resolver_entry) in_ready; /* once it is answered */
    struct resolver *resolver;            /* borrowed: the owner */
    struct resolver_channel *asked;       /* borrowed; NULL: answered */
    struct resolver_query *waiting;
    struct host_name host;
    struct resolver_answer answer;
    time_t expires;
    bool is_forgotten; /* not in the table any more: the answer is for those who wait */
};

struct resolver {
    struct event_base *base;     /* borrowed */
    const struct config *config; /* borrowed */
    struct resolver_channel *channel;
    struct resolver_channels retired; /* still answering, with former nameservers */
    struct table entries;
    TAILQ_HEAD(ready_list, resolver_entry) ready; /* least recently answered first */
    struct stat system_file;                      /* resolv.conf when the channel was made */
    time_t checked;
};

static time_t now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static struct stat stat_system_file(void)
{
    struct stat file = {0};

    if (stat("/etc/resolv.conf", &file) != 0)
        file = (struct stat){0};
    return file;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void forget_answer(struct resolver_entry *entry)
{
    struct resolver *resolver = entry->resolver;

    TAILQ_REMOVE(&resolver->ready, entry, in_ready);
    table_remove(&resolver->entries, &entry->in_table);
    free(entry);
}

static void forget_answers(struct resolver *resolver)
{
    while (!TAILQ_EMPTY(&resolver->ready))
        forget_answer(TAILQ_FIRST(&resolver->ready));
}

/* Questions under way were put to the old nameservers: those who wait get their answer, nobody
 * else. */
static void forget_questions(struct resolver *resolver)
{
    for (struct table_entry *entry = table_first(&resolver->entries); entry != NULL;
         entry = table_first(&resolver->entries)) {
        CONTAINER_OF(entry, struct resolver_entry, in_table)->is_forgotten = true;
        table_remove(&resolver->entries, entry);
    }
}

static enum error renew_channel(struct resolver *resolver)
{
    struct resolver_channel *fresh = NULL;

    TRY(resolver_channel_new(resolver->base, resolver->config, &fresh));
    forget_answers(resolver);
    forget_questions(resolver);
    if (resolver->channel != NULL)
        resolver_channel_retire(resolver->channel, &resolver->retired);
    resolver->channel = fresh;
    return OK;
}

enum error resolver_new(struct event_base *base, const struct config *config, struct resolver **out)
{
    OWNED_STRUCT(resolver) *resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL)
        return ERR_NO_MEMORY;

    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return ERR_DNS;
    resolver->base = base;
    resolver->config = config;
    resolver->system_file = stat_system_file();
    table_init(&resolver->entries);
    TAILQ_INIT(&resolver->ready);
    LIST_INIT(&resolver->retired);
    TRY(renew_channel(resolver));
    *out = TAKE(resolver);
    return OK;
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    while (!LIST_EMPTY(&resolver->retired))
        resolver_channel_free(LIST_FIRST(&resolver->retired));
    resolver_channel_free(resolver->channel); /* answers what is under way */
    forget_answers(resolver);
    table_clear(&resolver->entries);
    ares_library_cleanup();
    free(resolver);
}

enum error resolver_reconfigure(struct resolver *resolver, const struct config *config)
{
    resolver->config = config;
    return renew_channel(resolver);
}

/* At most once a second; a failure keeps the old channel, which is no worse than before. */
static void follow_system_file(struct resolver *resolver, time_t now)
{
    if (resolver->config->nameservers.count > 0 || now == resolver->checked)
        return;
    resolver->checked = now;
    struct stat file = stat_system_file();
    if (!same_file(&file, &resolver->system_file) && renew_channel(resolver) == OK)
        resolver->system_file = file;
}

static void wait_for(struct resolver_entry *entry, struct resolver_query *query)
{
    query->entry = entry;
    query->next = entry->waiting;
    query->link = &entry->waiting;
    if (query->next != NULL)
        query->next->link = &query->next;
    entry->waiting = query;
}

void resolver_cancel(struct resolver_query *query)
{
    if (query->entry == NULL)
        return;
    *query->link = query->next;
    if (query->next != NULL)
        query->next->link = query->link;
    query->entry = NULL;
}

static void answer_waiting(struct resolver_entry *entry, enum error error, bool exists)
{
    while (entry->waiting != NULL) {
        struct resolver_query *query = entry->waiting;

        resolver_cancel(query);
        query->done(query, error, exists ? &entry->answer : NULL);
    }
}

static enum error error_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return OK;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
        return ERR_NOT_FOUND;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
        return ERR_TIMEOUT;
    default:
        return ERR_DNS;
    }
}

static void keep_answer(struct resolver_entry *entry)
{
    struct resolver *resolver = entry->resolver;

    entry->expires = now_s() + entry->answer.ttl_s;
    TAILQ_INSERT_TAIL(&resolver->ready, entry, in_ready);
    while (resolver->entries.count > RESOLVER_CACHE_MAX && TAILQ_FIRST(&resolver->ready) != entry)
        forget_answer(TAILQ_FIRST(&resolver->ready));
}

static void drop_question(struct resolver_entry *entry)
{
    if (!entry->is_forgotten)
        table_remove(&entry->resolver->entries, &entry->in_table);
    free(entry);
}

/* `asked` stays set while those who wait are told, so that one who asks again from there joins them
 * and does not find the entry half-way. */
static void on_answer(void *context, int status, const struct resolver_answer *answer)
{
    struct resolver_entry *entry = context;
    enum error error = error_of(status);

    entry->answer = *answer;
    answer_waiting(entry, error, status == ARES_SUCCESS || status == ARES_ENODATA);
    entry->asked = NULL;
    if (error == OK && !entry->is_forgotten)
        keep_answer(entry);
    else
        drop_question(entry);
}

static enum error add_entry(struct resolver *resolver, const struct host_name *host,
                            struct resolver_entry **out)
{
    struct resolver_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return ERR_NO_MEMORY;

    entry->resolver = resolver;
    entry->host = *host;
    enum error error =
        table_insert(&resolver->entries, &entry->in_table, host_name_view(&entry->host));
    if (error != OK) {
        free(entry);
        return error;
    }
    *out = entry;
    return OK;
}

static struct resolver_entry *find_entry(struct resolver *resolver, const struct host_name *host,
                                         time_t now)
{
    struct table_entry *found = table_find(&resolver->entries, host_name_view(host));
    if (found == NULL)
        return NULL;

    struct resolver_entry *entry = CONTAINER_OF(found, struct resolver_entry, in_table);
    if (entry->asked != NULL || entry->expires > now)
        return entry;
    forget_answer(entry);
    return NULL;
}

static void ask(struct resolver *resolver, const struct host_name *host,
                struct resolver_query *query)
{
    static const struct resolver_answer nothing = {.count = 0};
    struct resolver_entry *entry = NULL;
    enum error error = add_entry(resolver, host, &entry);

    if (error != OK) {
        query->done(query, error, NULL);
        return;
    }
    wait_for(entry, query);
    entry->asked = resolver->channel;
    error = resolver_question_ask(resolver->channel, entry->host.text,
                                  &(struct resolver_question){on_answer, entry});
    if (error != OK)
        on_answer(entry, ARES_ENOMEM, &nothing);
}

static void answer_from_cache(struct resolver_entry *entry, struct resolver_query *query,
                              time_t now)
{
    entry->answer.ttl_s = (uint32_t)(entry->expires - now);
    query->done(query, OK, &entry->answer);
}

void resolver_ask(struct resolver *resolver, const struct host_name *host,
                  struct resolver_query *query)
{
    time_t now = now_s();

    query->entry = NULL;
    follow_system_file(resolver, now);
    struct resolver_entry *entry = find_entry(resolver, host, now);
    if (entry == NULL)
        ask(resolver, host, query);
    else if (entry->asked != NULL)
        wait_for(entry, query);
    else
        answer_from_cache(entry, query, now);
}
