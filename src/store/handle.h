/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of store/ share, and nobody else includes. */

#include "store/database.h"

struct store {
    struct database *database;
};

int64_t store_now_ms(void);
/* The next number of a sequence, from 1 and never again the same. Inside a transaction only. */
MUST_USE enum error store_next_seq(struct store *store, const char *sequence, uint64_t *out);
/* OK when the query has a row, ERR_NOT_FOUND when not. */
MUST_USE enum error store_require(struct store *store, const char *sql,
                                  struct parameters parameters);
/* The first column of the only row. ERR_NOT_FOUND. */
MUST_USE enum error store_read_integer(struct store *store, const char *sql,
                                       struct parameters parameters, int64_t *out);
