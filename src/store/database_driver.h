/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a kind of database implements; database.c does the rest. Only drivers and database.c include
 * this. A driver's own structs begin with these. */

#include "store/database.h"

struct database_driver {
    const char *begin_write, *begin_read; /* the SQL that starts a transaction */
    void (*close)(struct database *database);
    struct slice (*message)(const struct database *database);
    /* Whether a transaction that was begun is still there, not undone after a failure. */
    bool (*in_transaction)(const struct database *database);
    enum error (*script)(struct database *database, const char *sql);

    enum error (*query)(struct database *database, const char *sql, struct parameters parameters,
                        struct rows **out);
    enum error (*next)(struct rows *rows, bool *out_found);
    uint64_t (*changed)(const struct rows *rows); /* after the last row */
    struct slice (*text)(const struct rows *rows, int column);
    struct slice (*blob)(const struct rows *rows, int column);
    int64_t (*integer)(const struct rows *rows, int column);
    void (*close_rows)(struct rows *rows);
};

struct database {
    const struct database_driver *driver;
    unsigned depth; /* of nested transactions */
};

struct rows {
    struct database *database; /* borrowed */
};

/* `data_dir` empty: in memory. */
MUST_USE enum error database_sqlite_open(struct slice data_dir, struct buffer *why,
                                         struct database **out);
