/* SPDX-License-Identifier: Apache-2.0 */
/* Checks request bodies field by field. Never quotes a value in what it refuses. */

#include "control/input.h"

enum { VARIABLE_NAME_MAX = 256, QUOTED_MAX = 128 };

enum error input_parse(struct api_call *call, struct slice text)
{
    json_error_t error;
    if (text.len == 0) {
        call->body = json_object();
        return call->body == NULL ? ERR_NO_MEMORY : OK;
    }
    call->body = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (call->body == NULL) /* error.text may quote the body */
        return api_refuse(call, API_BAD_REQUEST, "the body is not valid JSON: line %d, column %d",
                          error.line, error.column);
    if (!json_is_object(call->body))
        return api_refuse(call, API_BAD_REQUEST, "the body must be a JSON object");
    return OK;
}

bool input_has(const struct api_call *call, const char *field)
{
    return json_object_get(call->body, field) != NULL;
}

static struct slice input_slice(const json_t *string)
{
    return slice_of(json_string_value(string), json_string_length(string));
}

enum error input_string(struct api_call *call, const char *field, struct slice *out)
{
    const json_t *value = json_object_get(call->body, field);
    if (value != NULL && !json_is_string(value))
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must be a string", field);
    *out = value == NULL ? SLICE_NONE : input_slice(value);
    return OK;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

enum error input_name(struct api_call *call, const char *field, size_t max, struct slice *out)
{
    struct slice name;
    TRY(input_string(call, field, &name));
    if (name.data == NULL)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" is missing", field);
    if (name.len == 0 || name.len > max)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must have 1 to %zu bytes", field, max);
    if (slice_trim(name).len != name.len)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must not begin or end with white space",
                          field);
    if (has_control(name))
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must not contain control characters",
                          field);
    *out = name;
    return OK;
}

static enum error input_fill_list(struct api_call *call, const json_t *array,
                                  struct input_list *out)
{
    size_t count = json_array_size(array);
    struct slice *items = arena_alloc_array(&call->arena, count, sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_string(item))
            return ERR_SYNTAX;
        items[i] = input_slice(item);
    }
    *out = (struct input_list){{items, count}, true};
    return OK;
}

static enum error input_strings(struct api_call *call, const char *field, struct input_list *out)
{
    *out = (struct input_list){.given = false};
    const json_t *value = json_object_get(call->body, field);
    if (value == NULL)
        return OK;
    enum error error = json_is_array(value) ? input_fill_list(call, value, out) : ERR_SYNTAX;
    if (error == ERR_SYNTAX)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must be a list of strings", field);
    return error;
}

enum error input_bool(struct api_call *call, const char *field, bool *out)
{
    const json_t *value = json_object_get(call->body, field);
    if (value == NULL)
        return OK;
    if (!json_is_boolean(value))
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must be true or false", field);
    *out = json_is_true(value);
    return OK;
}

enum error input_integer(struct api_call *call, const char *field, uint64_t max, uint64_t *out)
{
    const json_t *value = json_object_get(call->body, field);
    if (value == NULL)
        return OK;
    if (!json_is_integer(value))
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must be a whole number", field);
    json_int_t number = json_integer_value(value);
    if (number < 0 || (uint64_t)number > max)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must be between 0 and %llu", field,
                          (unsigned long long)max);
    *out = (uint64_t)number;
    return OK;
}

enum error input_string_map(struct api_call *call, const char *field, json_t **out)
{
    json_t *map = json_object_get(call->body, field);
    bool valid = map == NULL || json_is_object(map);
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        valid = valid && json_is_string(value);
    }
    if (!valid)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" must be an object of strings", field);
    *out = map;
    return OK;
}

static void drop_duplicates(struct text_list *texts)
{
    size_t kept = 0;
    for (size_t i = 0; i < texts->count; i++) {
        struct text_list before = {texts->items, kept};
        if (!text_list_contains(&before, texts->items[i]))
            texts->items[kept++] = texts->items[i];
    }
    texts->count = kept;
}

typedef enum error pattern_parser(struct slice text, struct host_pattern *out, const char **why);

static enum error check_patterns(struct api_call *call, const char *field,
                                 const struct text_list *texts, pattern_parser *parse)
{
    if (texts->count > HOST_LIST_MAX)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" has more than %d patterns", field,
                          HOST_LIST_MAX);
    for (size_t i = 0; i < texts->count; i++) {
        struct host_pattern pattern;
        const char *why = "it is no host pattern";
        if (parse(texts->items[i], &pattern, &why) != OK)
            return api_refuse(call, API_BAD_REQUEST, "\"%.*s\" in \"%s\": %s",
                              SLICE_ARG(slice_take(texts->items[i], QUOTED_MAX)), field, why);
    }
    return OK;
}

enum error input_check_patterns(struct api_call *call, const char *field,
                                const struct text_list *texts)
{
    return check_patterns(call, field, texts, host_pattern_parse);
}

enum error input_check_places(struct api_call *call, const char *field,
                              const struct text_list *texts)
{
    if (texts->count > PLACE_LIST_MAX)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" has more than %d places", field,
                          PLACE_LIST_MAX);
    for (size_t i = 0; i < texts->count; i++) {
        struct place place;
        const char *why = "it is no place";
        if (place_parse(texts->items[i], &place, &why) != OK)
            return api_refuse(call, API_BAD_REQUEST, "\"%.*s\" in \"%s\": %s",
                              SLICE_ARG(slice_take(texts->items[i], QUOTED_MAX)), field, why);
    }
    return OK;
}

enum error input_patterns(struct api_call *call, const char *field, struct input_list *out)
{
    TRY(input_strings(call, field, out));
    TRY(input_check_patterns(call, field, &out->texts));
    drop_duplicates(&out->texts);
    return OK;
}

enum error input_hosts(struct api_call *call, const char *field, struct input_list *out)
{
    TRY(input_strings(call, field, out));
    TRY(check_patterns(call, field, &out->texts, host_pattern_parse_host));
    drop_duplicates(&out->texts);
    return OK;
}

enum error input_places(struct api_call *call, const char *field, struct input_list *out)
{
    TRY(input_strings(call, field, out));
    TRY(input_check_places(call, field, &out->texts));
    drop_duplicates(&out->texts);
    return OK;
}

bool input_is_variable_name(struct slice name)
{
    if (name.len == 0 || name.len > VARIABLE_NAME_MAX || ascii_is_digit(name.data[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '_')
            return false;
    }
    return true;
}
