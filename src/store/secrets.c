/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed secrets. Never changes a secret without its tokens, nor they without it. */

#include "store/secrets.h"

#include "store/identifier.h"
#include "store/load.h"
#include "store/token_map.h"

#define SELECT                                                                                     \
    "SELECT s.id, o.org_id, s.store_id, s.name, s.sealed, s.hosts, s.places, s.seq,"               \
    " s.created_at_ms, s.updated_at_ms FROM secrets s JOIN secret_stores o ON o.id = s.store_id "
#define OF_STORE "WHERE o.org_id = ?1 AND o.id = ?2 AND o.deleted = 0 "

static enum error read_secret(const struct rows *row, struct arena *arena, void *out)
{
    struct secret_entry *secret = out;
    TRY(LOAD_TEXTS(row, arena, &secret->id, &secret->org_id, &secret->store_id, &secret->name,
                   &secret->sealed));
    TRY(load_list(row, arena, 5, &secret->hosts));
    TRY(load_list(row, arena, 6, &secret->places));
    secret->seq = (uint64_t)rows_integer(row, 7);
    secret->created_at_ms = rows_integer(row, 8);
    secret->updated_at_ms = rows_integer(row, 9);
    return OK;
}

static const struct load_shape secret_shape = {sizeof(struct secret_entry), read_secret};

enum error secrets_get(struct store *store, struct arena *arena, struct slice org_id,
                       struct slice store_id, struct slice name, struct secret_entry *out)
{
    return load_one(
        store, arena,
        &(struct load_query){SELECT OF_STORE "AND s.name = ?3",
                             SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(store_id), SQL_TEXT(name)),
                             &secret_shape},
        out);
}

static enum error require_store(struct store *store, struct slice org_id, struct slice store_id)
{
    return store_require(store, "SELECT 1 FROM secret_stores o " OF_STORE,
                         SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(store_id)));
}

static enum error list_by(struct store *store, struct arena *arena, const char *sql,
                          struct parameters with, struct secret_entry_list *out)
{
    struct loaded all;
    TRY(load_all(store, arena, &(struct load_query){sql, with, &secret_shape}, &all));
    *out = (struct secret_entry_list){all.items, all.count};
    return OK;
}

enum error secrets_list(struct store *store, struct arena *arena, struct slice org_id,
                        struct slice store_id, struct secret_entry_list *out)
{
    TRY(require_store(store, org_id, store_id));
    return list_by(store, arena, SELECT OF_STORE "ORDER BY s.seq",
                   SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(store_id)), out);
}

enum error secrets_page(struct store *store, struct arena *arena, uint64_t after,
                        struct secret_entry_list *out)
{
    return list_by(store, arena, SELECT "WHERE s.seq > ?1 ORDER BY s.seq LIMIT ?2",
                   SQL_WITH(SQL_INTEGER(after), SQL_INTEGER(SECRETS_PAGE)), out);
}

struct encoded_lists {
    struct slice hosts, places;
};

static enum error update(struct store *store, const struct secret_entry_new *secret,
                         const struct encoded_lists *lists)
{
    return database_run_found(store->database,
                              "UPDATE secrets SET sealed = ?3, hosts = ?4, places = ?5,"
                              " updated_at_ms = ?6 WHERE store_id = ?1 AND name = ?2",
                              SQL_WITH(SQL_TEXT(secret->store_id), SQL_TEXT(secret->name),
                                       SQL_TEXT(secret->sealed), SQL_TEXT(lists->hosts),
                                       SQL_TEXT(lists->places), SQL_INTEGER(store_now_ms())));
}

static enum error require_room(struct store *store, struct slice store_id)
{
    int64_t count;
    TRY(store_read_integer(store, "SELECT COUNT(*) FROM secrets WHERE store_id = ?1",
                           SQL_WITH(SQL_TEXT(store_id)), &count));
    return count < SECRETS_PER_STORE_MAX ? OK : ERR_TOO_LARGE;
}

