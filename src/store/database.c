/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same for every kind of database: choice of the driver, transactions, statements
 * without rows. Never runs a statement outside of the transaction that its caller began. */

#include "store/database.h"

#include "base/buffer.h"
#include "store/database_driver.h"

enum error database_open(struct slice name, struct slice data_dir, struct buffer *why,
                         struct database **out)
{
    if (slice_equals(name, SLICE("sqlite")))
        return database_sqlite_open(data_dir, why, out);

    if (why != NULL)
        TRY(buffer_append(why, SLICE("this build has only the database \"sqlite\"")));
    return ERR_UNSUPPORTED;
}

void database_close(struct database *database)
{
    if (database != NULL)
        database->driver->close(database);
}

struct slice database_message(const struct database *database)
{
    return database->driver->message(database);
}

enum error database_script(struct database *database, const char *sql)
{
    return database->driver->script(database, sql);
}

enum error database_query(struct database *database, const char *sql, struct parameters parameters,
                          struct rows **out)
{
    /* After a full disk, say, a database may undo the whole transaction by itself: what comes
     * after it would be kept on its own. */
    if (database->depth > 0 && !database->driver->in_transaction(database))
        return ERR_DATABASE;
    return database->driver->query(database, sql, parameters, out);
}

enum error database_run_counted(struct database *database, const char *sql,
                                struct parameters parameters, uint64_t *out_changed)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(database, sql, parameters, &rows));

    bool found;
    TRY(rows_next(rows, &found));
    if (found) /* it was no statement without rows */
        return ERR_DATABASE;
    *out_changed = database->driver->changed(rows);
    return OK;
}

enum error database_run(struct database *database, const char *sql, struct parameters parameters)
{
    uint64_t changed;
    return database_run_counted(database, sql, parameters, &changed);
}

enum error database_run_found(struct database *database, const char *sql,
                              struct parameters parameters)
{
    uint64_t changed;
    TRY(database_run_counted(database, sql, parameters, &changed));
    return changed > 0 ? OK : ERR_NOT_FOUND;
}

void rows_close(struct rows *rows)
{
    if (rows != NULL)
        rows->database->driver->close_rows(rows);
}

enum error rows_next(struct rows *rows, bool *out_found)
{
    return rows->database->driver->next(rows, out_found);
}

enum error rows_first(struct rows *rows)
{
    bool found;
    TRY(rows_next(rows, &found));
    return found ? OK : ERR_NOT_FOUND;
}

struct slice rows_text(const struct rows *rows, int column)
{
    return rows->database->driver->text(rows, column);
}

struct slice rows_blob(const struct rows *rows, int column)
{
    return rows->database->driver->blob(rows, column);
}

int64_t rows_integer(const struct rows *rows, int column)
{
    return rows->database->driver->integer(rows, column);
}

static enum error begin_with(struct database *database, const char *sql)
{
    TRY(database_run(database, database->depth == 0 ? sql : "SAVEPOINT nested", SQL_NOTHING));
    database->depth++;
    return OK;
}

enum error database_begin(struct database *database)
{
    return begin_with(database, database->driver->begin_write);
}

enum error database_begin_read(struct database *database)
{
    return begin_with(database, database->driver->begin_read);
}

static enum error keep(struct database *database)
{
    return database_run(database, database->depth == 1 ? "COMMIT" : "RELEASE SAVEPOINT nested",
                        SQL_NOTHING);
}

static enum error undo(struct database *database)
{
    if (database->depth == 1)
        return database_run(database, "ROLLBACK", SQL_NOTHING);
    TRY(database_run(database, "ROLLBACK TO SAVEPOINT nested", SQL_NOTHING));
    return database_run(database, "RELEASE SAVEPOINT nested", SQL_NOTHING);
}

enum error database_end(struct database *database, enum error outcome)
{
    enum error result = outcome;
    if (outcome == OK)
        result = keep(database);
    /* Undoing fails only where the database has done it already. */
    if (result != OK && undo(database) != OK && outcome == OK)
        result = ERR_DATABASE;
    database->depth--;
    return result;
}
