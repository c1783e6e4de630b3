/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From rows to structs in an arena. */

#include "store/arena.h"
#include "store/handle.h"
#include "store/text_list.h"

/* How one row becomes one struct of `size` bytes. */
struct load_shape {
    size_t size;
    enum error (*read)(const struct rows *row, struct arena *arena, void *out);
};

struct load_query {
    const char *sql;
    struct parameters with;
    const struct load_shape *shape;
};

struct loaded {
    void *items;
    size_t count;
};

/* ERR_NOT_FOUND when there is no row. */
MUST_USE enum error load_one(struct store *store, struct arena *arena,
                             const struct load_query *query, void *out);
MUST_USE enum error load_all(struct store *store, struct arena *arena,
                             const struct load_query *query, struct loaded *out);
/* The first column of every row. */
MUST_USE enum error load_text_list(struct store *store, struct arena *arena, const char *sql,
                                   struct parameters with, struct text_list *out);

/* Copies the text columns 0, 1, 2 … */
#define LOAD_TEXTS(row, arena, ...)                                                                \
    load_texts(row, arena, (struct slice *const[]){__VA_ARGS__},                                   \
               sizeof((struct slice *const[]){__VA_ARGS__}) / sizeof(struct slice *))
MUST_USE enum error load_texts(const struct rows *row, struct arena *arena,
                               struct slice *const *fields, int count);
/* What decoding a column came to: a row that something else wrote is damaged, which is no reason to
 * fail all of them. Only for the results of load_list() and load_bytes(). ERR_NO_MEMORY. */
MUST_USE enum error load_note_damage(enum error decoded, bool *is_damaged);
/* A text column that text_list_encode() wrote. */
MUST_USE enum error load_list(const struct rows *row, struct arena *arena, int column,
                              struct text_list *out);
/* A blob column of exactly `len` bytes. ERR_DATABASE. */
MUST_USE enum error load_bytes(const struct rows *row, int column, uint8_t *out, size_t len);
