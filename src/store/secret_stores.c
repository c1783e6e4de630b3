/* SPDX-License-Identifier: Apache-2.0 */
/* Secret stores. Never shows a deleted one to a caller of the API. */

#include "store/secret_stores.h"

#include "store/layers.h"
#include "store/load.h"

#define SELECT                                                                                     \
    "SELECT id, org_id, name, egress, egress_mac, seq, redact_responses, read_only, deleted,"      \
    " created_at_ms, updated_at_ms, passthrough, private_hosts FROM secret_stores "

static enum error read_lists(const struct rows *row, struct arena *arena,
                             struct secret_store *store)
{
    TRY(load_list(row, arena, 3, &store->egress));
    TRY(load_bytes(row, 4, store->mac, sizeof store->mac));
    TRY(load_list(row, arena, 11, &store->passthrough));
    return load_list(row, arena, 12, &store->private_hosts);
}

static enum error read_store(const struct rows *row, struct arena *arena, void *out)
{
    struct secret_store *store = out;
    TRY(LOAD_TEXTS(row, arena, &store->id, &store->org_id, &store->name));
    TRY(load_note_damage(read_lists(row, arena, store), &store->is_damaged));
    store->seq = (uint64_t)rows_integer(row, 5);
    store->redact_responses = rows_integer(row, 6) != 0;
    store->read_only = rows_integer(row, 7) != 0;
    store->deleted = rows_integer(row, 8) != 0;
    store->created_at_ms = rows_integer(row, 9);
    store->updated_at_ms = rows_integer(row, 10);
    return OK;
}

static const struct load_shape store_shape = {sizeof(struct secret_store), read_store};

/* `sql` has the org and what the store is called. */
static enum error find_by(struct store *store, struct arena *arena, const char *sql,
                          struct parameters with, struct secret_store *out)
{
    return load_one(store, arena, &(struct load_query){sql, with, &store_shape}, out);
}

enum error secret_stores_find(struct store *store, struct arena *arena, struct slice org_id,
                              struct slice id_or_name, struct secret_store *out)
{
    struct parameters with = SQL_WITH(SQL_TEXT(org_id), SQL_TEXT(id_or_name));
    enum error error =
        find_by(store, arena, SELECT "WHERE org_id = ?1 AND id = ?2 AND deleted = 0", with, out);
    if (error != ERR_NOT_FOUND)
        return error;
    return find_by(store, arena, SELECT "WHERE org_id = ?1 AND name = ?2 AND deleted = 0", with,
                   out);
}

static enum error list_by(struct store *store, struct arena *arena, const char *sql,
                          struct parameters with, struct secret_store_list *out)
{
    struct loaded all;
    TRY(load_all(store, arena, &(struct load_query){sql, with, &store_shape}, &all));
    *out = (struct secret_store_list){all.items, all.count};
    return OK;
}

enum error secret_stores_list(struct store *store, struct arena *arena, struct slice org_id,
                              struct secret_store_list *out)
{
    return list_by(store, arena, SELECT "WHERE org_id = ?1 AND deleted = 0 ORDER BY seq",
                   SQL_WITH(SQL_TEXT(org_id)), out);
}

