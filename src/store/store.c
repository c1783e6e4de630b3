/* SPDX-License-Identifier: Apache-2.0 */
/* The handle that everybody else holds. Never hands out a database whose schema is not ours. */

#include "store/store.h"

#include "base/buffer.h"
#include "store/handle.h"
#include "store/migrations.h"

#include <stdlib.h>
#include <time.h>

static enum error migrate(struct store *store, struct buffer *why)
{
    enum error error = migrations_apply(store->database);
    if (error == OK || why == NULL)
        return error;

    if (error == ERR_CONFLICT)
        TRY(buffer_append(why, SLICE("the database was written by a newer sealgate")));
    else
        TRY(buffer_append(why, store_message(store)));
    return error;
}

enum error store_open(struct slice database, struct slice data_dir, struct buffer *why,
                      struct store **out)
{
    OWNED_STRUCT(store) *store = calloc(1, sizeof *store);
    if (store == NULL)
        return ERR_NO_MEMORY;

    TRY(database_open(database, data_dir, why, &store->database));
    TRY(migrate(store, why));
    *out = TAKE(store);
    return OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    database_close(store->database);
    free(store);
}

struct slice store_message(const struct store *store)
{
    return database_message(store->database);
}

enum error store_begin(struct store *store)
{
    return database_begin(store->database);
}

enum error store_end(struct store *store, enum error outcome)
{
    return database_end(store->database, outcome);
}

int64_t store_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum error store_next_seq(struct store *store, const char *sequence, uint64_t *out)
{
    struct parameters name = SQL_WITH(SQL_TEXT(slice_from_string(sequence)));
    TRY(database_run(store->database,
                     "INSERT INTO sequences (name, value) VALUES (?1, 1)"
                     " ON CONFLICT (name) DO UPDATE SET value = sequences.value + 1",
                     name));
    int64_t value;
    TRY(store_read_integer(store, "SELECT value FROM sequences WHERE name = ?1", name, &value));
    *out = (uint64_t)value;
    return OK;
}

enum error store_read_integer(struct store *store, const char *sql, struct parameters parameters,
                              int64_t *out)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(store->database, sql, parameters, &rows));
    TRY(rows_first(rows));
    *out = rows_integer(rows, 0);
    return OK;
}

enum error store_require(struct store *store, const char *sql, struct parameters parameters)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(store->database, sql, parameters, &rows));
    return rows_first(rows);
}
