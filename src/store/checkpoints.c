/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints. Never brings back what was deleted since. */

#include "store/checkpoints.h"

#include "store/identifier.h"
#include "store/layers.h"
#include "store/load.h"
#include "store/token_map.h"

#define SELECT                                                                                     \
    "SELECT id, sandbox_id, org_id, name, envs, metadata, config, timeout_s, created_at_ms"        \
    " FROM checkpoints "

static enum error read_checkpoint(const struct rows *row, struct arena *arena, void *out)
{
    struct checkpoint *checkpoint = out;
    checkpoint->timeout_s = (uint32_t)rows_integer(row, 7);
    checkpoint->created_at_ms = rows_integer(row, 8);
    return LOAD_TEXTS(row, arena, &checkpoint->id, &checkpoint->sandbox_id, &checkpoint->org_id,
                      &checkpoint->name, &checkpoint->envs, &checkpoint->metadata,
                      &checkpoint->config);
}

static const struct load_shape checkpoint_shape = {sizeof(struct checkpoint), read_checkpoint};

enum error checkpoints_get(struct store *store, struct arena *arena, struct slice org_id,
                           struct slice id, struct checkpoint *out)
{
    return load_one(store, arena,
                    &(struct load_query){SELECT "WHERE org_id = ?1 AND id = ?2",
                                         SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id)),
                                         &checkpoint_shape},
                    out);
}

static enum error find_sandbox(struct store *store, struct slice org_id, struct slice id,
                               uint64_t *out_seq)
{
    int64_t seq;
    TRY(store_read_integer(store, "SELECT seq FROM sandboxes WHERE org_id = ?1 AND id = ?2",
                           SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id)), &seq));
    *out_seq = (uint64_t)seq;
    return OK;
}

enum error checkpoints_list(struct store *store, struct arena *arena, struct slice org_id,
                            struct slice sandbox_id, struct checkpoint_list *out)
{
    struct loaded all;
    TRY(load_all(store, arena,
                 &(struct load_query){SELECT "WHERE org_id = ?1 AND sandbox_id = ?2 ORDER BY seq",
                                      SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(sandbox_id)),
                                      &checkpoint_shape},
                 &all));
    uint64_t seq;
    if (all.count == 0)
        TRY(find_sandbox(store, org_id, sandbox_id, &seq));
    *out = (struct checkpoint_list){all.items, all.count};
    return OK;
}

static enum error insert(struct store *store, uint64_t sandbox_seq, struct slice id,
                         struct slice name)
{
    uint64_t seq;
    TRY(store_next_seq(store, "checkpoints", &seq));
    return database_run(store->database,
                        "INSERT INTO checkpoints (id, seq, sandbox_id, org_id, name, envs,"
                        " metadata, config, timeout_s, created_at_ms)"
                        " SELECT ?1, ?2, id, org_id, ?3, envs, metadata, config, timeout_s, ?4"
                        " FROM sandboxes WHERE seq = ?5",
                        SQL_WITH(SQL_TEXT(id), SQL_INTEGER(seq), SQL_TEXT(name),
                                 SQL_INTEGER(store_now_ms()), SQL_INTEGER(sandbox_seq)));
}

struct target {
    struct slice org_id, sandbox_id;
};

static enum error create(struct store *store, struct arena *arena, const struct target *target,
                         struct slice name, struct checkpoint *out)
{
    uint64_t sandbox_seq;
    TRY(find_sandbox(store, target->org_id, target->sandbox_id, &sandbox_seq));

    char text[IDENTIFIER_SIZE];
    struct slice id = identifier_short("cp-", text);
    TRY(insert(store, sandbox_seq, id, name));
    TRY(layers_save(store, sandbox_seq, id));
    TRY(token_map_save(store, sandbox_seq, id));
    return checkpoints_get(store, arena, target->org_id, id, out);
}

enum error checkpoints_create(struct store *store, struct arena *arena, struct slice org_id,
                              struct slice sandbox_id, struct slice name, struct checkpoint *out)
{
    const struct target target = {org_id, sandbox_id};
    TRY(database_begin(store->database));
    return database_end(store->database, create(store, arena, &target, name, out));
}

enum error checkpoints_delete(struct store *store, struct slice org_id, struct slice sandbox_id,
                              struct slice id)
{
    return database_run_found(store->database,
                              "DELETE FROM checkpoints"
                              " WHERE org_id = ?1 AND sandbox_id = ?2 AND id = ?3",
                              SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(sandbox_id), SQL_TEXT(id)));
}

/* Only the tokens: no call ever changes the layers of a sandbox after its birth, so those of the
 * checkpoint are those that it has, bound as it is bound now. */
static enum error restore(struct store *store, const struct target *target, struct slice id)
{
    uint64_t sandbox_seq;
    TRY(find_sandbox(store, target->org_id, target->sandbox_id, &sandbox_seq));
    TRY(store_require(store, "SELECT 1 FROM checkpoints WHERE id = ?1 AND sandbox_id = ?2",
                      SQL_WITH(SQL_TEXT(id), SQL_TEXT(target->sandbox_id))));

    TRY(token_map_restore(store, sandbox_seq, id));
    return token_map_sync(store, sandbox_seq);
}

enum error checkpoints_restore(struct store *store, struct slice org_id, struct slice sandbox_id,
                               struct slice id)
{
    const struct target target = {org_id, sandbox_id};
    TRY(database_begin(store->database));
    return database_end(store->database, restore(store, &target, id));
}