enum error secret_stores_page(struct store *store, struct arena *arena, uint64_t after,
                              struct secret_store_list *out)
{
    return list_by(store, arena, SELECT "WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                   SQL_WITH(SQL_INTEGER(after), SQL_INTEGER(SECRET_STORES_PAGE)), out);
}

/* As they are at rest. */
struct encoded_lists {
    struct slice egress, passthrough, private_hosts;
};

static enum error insert(struct store *store, const struct secret_store_new *new_store,
                         const struct encoded_lists *lists)
{
    uint64_t seq;
    TRY(store_next_seq(store, "secret_stores", &seq));
    return database_run(
        store->database,
        "INSERT INTO secret_stores (id, seq, org_id, name, egress, egress_mac, redact_responses,"
        " read_only, deleted, created_at_ms, updated_at_ms, passthrough, private_hosts)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?9, ?10, ?11)",
        SQL_WITH(SQL_TEXT(new_store->id), SQL_INTEGER(seq), SQL_TEXT(new_store->org_id),
                 SQL_TEXT(new_store->name), SQL_TEXT(lists->egress),
                 SQL_BLOB(new_store->mac, SECRET_STORES_MAC_SIZE),
                 SQL_INTEGER(new_store->redact_responses), SQL_INTEGER(new_store->read_only),
                 SQL_INTEGER(store_now_ms()), SQL_TEXT(lists->passthrough),
                 SQL_TEXT(lists->private_hosts)));
}

static enum error create(struct store *store, struct arena *arena,
                         const struct secret_store_new *new_store, struct secret_store *out)
{
    struct encoded_lists lists;
    TRY(text_list_encode(arena, &new_store->egress, &lists.egress));
    TRY(text_list_encode(arena, &new_store->passthrough, &lists.passthrough));
    TRY(text_list_encode(arena, &new_store->private_hosts, &lists.private_hosts));
    TRY(insert(store, new_store, &lists));
    return secret_stores_find(store, arena, new_store->org_id, new_store->id, out);
}

enum error secret_stores_create(struct store *store, struct arena *arena,
                                const struct secret_store_new *new_store, struct secret_store *out)
{
    TRY(database_begin(store->database));
    return database_end(store->database, create(store, arena, new_store, out));
}

/* SQL NULL for a list that stays as it is. */
static enum error list_or_null(struct arena *arena, const struct text_list *list,
                               struct parameter *out)
{
    struct slice text;
    *out = SQL_NULL;
    if (list == NULL)
        return OK;
    TRY(text_list_encode(arena, list, &text));
    *out = SQL_TEXT(text);
    return OK;
}

static struct parameter flag_or_null(const bool *flag)
{
    return flag == NULL ? SQL_NULL : SQL_INTEGER(*flag);
}

enum error secret_stores_update(struct store *store, struct slice org_id, struct slice id,
                                const struct secret_store_change *change)
{
    OWNED_ARENA scratch = {NULL};
    struct parameter egress, passthrough, private_hosts;
    TRY(list_or_null(&scratch, change->egress, &egress));
    TRY(list_or_null(&scratch, change->passthrough, &passthrough));
    TRY(list_or_null(&scratch, change->private_hosts, &private_hosts));

    return database_run_found(
        store->database,
        "UPDATE secret_stores SET name = COALESCE(?3, name), egress = COALESCE(?4, egress),"
        " egress_mac = COALESCE(?5, egress_mac),"
        " redact_responses = COALESCE(?6, redact_responses),"
        " read_only = COALESCE(?7, read_only), updated_at_ms = ?8,"
        " passthrough = COALESCE(?9, passthrough),"
        " private_hosts = COALESCE(?10, private_hosts)"
        " WHERE id = ?1 AND org_id = ?2 AND deleted = 0",
        SQL_WITH(SQL_TEXT(id), SQL_TEXT(org_id),
                 change->name == NULL ? SQL_NULL : SQL_TEXT(*change->name), egress,
                 change->mac == NULL ? SQL_NULL : SQL_BLOB(change->mac, SECRET_STORES_MAC_SIZE),
                 flag_or_null(change->redact_responses), flag_or_null(change->read_only),
                 SQL_INTEGER(store_now_ms()), passthrough, private_hosts));
}

static enum error hide(struct store *store, struct slice org_id, struct slice id)
{
    TRY(database_run_found(store->database,
                           "UPDATE secret_stores SET deleted = 1, updated_at_ms = ?3"
                           " WHERE id = ?1 AND org_id = ?2 AND deleted = 0",
                           SQL_WITH(SQL_TEXT(id), SQL_TEXT(org_id), SQL_INTEGER(store_now_ms()))));
    return layers_purge(store);
}

enum error secret_stores_delete(struct store *store, struct slice org_id, struct slice id)
{
    TRY(database_begin(store->database));
    return database_end(store->database, hide(store, org_id, id));
}

enum error secret_stores_resign(struct store *store, struct slice id,
                                const uint8_t old_mac[SECRET_STORES_MAC_SIZE],
                                const uint8_t new_mac[SECRET_STORES_MAC_SIZE])
{
    enum error error = database_run_found(
        store->database,
        "UPDATE secret_stores SET egress_mac = ?3 WHERE id = ?1 AND egress_mac = ?2",
        SQL_WITH(SQL_TEXT(id), SQL_BLOB(old_mac, SECRET_STORES_MAC_SIZE),
                 SQL_BLOB(new_mac, SECRET_STORES_MAC_SIZE)));
    return error == ERR_NOT_FOUND ? ERR_CONFLICT : error;
}