static enum error insert(struct store *store, const struct secret_entry_new *secret,
                         const struct encoded_lists *lists)
{
    char id[IDENTIFIER_SIZE];
    uint64_t seq;
    TRY(store_next_seq(store, "secrets", &seq));
    return database_run(store->database,
                        "INSERT INTO secrets (id, seq, store_id, name, sealed, hosts, places,"
                        " created_at_ms, updated_at_ms)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
                        SQL_WITH(SQL_TEXT(identifier_uuid(id)), SQL_INTEGER(seq),
                                 SQL_TEXT(secret->store_id), SQL_TEXT(secret->name),
                                 SQL_TEXT(secret->sealed), SQL_TEXT(lists->hosts),
                                 SQL_TEXT(lists->places), SQL_INTEGER(store_now_ms())));
}

static enum error update_or_insert(struct store *store, const struct secret_entry_new *secret,
                                   bool *out_is_new)
{
    OWNED_ARENA scratch = {NULL};
    struct encoded_lists lists;
    TRY(text_list_encode(&scratch, &secret->hosts, &lists.hosts));
    TRY(text_list_encode(&scratch, &secret->places, &lists.places));

    enum error error = update(store, secret, &lists);
    *out_is_new = error == ERR_NOT_FOUND;
    if (error != ERR_NOT_FOUND)
        return error;

    TRY(require_room(store, secret->store_id));
    TRY(insert(store, secret, &lists));
    return token_map_add(store, secret->store_id, secret->name);
}

static enum error count_users(struct store *store, const struct secret_entry_new *secret,
                              uint64_t *out)
{
    int64_t count;
    TRY(store_read_integer(
        store,
        "SELECT COUNT(*) FROM sandbox_layers l JOIN sandboxes b ON b.seq = l.sandbox_seq"
        " WHERE l.bound_store_id = ?1 AND b.status = 1 AND NOT EXISTS"
        " (SELECT 1 FROM sandbox_layers h JOIN secrets s ON s.store_id = h.bound_store_id"
        " WHERE h.sandbox_seq = l.sandbox_seq AND h.position > l.position AND s.name = ?2)",
        SQL_WITH(SQL_TEXT(secret->store_id), SQL_TEXT(secret->name)), &count));
    *out = (uint64_t)count;
    return OK;
}

static enum error set(struct store *store, const struct secret_entry_new *secret,
                      struct secret_set_outcome *out)
{
    struct secret_set_outcome outcome;
    TRY(require_store(store, secret->org_id, secret->store_id));
    TRY(update_or_insert(store, secret, &outcome.is_new));
    TRY(count_users(store, secret, &outcome.refreshed));
    *out = outcome;
    return OK;
}

enum error secrets_set(struct store *store, const struct secret_entry_new *secret,
                       struct secret_set_outcome *out)
{
    TRY(database_begin(store->database));
    return database_end(store->database, set(store, secret, out));
}

static enum error delete_one(struct store *store, struct slice org_id, struct slice store_id,
                             struct slice name)
{
    TRY(require_store(store, org_id, store_id));
    TRY(database_run_found(store->database, "DELETE FROM secrets WHERE store_id = ?1 AND name = ?2",
                           SQL_WITH(SQL_TEXT(store_id), SQL_TEXT(name))));
    return token_map_kill(store, store_id, name);
}

enum error secrets_delete(struct store *store, struct slice org_id, struct slice store_id,
                          struct slice name)
{
    TRY(database_begin(store->database));
    return database_end(store->database, delete_one(store, org_id, store_id, name));
}

enum error secrets_reseal(struct store *store, struct slice id, struct slice old_sealed,
                          struct slice new_sealed)
{
    enum error error = database_run_found(
        store->database, "UPDATE secrets SET sealed = ?3 WHERE id = ?1 AND sealed = ?2",
        SQL_WITH(SQL_TEXT(id), SQL_TEXT(old_sealed), SQL_TEXT(new_sealed)));
    return error == ERR_NOT_FOUND ? ERR_CONFLICT : error;
}
