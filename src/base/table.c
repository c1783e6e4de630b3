/* SPDX-License-Identifier: Apache-2.0 */
/* Chained hashing with a secret key. Never shrinks, never owns what it holds. */
#include "base/table.h"

#include <sodium.h>
#include <stdlib.h>

enum { FIRST_BUCKETS = 16 };

static uint64_t hash_of(struct slice key)
{
    static unsigned char hash_key[crypto_shorthash_KEYBYTES];
    static bool keyed;
    uint64_t hash;

    if (!keyed) {
        crypto_shorthash_keygen(hash_key);
        keyed = true;
    }
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.data, key.len, hash_key);
    return hash;
}

void table_init(struct table *table)
{
    *table = (struct table){0};
}

void table_clear(struct table *table)
{
    free(table->buckets);
    table_init(table);
}

static struct table_entry **bucket_of(const struct table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

struct table_entry *table_find(const struct table *table, struct slice key)
{
    if (table->count == 0)
        return NULL;

    uint64_t hash = hash_of(key);
    for (struct table_entry *entry = *bucket_of(table, hash); entry != NULL; entry = entry->next)
        if (entry->hash == hash && slice_equals(entry->key, key))
            return entry;
    return NULL;
}

static void link_entry(struct table *table, struct table_entry *entry)
{
    struct table_entry **bucket = bucket_of(table, entry->hash);

    entry->next = *bucket;
    *bucket = entry;
}

static enum error grow(struct table *table)
{
    struct table bigger = {.bucket_count = table->bucket_count * 2};

    if (bigger.bucket_count == 0)
        bigger.bucket_count = FIRST_BUCKETS;
    bigger.buckets = calloc(bigger.bucket_count, sizeof(struct table_entry *));
    if (bigger.buckets == NULL)
        return ERR_NO_MEMORY;

    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct table_entry *entry = table->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            link_entry(&bigger, entry);
        }
    }
    bigger.count = table->count;
    free(table->buckets);
    *table = bigger;
    return OK;
}

enum error table_insert(struct table *table, struct table_entry *entry, struct slice key)
{
    if (table_find(table, key) != NULL)
        return ERR_EXISTS;
    if (table->count >= table->bucket_count)
        TRY(grow(table));
    entry->key = key;
    entry->hash = hash_of(key);
    link_entry(table, entry);
    table->count++;
    return OK;
}

void table_remove(struct table *table, struct table_entry *entry)
{
    struct table_entry **link = bucket_of(table, entry->hash);

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    table->count--;
}

static struct table_entry *first_from(const struct table *table, size_t bucket)
{
    for (; bucket < table->bucket_count; bucket++)
        if (table->buckets[bucket] != NULL)
            return table->buckets[bucket];
    return NULL;
}

struct table_entry *table_first(const struct table *table)
{
    return first_from(table, 0);
}

struct table_entry *table_next(const struct table *table, const struct table_entry *entry)
{
    if (entry->next != NULL)
        return entry->next;
    return first_from(table, (entry->hash & (table->bucket_count - 1)) + 1);
}
