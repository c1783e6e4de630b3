/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to structs in an arena. Never keeps a pointer into a row. */

#include "store/load.h"

enum error load_one(struct store *store, struct arena *arena, const struct load_query *query,
                    void *out)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(store->database, query->sql, query->with, &rows));
    TRY(rows_first(rows));

    char *item = arena_alloc(arena, query->shape->size);
    if (item == NULL)
        return ERR_NO_MEMORY;
    TRY(query->shape->read(rows, arena, item));
    memcpy(out, item, query->shape->size); /* untouched on failure */
    return OK;
}

static enum error append_row(const struct rows *row, struct arena *arena,
                             const struct load_shape *shape, struct loaded *all)
{
    char *items = arena_grow(arena, all->items, all->count, shape->size);
    if (items == NULL)
        return ERR_NO_MEMORY;

    TRY(shape->read(row, arena, items + all->count * shape->size));
    all->items = items;
    all->count++;
    return OK;
}

enum error load_all(struct store *store, struct arena *arena, const struct load_query *query,
                    struct loaded *out)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(store->database, query->sql, query->with, &rows));

    struct loaded all = {NULL, 0};
    for (bool found;;) {
        TRY(rows_next(rows, &found));
        if (!found)
            break;
        TRY(append_row(rows, arena, query->shape, &all));
    }
    *out = all;
    return OK;
}

static enum error read_text(const struct rows *row, struct arena *arena, void *out)
{
    return arena_copy(arena, rows_text(row, 0), out);
}

enum error load_text_list(struct store *store, struct arena *arena, const char *sql,
                          struct parameters with, struct text_list *out)
{
    static const struct load_shape shape = {sizeof(struct slice), read_text};
    struct loaded all;
    TRY(load_all(store, arena, &(struct load_query){sql, with, &shape}, &all));
    *out = (struct text_list){all.items, all.count};
    return OK;
}

enum error load_texts(const struct rows *row, struct arena *arena, struct slice *const *fields,
                      int count)
{
    for (int i = 0; i < count; i++)
        TRY(arena_copy(arena, rows_text(row, i), fields[i]));
    return OK;
}

enum error load_list(const struct rows *row, struct arena *arena, int column, struct text_list *out)
{
    return text_list_decode(arena, rows_text(row, column), out);
}

enum error load_bytes(const struct rows *row, int column, uint8_t *out, size_t len)
{
    struct slice bytes = rows_blob(row, column);
    if (bytes.len != len)
        return ERR_DATABASE;
    memcpy(out, bytes.data, len);
    return OK;
}

enum error load_note_damage(enum error decoded, bool *is_damaged)
{
    *is_damaged = decoded != OK;
    return decoded == ERR_NO_MEMORY ? decoded : OK;
}
