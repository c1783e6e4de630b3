/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A hash table of things that embed a table_entry, keyed by bytes that the thing owns. Keyed
 * hashing (SipHash), so peers cannot choose collisions. Owns its buckets, never the things. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

struct table_entry {
    struct table_entry *next;
    struct slice key; /* borrowed from the thing; must not change while it is in the table */
    uint64_t hash;
};

struct table {
    struct table_entry **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
};

void table_init(struct table *table);
/* Forgets all entries. */
void table_clear(struct table *table);
struct table_entry *table_find(const struct table *table, struct slice key);
/* ERR_EXISTS when the key is there. */
MUST_USE enum error table_insert(struct table *table, struct table_entry *entry, struct slice key);
void table_remove(struct table *table, struct table_entry *entry);
/* Any entry, for draining; NULL when empty. */
struct table_entry *table_first(const struct table *table);
/* The one after `entry` in no particular order; the table must not change in between. */
struct table_entry *table_next(const struct table *table, const struct table_entry *entry);
