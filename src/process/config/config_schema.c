/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a mapping along its table of keys. Never skips a key that it does not know. */
#include "process/config/config_schema.h"

#include <stdio.h>

enum { NAME_MAX_LEN = 32, NEAR = 2 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits from one to the other (Levenshtein), one row at a time; NAME_MAX_LEN bounds both. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[NAME_MAX_LEN + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t replaced = diagonal + (ascii_lower(a.data[i - 1]) != ascii_lower(b.data[j - 1]));

            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

static const char *nearest(const struct config_schema *schema, struct slice name)
{
    const char *best = NULL;
    size_t best_distance = NEAR + 1;

    for (size_t i = 0; i < schema->count && name.len <= NAME_MAX_LEN; i++) {
        size_t edits = distance(name, slice_from_string(schema->keys[i].name));

        if (edits < best_distance) {
            best_distance = edits;
            best = schema->keys[i].name;
        }
    }
    return best;
}

static const struct config_key *find_key(const struct config_schema *schema, struct slice name)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (slice_equals(slice_from_string(schema->keys[i].name), name))
            return &schema->keys[i];
    }
    return NULL;
}

static enum error read_entry(struct config_reader *reader, const struct config_node *entry,
                             const struct config_schema *schema, void *target)
{
    size_t mark = config_path_push(reader, entry->key);
    const struct config_key *key = find_key(schema, entry->key);

    if (key == NULL)
        return config_fail_near(reader, entry, "there is no such key", nearest(schema, entry->key));
    TRY(key->read(reader, entry, key, (char *)target + key->offset));
    config_path_pop(reader, mark);
    return OK;
}

enum error config_schema_read(struct config_reader *reader, const struct config_node *node,
                              const struct config_schema *schema, void *target)
{
    if (config_node_is_null(node))
        return OK;
    if (node->kind != CONFIG_NODE_MAP)
        return config_fail_expected(reader, node, "a mapping of keys to values");
    for (const struct config_node *entry = node->first; entry != NULL; entry = entry->next)
        TRY(read_entry(reader, entry, schema, target));
    return OK;
}

enum error config_read_section(struct config_reader *reader, const struct config_node *node,
                               const struct config_key *key, void *target)
{
    return config_schema_read(reader, node, key->section, target);
}
