/* SPDX-License-Identifier: Apache-2.0 */
/* Which secret stores serve which sandbox. Never forgets that a sandbox once had a store: a fork
 * whose stores are all gone must not look like one that never had any. */

#include "store/layers.h"

#include "store/load.h"
#include "store/secret_stores.h"

static enum error read_layer(const struct rows *row, struct arena *arena, void *out)
{
    struct layer *layer = out;
    layer->bound = rows_integer(row, 1) != 0;
    return arena_copy(arena, rows_text(row, 0), &layer->store_id);
}

static enum error load_layers(struct store *store, struct arena *arena, const char *sql,
                              struct parameters with, struct layer_list *out)
{
    static const struct load_shape shape = {sizeof(struct layer), read_layer};
    struct loaded all;
    TRY(load_all(store, arena, &(struct load_query){sql, with, &shape}, &all));
    if (all.count > SANDBOXES_LAYERS_MAX)
        return ERR_DATABASE;

    *out = (struct layer_list){.count = all.count};
    if (all.count > 0)
        memcpy(out->items, all.items, all.count * sizeof(struct layer));
    return OK;
}

enum error layers_of_checkpoint(struct store *store, struct arena *arena,
                                struct slice checkpoint_id, struct layer_list *out)
{
    return load_layers(store, arena,
                       "SELECT l.store_id, CASE WHEN s.id IS NULL THEN 0 ELSE 1 END"
                       " FROM checkpoint_layers l LEFT JOIN secret_stores s ON s.id = l.store_id"
                       " AND s.deleted = 0"
                       " WHERE l.checkpoint_id = ?1 ORDER BY l.position",
                       SQL_WITH(SQL_TEXT(checkpoint_id)), out);
}

enum error layers_of_sandbox(struct store *store, struct arena *arena, uint64_t sandbox_seq,
                             struct layer_list *out)
{
    return load_layers(store, arena,
                       "SELECT store_id, CASE WHEN bound_store_id IS NULL THEN 0 ELSE 1 END"
                       " FROM sandbox_layers WHERE sandbox_seq = ?1 ORDER BY position",
                       SQL_WITH(SQL_INTEGER(sandbox_seq)), out);
}

static void remove_store(struct layer_list *layers, struct slice store_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < layers->count; i++)
        if (!slice_equals(layers->items[i].store_id, store_id))
            layers->items[kept++] = layers->items[i];
    layers->count = kept;
}

static enum error add_one(struct store *store, struct arena *arena, struct slice org_id,
                          struct slice id_or_name, struct layer_list *layers)
{
    struct secret_store found;
    TRY(secret_stores_find(store, arena, org_id, id_or_name, &found));

    remove_store(layers, found.id);
    if (layers->count == SANDBOXES_LAYERS_MAX)
        return ERR_TOO_LARGE;
    layers->items[layers->count++] = (struct layer){found.id, true};
    return OK;
}

enum error layers_add(struct store *store, struct arena *arena, struct slice org_id,
                      const struct text_list *ids_or_names, struct layer_list *layers)
{
    for (size_t i = 0; i < ids_or_names->count; i++)
        TRY(add_one(store, arena, org_id, ids_or_names->items[i], layers));
    return OK;
}

static enum error insert(struct store *store, uint64_t sandbox_seq, size_t position,
                         const struct layer *layer)
{
    return database_run(store->database,
                        "INSERT INTO sandbox_layers (sandbox_seq, position, store_id,"
                        " bound_store_id) VALUES (?1, ?2, ?3, ?4)",
                        SQL_WITH(SQL_INTEGER(sandbox_seq), SQL_INTEGER(position),
                                 SQL_TEXT(layer->store_id),
                                 layer->bound ? SQL_TEXT(layer->store_id) : SQL_NULL));
}

enum error layers_bind(struct store *store, uint64_t sandbox_seq, const struct layer_list *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        TRY(insert(store, sandbox_seq, i, &layers->items[i]));
    return OK;
}

enum error layers_save(struct store *store, uint64_t sandbox_seq, struct slice checkpoint_id)
{
    return database_run(store->database,
                        "INSERT INTO checkpoint_layers (checkpoint_id, position, store_id)"
                        " SELECT ?1, position, store_id FROM sandbox_layers"
                        " WHERE sandbox_seq = ?2",
                        SQL_WITH(SQL_TEXT(checkpoint_id), SQL_INTEGER(sandbox_seq)));
}

enum error layers_purge(struct store *store)
{
    return database_run(store->database,
                        "DELETE FROM secret_stores WHERE deleted = 1 AND NOT EXISTS"
                        " (SELECT 1 FROM sandbox_layers l"
                        " WHERE l.bound_store_id = secret_stores.id)",
                        SQL_NOTHING);
}
