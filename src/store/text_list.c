/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of texts, and their JSON at rest. Never changes the order or the spelling of a text. */

#include "store/text_list.h"

#include <jansson.h>

DEFINE_OWNED(json_t, json_decref)

bool text_list_contains(const struct text_list *list, struct slice text)
{
    for (size_t i = 0; i < list->count; i++)
        if (slice_equals(list->items[i], text))
            return true;
    return false;
}

static enum error append_text(json_t *array, struct slice text)
{
    /* jansson takes NULL for an error, also where the length is 0 */
    const char *data = text.len > 0 ? text.data : "";
    json_t *string = json_stringn(data, text.len);
    if (string == NULL)
        return ERR_SYNTAX;
    return json_array_append_new(array, string) == 0 ? OK : ERR_NO_MEMORY;
}

static enum error dump(struct arena *arena, const json_t *array, struct slice *out)
{
    size_t len = json_dumpb(array, NULL, 0, JSON_COMPACT);
    char *text = arena_alloc(arena, len);
    if (len == 0 || text == NULL)
        return ERR_NO_MEMORY;
    *out = slice_of(text, json_dumpb(array, text, len, JSON_COMPACT));
    return OK;
}

enum error text_list_encode(struct arena *arena, const struct text_list *list, struct slice *out)
{
    OWNED(json_t) *array = json_array();
    if (array == NULL)
        return ERR_NO_MEMORY;

    for (size_t i = 0; i < list->count; i++)
        TRY(append_text(array, list->items[i]));
    return dump(arena, array, out);
}

static enum error decode_items(struct arena *arena, const json_t *array, struct slice *items)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *text = json_array_get(array, i);
        if (!json_is_string(text))
            return ERR_DATABASE;
        struct slice view = slice_of(json_string_value(text), json_string_length(text));
        TRY(arena_copy(arena, view, &items[i]));
    }
    return OK;
}

enum error text_list_decode(struct arena *arena, struct slice json, struct text_list *out)
{
    OWNED(json_t) *array = json_loadb(json.data, json.len, JSON_ALLOW_NUL, NULL);
    if (!json_is_array(array))
        return ERR_DATABASE;

    size_t count = json_array_size(array);
    struct slice *items = arena_alloc_array(arena, count, sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    TRY(decode_items(arena, array, items));
    *out = (struct text_list){items, count};
    return OK;
}
