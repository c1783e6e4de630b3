/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes. Never leaves one whose layers and tokens do not agree. */

#include "store/sandboxes.h"

#include "store/identifier.h"
#include "store/layers.h"
#include "store/load.h"
#include "store/secret_stores.h"
#include "store/token_map.h"

/* The name of the surviving layer that has `rank` others above it. */
#define LAYER_NAME(rank)                                                                           \
    "(SELECT s.name FROM sandbox_layers l JOIN secret_stores s ON s.id = l.bound_store_id"         \
    " WHERE l.sandbox_seq = b.seq ORDER BY l.position DESC LIMIT 1 OFFSET " rank ")"
#define SELECT                                                                                     \
    "SELECT b.id, b.org_id, b.proxy_token, b.source, b.envs, b.metadata, b.config,"                \
    " b.checkpoint_id, " LAYER_NAME("0") ", " LAYER_NAME(                                          \
        "1") ", b.seq, b.status, b.reason,"                                                        \
             " b.timeout_s, b.last_active_ms, b.created_at_ms, b.mac FROM sandboxes b "

static enum error read_sandbox(const struct rows *row, struct arena *arena, void *out)
{
    struct sandbox *box = out;
    box->seq = (uint64_t)rows_integer(row, 10);
    box->status = rows_integer(row, 11) == SANDBOX_RUNNING ? SANDBOX_RUNNING : SANDBOX_HIBERNATED;
    box->reason = (enum sandbox_reason)rows_integer(row, 12);
    box->timeout_s = (uint32_t)rows_integer(row, 13);
    box->last_active_ms = rows_integer(row, 14);
    box->created_at_ms = rows_integer(row, 15);
    if (load_bytes(row, 16, box->mac, sizeof box->mac) != OK)
        memset(box->mac, 0, sizeof box->mac); /* which nobody's MAC is */
    return LOAD_TEXTS(row, arena, &box->id, &box->org_id, &box->proxy_token, &box->source,
                      &box->envs, &box->metadata, &box->config, &box->checkpoint_id,
                      &box->primary_store, &box->base_store);
}

static const struct load_shape sandbox_shape = {sizeof(struct sandbox), read_sandbox};

enum error sandboxes_get(struct store *store, struct arena *arena, struct slice org_id,
                         struct slice id, struct sandbox *out)
{
    return load_one(store, arena,
                    &(struct load_query){SELECT "WHERE b.org_id = ?1 AND b.id = ?2",
                                         SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id)), &sandbox_shape},
                    out);
}

enum error sandboxes_find(struct store *store, struct arena *arena, struct slice id,
                          struct sandbox *out)
{
    return load_one(
        store, arena,
        &(struct load_query){SELECT "WHERE b.id = ?1", SQL_WITH(SQL_TEXT(id)), &sandbox_shape},
        out);
}

enum error sandboxes_list(struct store *store, struct arena *arena, struct slice org_id,
                          struct sandbox_list *out)
{
    struct loaded all;
    TRY(load_all(store, arena,
                 &(struct load_query){SELECT "WHERE b.org_id = ?1 ORDER BY b.seq",
                                      SQL_WITH(SQL_TEXT(org_id)), &sandbox_shape},
                 &all));
    *out = (struct sandbox_list){all.items, all.count};
    return OK;
}

enum error sandboxes_bound_to(struct store *store, struct arena *arena, struct slice store_id,
                              struct text_list *out_ids)
{
    return load_text_list(store, arena,
                          "SELECT b.id FROM sandbox_layers l"
                          " JOIN sandboxes b ON b.seq = l.sandbox_seq"
                          " WHERE l.bound_store_id = ?1 ORDER BY b.seq",
                          SQL_WITH(SQL_TEXT(store_id)), out_ids);
}

enum error sandboxes_find_source(struct store *store, struct arena *arena, struct slice source,
                                 struct slice *out_id)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(store->database, "SELECT id FROM sandboxes WHERE source = ?1",
                       SQL_WITH(SQL_TEXT(source)), &rows));
    TRY(rows_first(rows));
    return arena_copy(arena, rows_text(rows, 0), out_id);
}

/* What makes a sandbox, put together. */
struct birth {
    const struct sandbox_new *given;
    struct slice checkpoint_id; /* empty: not a fork */
    struct slice id;
    uint64_t seq;
    char proxy_token[IDENTIFIER_SIZE];
    uint8_t mac[SANDBOXES_MAC_SIZE];
};

