/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite behind database.h. Never acknowledges a write that is not on disk. */

#include "base/buffer.h"
#include "base/table.h"
#include "store/database_driver.h"
#include "store/database_file.h"

#include <sqlite3.h>
#include <stdlib.h>

enum { BUSY_TIMEOUT_MS = 5000, VALUE_MAX = 64 * 1024 * 1024 };

struct sqlite {
    struct database base;
    sqlite3 *connection;
    struct table statements; /* struct statement, by its SQL */
};

struct statement {
    struct table_entry entry;
    sqlite3_stmt *handle;
    bool busy;   /* its rows are open */
    bool cached; /* in the table; otherwise it goes with its rows */
};

struct sqlite_rows {
    struct rows base;
    struct statement *statement;
};

static struct sqlite *sqlite_of(const struct database *database)
{
    return CONTAINER_OF(database, struct sqlite, base);
}

static struct statement *statement_of(const struct rows *rows)
{
    return CONTAINER_OF(rows, struct sqlite_rows, base)->statement;
}

static enum error error_of(sqlite3 *connection, int code)
{
    switch (code) {
    case SQLITE_OK:
        return OK;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    case SQLITE_CONSTRAINT:
        break;
    default:
        return ERR_DATABASE;
    }

    switch (sqlite3_extended_errcode(connection)) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return ERR_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return ERR_NOT_FOUND;
    default:
        return ERR_DATABASE;
    }
}

static void statement_free(struct statement *statement)
{
    if (statement != NULL)
        sqlite3_finalize(statement->handle);
    free(statement);
}
DEFINE_OWNED_STRUCT(statement, statement_free)

static enum error statement_new(struct sqlite *sqlite, const char *sql, struct statement **out)
{
    OWNED_STRUCT(statement) *statement = calloc(1, sizeof *statement);
    if (statement == NULL)
        return ERR_NO_MEMORY;

    int code = sqlite3_prepare_v3(sqlite->connection, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &statement->handle, NULL);
    TRY(error_of(sqlite->connection, code));
    *out = TAKE(statement);
    return OK;
}

/* A statement whose rows are still open cannot run again, so it gets a twin for the time. */
static enum error statement_acquire(struct sqlite *sqlite, const char *sql, struct statement **out)
{
    struct table_entry *entry = table_find(&sqlite->statements, slice_from_string(sql));
    if (entry != NULL && !CONTAINER_OF(entry, struct statement, entry)->busy) {
        *out = CONTAINER_OF(entry, struct statement, entry);
        return OK;
    }

    OWNED_STRUCT(statement) *statement = NULL;
    TRY(statement_new(sqlite, sql, &statement));
    if (entry == NULL) {
        TRY(table_insert(&sqlite->statements, &statement->entry, slice_from_string(sql)));
        statement->cached = true;
    }
    *out = TAKE(statement);
    return OK;
}

static int bind_one(sqlite3_stmt *handle, int index, const struct parameter *parameter)
{
    /* a NULL pointer would be stored as NULL, not as nothing */
    const char *data = parameter->bytes.len > 0 ? parameter->bytes.data : "";
    sqlite3_uint64 len = parameter->bytes.len;

    switch (parameter->kind) {
    case PARAMETER_TEXT:
        return sqlite3_bind_text64(handle, index, data, len, SQLITE_STATIC, SQLITE_UTF8);
    case PARAMETER_BLOB:
        return sqlite3_bind_blob64(handle, index, data, len, SQLITE_STATIC);
    case PARAMETER_INTEGER:
        return sqlite3_bind_int64(handle, index, parameter->integer);
    case PARAMETER_NULL:
        break;
    }
    return sqlite3_bind_null(handle, index);
}

static int bind_all(sqlite3_stmt *handle, struct parameters parameters)
{
    if (sqlite3_bind_parameter_count(handle) != (int)parameters.count)
        return SQLITE_RANGE;

    int code = SQLITE_OK;
    for (size_t i = 0; i < parameters.count && code == SQLITE_OK; i++)
        code = bind_one(handle, (int)i + 1, &parameters.items[i]);
    return code;
}

static void close_rows(struct rows *rows)
{
    struct statement *statement = statement_of(rows);
    sqlite3_reset(statement->handle); /* its result is that of the last step */
    sqlite3_clear_bindings(statement->handle);
    statement->busy = false;
    if (!statement->cached)
        statement_free(statement);
    free(CONTAINER_OF(rows, struct sqlite_rows, base));
}

static enum error query(struct database *database, const char *sql, struct parameters parameters,
                        struct rows **out)
{
    struct sqlite *sqlite = sqlite_of(database);
    struct sqlite_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return ERR_NO_MEMORY;

    enum error error = statement_acquire(sqlite, sql, &rows->statement);
    if (error != OK) {
        free(rows);
        return error;
    }
    rows->base.database = database;
    rows->statement->busy = true;

