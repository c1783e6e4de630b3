/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One small SQL interface, so that the domain files do not know which database is behind them.
 *
 * SQL is written in what SQLite and PostgreSQL have in common; parameters are ?1, ?2 … in ascending
 * order. Statements are prepared once and kept, keyed by their text, which must be a literal. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

struct buffer;
struct database;
struct rows;

enum parameter_kind { PARAMETER_NULL, PARAMETER_TEXT, PARAMETER_BLOB, PARAMETER_INTEGER };

/* Bytes are borrowed until the rows are closed. */
struct parameter {
    enum parameter_kind kind;
    struct slice bytes;
    int64_t integer;
};

struct parameters {
    const struct parameter *items;
    size_t count;
};

#define SQL_TEXT(slice) ((struct parameter){PARAMETER_TEXT, (slice), 0})
#define SQL_BLOB(data, len) ((struct parameter){PARAMETER_BLOB, slice_of((data), (len)), 0})
#define SQL_INTEGER(number) ((struct parameter){PARAMETER_INTEGER, SLICE_NONE, (int64_t)(number)})
#define SQL_NULL ((struct parameter){PARAMETER_NULL, SLICE_NONE, 0})
/* An empty text is stored as NULL, so that a unique index passes over it. */
#define SQL_TEXT_OR_NULL(slice)                                                                    \
    ((struct parameter){(slice).len > 0 ? PARAMETER_TEXT : PARAMETER_NULL, (slice), 0})
#define SQL_WITH(...)                                                                              \
    ((struct parameters){(const struct parameter[]){__VA_ARGS__},                                  \
                         sizeof((const struct parameter[]){__VA_ARGS__}) /                         \
                             sizeof(struct parameter)})
#define SQL_NOTHING ((struct parameters){NULL, 0})

/* `name` as store_open() has it. `why` (may be NULL) gets a sentence on failure. */
MUST_USE enum error database_open(struct slice name, struct slice data_dir, struct buffer *why,
                                  struct database **out);
void database_close(struct database *database); /* all rows must be closed */
DEFINE_OWNED_STRUCT(database, database_close)
/* The database's own words about its last failure; never a parameter's value. */
struct slice database_message(const struct database *database);

/* Several statements at once, without parameters: for migrations. */
MUST_USE enum error database_script(struct database *database, const char *sql);
/* One statement that returns no rows. ERR_EXISTS: a unique index is violated; ERR_NOT_FOUND: a
 * foreign key. */
MUST_USE enum error database_run(struct database *database, const char *sql,
                                 struct parameters parameters);
/* The same, with the number of rows that it changed. */
MUST_USE enum error database_run_counted(struct database *database, const char *sql,
                                         struct parameters parameters, uint64_t *out_changed);
/* ERR_NOT_FOUND when it changed no row. */
MUST_USE enum error database_run_found(struct database *database, const char *sql,
                                       struct parameters parameters);

/* One statement that returns rows. */
MUST_USE enum error database_query(struct database *database, const char *sql,
                                   struct parameters parameters, struct rows **out);
void rows_close(struct rows *rows);
DEFINE_OWNED_STRUCT(rows, rows_close)
/* Goes to the next row, at first to the first; `*out_found` is false after the last. */
MUST_USE enum error rows_next(struct rows *rows, bool *out_found);
/* Goes to the only row that is of interest. ERR_NOT_FOUND when there is none. */
MUST_USE enum error rows_first(struct rows *rows);
/* Columns count from 0. Bytes are valid until the next row; NULL reads as empty, or 0. */
struct slice rows_text(const struct rows *rows, int column);
struct slice rows_blob(const struct rows *rows, int column);
int64_t rows_integer(const struct rows *rows, int column);

/* Transactions nest; an inner one that ends in failure is undone alone. */
MUST_USE enum error database_begin(struct database *database);
/* The same for several reads at one moment: nothing may be written before its end. */
MUST_USE enum error database_begin_read(struct database *database);
/* Keeps what was done when `outcome` is OK, else undoes it. Returns `outcome`, or why it could not
 * be kept. */
MUST_USE enum error database_end(struct database *database, enum error outcome);