static enum error insert(struct store *store, const struct birth *birth)
{
    const struct sandbox_new *given = birth->given;
    return database_run(
        store->database,
        "INSERT INTO sandboxes (seq, id, org_id, status, reason, proxy_token, source, envs,"
        " metadata, config, checkpoint_id, timeout_s, last_active_ms, created_at_ms, mac)"
        " VALUES (?1, ?2, ?3, 1, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
        SQL_WITH(SQL_INTEGER(birth->seq), SQL_TEXT(birth->id), SQL_TEXT(given->org_id),
                 SQL_TEXT(slice_from_string(birth->proxy_token)), SQL_TEXT_OR_NULL(given->source),
                 SQL_TEXT(given->envs), SQL_TEXT(given->metadata), SQL_TEXT(given->config),
                 SQL_TEXT_OR_NULL(birth->checkpoint_id), SQL_INTEGER(given->timeout_s),
                 SQL_INTEGER(store_now_ms()), SQL_BLOB(birth->mac, sizeof birth->mac)));
}

static enum error sign(const struct sandbox_signer *signer, const struct sandbox *sandbox,
                       const struct layer_list *layers, uint8_t mac[SANDBOXES_MAC_SIZE])
{
    struct slice bound[SANDBOXES_LAYERS_MAX];
    struct text_list stores = {bound, 0};
    for (size_t i = 0; i < layers->count; i++)
        if (layers->items[i].bound)
            bound[stores.count++] = layers->items[i].store_id;
    return signer->sign(signer->context, sandbox, &stores, mac);
}

/* Last before it is written: who it is cannot change any more. */
static enum error sign_birth(struct birth *birth, const struct layer_list *layers)
{
    const struct sandbox sandbox = {
        .id = birth->id,
        .org_id = birth->given->org_id,
        .proxy_token = identifier_proxy_token(birth->proxy_token),
        .source = birth->given->source,
    };
    return sign(&birth->given->signer, &sandbox, layers, birth->mac);
}

enum error sandboxes_unsigned(struct store *store, struct arena *arena, uint64_t after,
                              struct sandbox_list *out)
{
    struct loaded all;
    TRY(load_all(store, arena,
                 &(struct load_query){
                     SELECT "WHERE b.mac IS NULL AND b.seq > ?1 ORDER BY b.seq LIMIT ?2",
                     SQL_WITH(SQL_INTEGER(after), SQL_INTEGER(SANDBOXES_PAGE)), &sandbox_shape},
                 &all));
    *out = (struct sandbox_list){all.items, all.count};
    return OK;
}

enum error sandboxes_sign(struct store *store, struct arena *arena, const struct sandbox *sandbox,
                          const struct sandbox_signer *signer)
{
    struct layer_list layers;
    uint8_t mac[SANDBOXES_MAC_SIZE];
    TRY(layers_of_sandbox(store, arena, sandbox->seq, &layers));
    TRY(sign(signer, sandbox, &layers, mac));
    return database_run(store->database,
                        "UPDATE sandboxes SET mac = ?2 WHERE seq = ?1 AND mac IS NULL",
                        SQL_WITH(SQL_INTEGER(sandbox->seq), SQL_BLOB(mac, sizeof mac)));
}

static enum error choose_layers(struct store *store, struct arena *arena, const struct birth *birth,
                                struct layer_list *out)
{
    *out = (struct layer_list){.count = 0};
    if (birth->checkpoint_id.len > 0)
        TRY(layers_of_checkpoint(store, arena, birth->checkpoint_id, out));
    return layers_add(store, arena, birth->given->org_id, &birth->given->secret_stores, out);
}

static enum error give_birth(struct store *store, struct arena *arena, struct birth *birth,
                             struct sandbox *out)
{
    struct layer_list layers;
    TRY(choose_layers(store, arena, birth, &layers));
    TRY(store_next_seq(store, "sandboxes", &birth->seq));
    TRY(sign_birth(birth, &layers));
    TRY(insert(store, birth));
    TRY(layers_bind(store, birth->seq, &layers));
    if (birth->checkpoint_id.len > 0)
        TRY(token_map_restore(store, birth->seq, birth->checkpoint_id));
    TRY(token_map_sync(store, birth->seq));
    return sandboxes_get(store, arena, birth->given->org_id, birth->id, out);
}

enum error sandboxes_create(struct store *store, struct arena *arena,
                            const struct sandbox_new *new_sandbox, struct sandbox *out)
{
    char id[IDENTIFIER_SIZE];
    struct birth birth = {.given = new_sandbox, .id = identifier_short("sb-", id)};
    TRY(database_begin(store->database));
    return database_end(store->database, give_birth(store, arena, &birth, out));
}

static enum error fork_from(struct store *store, struct arena *arena, struct birth *birth,
                            struct sandbox *out)
{
    TRY(store_require(store, "SELECT 1 FROM checkpoints WHERE org_id = ?1 AND id = ?2",
                      SQL_WITH(SQL_TEXT(birth->given->org_id), SQL_TEXT(birth->checkpoint_id))));
    return give_birth(store, arena, birth, out);
}

