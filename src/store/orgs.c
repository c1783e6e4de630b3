/* SPDX-License-Identifier: Apache-2.0 */
/* Organizations. Never changes the id of one: sealed values are bound to it. */

#include "store/orgs.h"

#include "store/identifier.h"
#include "store/load.h"

static enum error read_org(const struct rows *row, struct arena *arena, void *out)
{
    struct org *org = out;
    org->created_at_ms = rows_integer(row, 2);
    return LOAD_TEXTS(row, arena, &org->id, &org->name);
}

static const struct load_shape org_shape = {sizeof(struct org), read_org};

enum error orgs_find(struct store *store, struct arena *arena, struct slice id_or_name,
                     struct org *out)
{
    return load_one(store, arena,
                    &(struct load_query){"SELECT id, name, created_at_ms FROM orgs"
                                         " WHERE id = ?1 OR name = ?1"
                                         " ORDER BY CASE WHEN id = ?1 THEN 0 ELSE 1 END",
                                         SQL_WITH(SQL_TEXT(id_or_name)), &org_shape},
                    out);
}

enum error orgs_list(struct store *store, struct arena *arena, struct org_list *out)
{
    struct loaded all;
    TRY(load_all(store, arena,
                 &(struct load_query){"SELECT id, name, created_at_ms FROM orgs ORDER BY seq",
                                      SQL_NOTHING, &org_shape},
                 &all));
    *out = (struct org_list){all.items, all.count};
    return OK;
}

static enum error insert(struct store *store, struct slice id, struct slice name)
{
    uint64_t seq;
    TRY(store_next_seq(store, "orgs", &seq));
    return database_run(
        store->database, "INSERT INTO orgs (id, seq, name, created_at_ms) VALUES (?1, ?2, ?3, ?4)",
        SQL_WITH(SQL_TEXT(id), SQL_INTEGER(seq), SQL_TEXT(name), SQL_INTEGER(store_now_ms())));
}

static enum error create(struct store *store, struct arena *arena, struct slice name,
                         struct org *out)
{
    char text[IDENTIFIER_SIZE];
    struct slice id = identifier_uuid(text);
    TRY(insert(store, id, name));
    return orgs_find(store, arena, id, out);
}

enum error orgs_create(struct store *store, struct arena *arena, struct slice name, struct org *out)
{
    TRY(database_begin(store->database));
    return database_end(store->database, create(store, arena, name, out));
}

static enum error find_or_create(struct store *store, struct arena *arena, struct org *out)
{
    enum error error = orgs_find(store, arena, SLICE(ORGS_DEFAULT_NAME), out);
    return error == ERR_NOT_FOUND ? create(store, arena, SLICE(ORGS_DEFAULT_NAME), out) : error;
}

enum error orgs_ensure_default(struct store *store, struct arena *arena, struct org *out)
{
    TRY(database_begin(store->database));
    return database_end(store->database, find_or_create(store, arena, out));
}
