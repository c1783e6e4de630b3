/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves by host, least recently used out first. Never holds more leaves than its capacity, never
 * hands out one that is about to end. */
#include "base/table.h"
#include "ca/ca.h"

#include <stdlib.h>
#include <sys/queue.h>

enum { MARGIN_S = 3600 };

struct cached_leaf {
    struct table_entry entry; /* by the text of `host` */
    TAILQ_ENTRY(cached_leaf) by_use;
    struct host_name host;
    X509 *leaf;
    time_t usable_until;
};

struct leaf_cache {
    struct table leaves;
    TAILQ_HEAD(, cached_leaf) by_use; /* least recent first */
    size_t count, capacity;
};

struct leaf_cache *leaf_cache_new(size_t capacity)
{
    struct leaf_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        return NULL;
    table_init(&cache->leaves);
    TAILQ_INIT(&cache->by_use);
    cache->capacity = capacity > 0 ? capacity : 1;
    return cache;
}

static struct cached_leaf *find(const struct leaf_cache *cache, const struct host_name *host)
{
    struct table_entry *entry = table_find(&cache->leaves, host_name_view(host));

    return entry == NULL ? NULL : CONTAINER_OF(entry, struct cached_leaf, entry);
}

static void forget(struct leaf_cache *cache, struct cached_leaf *cached)
{
    TAILQ_REMOVE(&cache->by_use, cached, by_use);
    table_remove(&cache->leaves, &cached->entry);
    cache->count--;
    X509_free(cached->leaf);
    free(cached);
}

void leaf_cache_reset(struct leaf_cache *cache)
{
    struct table_entry *entry;

    while ((entry = table_first(&cache->leaves)) != NULL)
        forget(cache, CONTAINER_OF(entry, struct cached_leaf, entry));
}

void leaf_cache_free(struct leaf_cache *cache)
{
    if (cache == NULL)
        return;
    leaf_cache_reset(cache);
    table_clear(&cache->leaves);
    free(cache);
}

X509 *leaf_cache_find(struct leaf_cache *cache, const struct host_name *host, time_t now)
{
    struct cached_leaf *cached = find(cache, host);

    if (cached == NULL)
        return NULL;
    if (now >= cached->usable_until) {
        forget(cache, cached);
        return NULL;
    }
    TAILQ_REMOVE(&cache->by_use, cached, by_use);
    TAILQ_INSERT_TAIL(&cache->by_use, cached, by_use);
    return cached->leaf;
}

static enum error end_of(const X509 *leaf, time_t *out)
{
    struct tm end;

    if (!ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end))
        return ERR_CRYPTO;
    *out = timegm(&end);
    return OK;
}

/* A reference of its own to `leaf`. NULL when out of memory. */
static struct cached_leaf *insert(struct leaf_cache *cache, const struct host_name *host,
                                  X509 *leaf)
{
    struct cached_leaf *cached = calloc(1, sizeof(*cached));

    if (cached == NULL)
        return NULL;
    cached->host = *host;
    if (table_insert(&cache->leaves, &cached->entry, host_name_view(&cached->host)) != OK) {
        free(cached);
        return NULL;
    }
    X509_up_ref(leaf);
    cached->leaf = leaf;
    TAILQ_INSERT_TAIL(&cache->by_use, cached, by_use);
    cache->count++;
    return cached;
}

enum error leaf_cache_put(struct leaf_cache *cache, const struct host_name *host, X509 *leaf)
{
    struct cached_leaf *cached = find(cache, host);
    time_t end;

    TRY(end_of(leaf, &end));
    if (cached != NULL)
        forget(cache, cached);
    else if (cache->count == cache->capacity)
        forget(cache, TAILQ_FIRST(&cache->by_use));
    cached = insert(cache, host, leaf);
    if (cached == NULL)
        return ERR_NO_MEMORY;
    cached->usable_until = end - MARGIN_S;
    return OK;
}