enum error sandboxes_fork(struct store *store, struct arena *arena, struct slice checkpoint_id,
                          const struct sandbox_new *new_sandbox, struct sandbox *out)
{
    char id[IDENTIFIER_SIZE];
    struct birth birth = {
        .given = new_sandbox,
        .checkpoint_id = checkpoint_id,
        .id = identifier_short("sb-", id),
    };
    TRY(database_begin(store->database));
    return database_end(store->database, fork_from(store, arena, &birth, out));
}

static enum error delete_primary(struct store *store, struct slice org_id, struct slice id)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(store->database,
                       "SELECT s.id, s.deleted, s.read_only FROM sandboxes b"
                       " JOIN sandbox_layers l ON l.sandbox_seq = b.seq"
                       " JOIN secret_stores s ON s.id = l.bound_store_id"
                       " WHERE b.org_id = ?1 AND b.id = ?2 ORDER BY l.position DESC LIMIT 1",
                       SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id)), &rows));
    bool found;
    TRY(rows_next(rows, &found));
    if (!found || rows_integer(rows, 1) != 0) /* none was bound, or it is deleted already */
        return OK;
    if (rows_integer(rows, 2) != 0)
        return ERR_FORBIDDEN;
    return secret_stores_delete(store, org_id, rows_text(rows, 0));
}

static enum error delete_one(struct store *store, struct slice org_id, struct slice id,
                             bool with_primary_store)
{
    if (with_primary_store)
        TRY(delete_primary(store, org_id, id));
    TRY(database_run_found(store->database, "DELETE FROM sandboxes WHERE org_id = ?1 AND id = ?2",
                           SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id))));
    return layers_purge(store);
}

enum error sandboxes_delete(struct store *store, struct slice org_id, struct slice id,
                            bool delete_primary_store)
{
    TRY(database_begin(store->database));
    return database_end(store->database, delete_one(store, org_id, id, delete_primary_store));
}

enum error sandboxes_hibernate(struct store *store, struct slice org_id, struct slice id)
{
    return database_run_found(
        store->database,
        "UPDATE sandboxes SET status = 0, reason = ?3"
        " WHERE org_id = ?1 AND id = ?2",
        SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id), SQL_INTEGER(SANDBOX_SUSPENDED)));
}

enum error sandboxes_wake(struct store *store, struct slice org_id, struct slice id)
{
    return database_run_found(
        store->database,
        "UPDATE sandboxes SET status = 1, reason = 0, last_active_ms = ?3"
        " WHERE org_id = ?1 AND id = ?2",
        SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id), SQL_INTEGER(store_now_ms())));
}

enum error sandboxes_set_timeout(struct store *store, struct slice org_id, struct slice id,
                                 uint32_t timeout_s)
{
    return database_run_found(store->database,
                              "UPDATE sandboxes SET timeout_s = ?3, last_active_ms = ?4"
                              " WHERE org_id = ?1 AND id = ?2",
                              SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id), SQL_INTEGER(timeout_s),
                                       SQL_INTEGER(store_now_ms())));
}

static enum error touch_all(struct store *store, const struct text_list *ids, int64_t now_ms)
{
    for (size_t i = 0; i < ids->count; i++)
        TRY(database_run(store->database,
                         "UPDATE sandboxes SET last_active_ms = ?2"
                         " WHERE id = ?1 AND last_active_ms < ?2",
                         SQL_WITH(SQL_TEXT(ids->items[i]), SQL_INTEGER(now_ms))));
    return OK;
}

enum error sandboxes_touch(struct store *store, const struct text_list *ids, int64_t now_ms)
{
    TRY(database_begin(store->database));
    return database_end(store->database, touch_all(store, ids, now_ms));
}

/* As in the index sandboxes_idle, whose order spares looking at those that are not due. */
#define DUE_MS "last_active_ms + timeout_s * 1000"
#define IDLE "status = 1 AND timeout_s > 0 AND " DUE_MS " <= ?1"

static enum error expire_idle(struct store *store, struct arena *arena, int64_t now_ms,
                              struct text_list *out_ids)
{
    struct text_list ids;
    TRY(load_text_list(store, arena, "SELECT id FROM sandboxes WHERE " IDLE " ORDER BY " DUE_MS,
                       SQL_WITH(SQL_INTEGER(now_ms)), &ids));
    if (ids.count > 0)
        TRY(database_run(store->database,
                         "UPDATE sandboxes SET status = 0, reason = ?2 WHERE " IDLE,
                         SQL_WITH(SQL_INTEGER(now_ms), SQL_INTEGER(SANDBOX_EXPIRED))));
    *out_ids = ids;
    return OK;
}

enum error sandboxes_expire_idle(struct store *store, struct arena *arena, int64_t now_ms,
                                 struct text_list *out_ids)
{
    TRY(database_begin(store->database));
    return database_end(store->database, expire_idle(store, arena, now_ms, out_ids));
}