    OWNED_STRUCT(rows) *owned = &rows->base;
    TRY(error_of(sqlite->connection, bind_all(rows->statement->handle, parameters)));
    *out = TAKE(owned);
    return OK;
}

static enum error next(struct rows *rows, bool *out_found)
{
    int code = sqlite3_step(statement_of(rows)->handle);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return error_of(sqlite_of(rows->database)->connection, code);
    *out_found = code == SQLITE_ROW;
    return OK;
}

static uint64_t changed(const struct rows *rows)
{
    return (uint64_t)sqlite3_changes64(sqlite_of(rows->database)->connection);
}

static struct slice text(const struct rows *rows, int column)
{
    sqlite3_stmt *handle = statement_of(rows)->handle;
    const unsigned char *bytes = sqlite3_column_text(handle, column);
    return bytes == NULL ? SLICE_NONE
                         : slice_of(bytes, (size_t)sqlite3_column_bytes(handle, column));
}

static struct slice blob(const struct rows *rows, int column)
{
    sqlite3_stmt *handle = statement_of(rows)->handle;
    const void *bytes = sqlite3_column_blob(handle, column);
    return bytes == NULL ? SLICE_NONE
                         : slice_of(bytes, (size_t)sqlite3_column_bytes(handle, column));
}

static int64_t integer(const struct rows *rows, int column)
{
    return sqlite3_column_int64(statement_of(rows)->handle, column);
}

static struct slice message(const struct database *database)
{
    return slice_from_string(sqlite3_errmsg(sqlite_of(database)->connection));
}

static bool in_transaction(const struct database *database)
{
    return sqlite3_get_autocommit(sqlite_of(database)->connection) == 0;
}

static enum error script(struct database *database, const char *sql)
{
    sqlite3 *connection = sqlite_of(database)->connection;
    return error_of(connection, sqlite3_exec(connection, sql, NULL, NULL, NULL));
}

static void close_database(struct database *database)
{
    struct sqlite *sqlite = sqlite_of(database);
    struct table_entry *entry;
    while ((entry = table_first(&sqlite->statements)) != NULL) {
        table_remove(&sqlite->statements, entry);
        statement_free(CONTAINER_OF(entry, struct statement, entry));
    }
    table_clear(&sqlite->statements);
    sqlite3_close(sqlite->connection);
    free(sqlite);
}

static const struct database_driver sqlite_driver = {
    .begin_write = "BEGIN IMMEDIATE",
    .begin_read = "BEGIN",
    .close = close_database,
    .message = message,
    .in_transaction = in_transaction,
    .script = script,
    .query = query,
    .next = next,
    .changed = changed,
    .text = text,
    .blob = blob,
    .integer = integer,
    .close_rows = close_rows,
};

/* The schema is not to be trusted more than the rest of the file: whoever can write to it must not
 * be able to make us run functions or read past a page. */
static enum error configure(struct sqlite *sqlite)
{
    sqlite3_busy_timeout(sqlite->connection, BUSY_TIMEOUT_MS);
    sqlite3_limit(sqlite->connection, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    sqlite3_db_config(sqlite->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sqlite->connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return script(&sqlite->base, "PRAGMA journal_mode = WAL;"
                                 "PRAGMA synchronous = FULL;"
                                 "PRAGMA foreign_keys = ON;"
                                 "PRAGMA secure_delete = ON;"
                                 "PRAGMA cell_size_check = ON;"
                                 "PRAGMA temp_store = MEMORY;");
}

static enum error connect_to(struct sqlite *sqlite, const char *path)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(path, &sqlite->connection, flags, NULL);
    TRY(error_of(sqlite->connection, code));
    return configure(sqlite);
}

static void say_why(struct buffer *why, const struct sqlite *sqlite, const char *path)
{
    const char *words = sqlite->connection == NULL ? "" : sqlite3_errmsg(sqlite->connection);
    if (why != NULL && buffer_append_format(why, "%s: %s", path, words) != OK)
        buffer_reset(why); /* half a sentence says less than none */
}

enum error database_sqlite_open(struct slice data_dir, struct buffer *why, struct database **out)
{
    char path[DATABASE_FILE_PATH_MAX] = ":memory:";
    if (data_dir.len > 0)
        TRY(database_file_prepare(data_dir, why, path));

    struct sqlite *sqlite = calloc(1, sizeof *sqlite);
    if (sqlite == NULL)
        return ERR_NO_MEMORY;
    sqlite->base.driver = &sqlite_driver;
    table_init(&sqlite->statements);

    OWNED_STRUCT(database) *database = &sqlite->base;
    enum error error = connect_to(sqlite, path);
    if (error != OK) {
        say_why(why, sqlite, path);
        return error;
    }
    *out = TAKE(database);
    return OK;
}
