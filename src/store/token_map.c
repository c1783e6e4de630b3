/* SPDX-License-Identifier: Apache-2.0 */
/* Which token stands for which name in which sandbox. Never brings a killed token back. */

#include "store/token_map.h"

#include "policy/token.h"
#include "store/load.h"

/* In which sandboxes a name is missing its token. */
struct gap {
    uint64_t sandbox_seq;
    struct slice name;
};

static enum error read_gap(const struct rows *row, struct arena *arena, void *out)
{
    struct gap *gap = out;
    gap->sandbox_seq = (uint64_t)rows_integer(row, 1);
    return arena_copy(arena, rows_text(row, 0), &gap->name);
}

static enum error insert_random(struct store *store, const struct gap *gap)
{
    struct token token = token_random();
    return database_run(store->database,
                        "INSERT INTO sandbox_tokens (sandbox_seq, name, token) VALUES (?1, ?2, ?3)",
                        SQL_WITH(SQL_INTEGER(gap->sandbox_seq), SQL_TEXT(gap->name),
                                 SQL_BLOB(token.bytes, sizeof token.bytes)));
}

/* `sql` selects names and sandboxes. */
static enum error fill_gaps(struct store *store, const char *sql, struct parameters with)
{
    static const struct load_shape shape = {sizeof(struct gap), read_gap};
    OWNED_ARENA scratch = {NULL};
    struct loaded all;
    TRY(load_all(store, &scratch, &(struct load_query){sql, with, &shape}, &all));

    const struct gap *gaps = all.items;
    for (size_t i = 0; i < all.count; i++)
        TRY(insert_random(store, &gaps[i]));
    return OK;
}

enum error token_map_sync(struct store *store, uint64_t sandbox_seq)
{
    struct parameters sandbox = SQL_WITH(SQL_INTEGER(sandbox_seq));
    TRY(database_run(store->database,
                     "DELETE FROM sandbox_tokens WHERE sandbox_seq = ?1 AND name NOT IN"
                     " (SELECT s.name FROM sandbox_layers l"
                     " JOIN secrets s ON s.store_id = l.bound_store_id WHERE l.sandbox_seq = ?1)",
                     sandbox));
    return fill_gaps(store,
                     "SELECT DISTINCT s.name, l.sandbox_seq FROM sandbox_layers l"
                     " JOIN secrets s ON s.store_id = l.bound_store_id WHERE l.sandbox_seq = ?1"
                     " AND NOT EXISTS (SELECT 1 FROM sandbox_tokens t"
                     " WHERE t.sandbox_seq = l.sandbox_seq AND t.name = s.name)",
                     sandbox);
}

enum error token_map_add(struct store *store, struct slice store_id, struct slice name)
{
    return fill_gaps(store,
                     "SELECT s.name, l.sandbox_seq FROM secrets s"
                     " JOIN sandbox_layers l ON l.bound_store_id = s.store_id"
                     " WHERE s.store_id = ?1 AND s.name = ?2"
                     " AND NOT EXISTS (SELECT 1 FROM sandbox_tokens t"
                     " WHERE t.sandbox_seq = l.sandbox_seq AND t.name = s.name)",
                     SQL_WITH(SQL_TEXT(store_id), SQL_TEXT(name)));
}

static enum error kill_in_sandboxes(struct store *store, struct parameters store_and_name)
{
    return database_run(store->database,
                        "DELETE FROM sandbox_tokens WHERE name = ?2 AND sandbox_seq IN"
                        " (SELECT sandbox_seq FROM sandbox_layers WHERE bound_store_id = ?1)"
                        " AND NOT EXISTS (SELECT 1 FROM sandbox_layers l"
                        " JOIN secrets s ON s.store_id = l.bound_store_id"
                        " WHERE l.sandbox_seq = sandbox_tokens.sandbox_seq AND s.name = ?2)",
                        store_and_name);
}

/* To a checkpoint a layer lives when a fork could take it, or when its own sandbox, to which it may
 * be restored, is still bound to it. */
static enum error kill_in_checkpoints(struct store *store, struct parameters store_and_name)
{
    return database_run(store->database,
                        "DELETE FROM checkpoint_tokens WHERE name = ?2 AND checkpoint_id IN"
                        " (SELECT checkpoint_id FROM checkpoint_layers WHERE store_id = ?1)"
                        " AND NOT EXISTS (SELECT 1 FROM checkpoint_layers l"
                        " JOIN secret_stores o ON o.id = l.store_id"
                        " JOIN secrets s ON s.store_id = o.id"
                        " WHERE l.checkpoint_id = checkpoint_tokens.checkpoint_id AND s.name = ?2"
                        " AND (o.deleted = 0 OR EXISTS (SELECT 1 FROM checkpoints c"
                        " JOIN sandboxes b ON b.id = c.sandbox_id"
                        " JOIN sandbox_layers x ON x.sandbox_seq = b.seq"
                        " WHERE c.id = l.checkpoint_id AND x.bound_store_id = o.id)))",
                        store_and_name);
}

enum error token_map_kill(struct store *store, struct slice store_id, struct slice name)
{
    struct parameters store_and_name = SQL_WITH(SQL_TEXT(store_id), SQL_TEXT(name));
    TRY(kill_in_sandboxes(store, store_and_name));
    return kill_in_checkpoints(store, store_and_name);
}

enum error token_map_save(struct store *store, uint64_t sandbox_seq, struct slice checkpoint_id)
{
    return database_run(store->database,
                        "INSERT INTO checkpoint_tokens (checkpoint_id, name, token)"
                        " SELECT ?1, name, token FROM sandbox_tokens WHERE sandbox_seq = ?2",
                        SQL_WITH(SQL_TEXT(checkpoint_id), SQL_INTEGER(sandbox_seq)));
}

enum error token_map_restore(struct store *store, uint64_t sandbox_seq, struct slice checkpoint_id)
{
    TRY(database_run(store->database, "DELETE FROM sandbox_tokens WHERE sandbox_seq = ?1",
                     SQL_WITH(SQL_INTEGER(sandbox_seq))));
    return database_run(store->database,
                        "INSERT INTO sandbox_tokens (sandbox_seq, name, token)"
                        " SELECT ?1, name, token FROM checkpoint_tokens WHERE checkpoint_id = ?2",
                        SQL_WITH(SQL_INTEGER(sandbox_seq), SQL_TEXT(checkpoint_id)));
}
