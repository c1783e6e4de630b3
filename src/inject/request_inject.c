/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces the tokens of a request head with values. Never leaves a head half done, and never
 * replaces a token in a field that its secret does not list. */
#include "inject/basic_credentials.h"
#include "inject/inject.h"
#include "inject/token_scan.h"
#include "inject/values.h"

/* A field whose new value lies in storage; by offset, because storage may move while it grows. */
struct replaced_field {
    size_t index, at, len;
};

struct injection {
    const struct inject_values *values;
    struct buffer *storage;
    struct replaced_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    size_t token_count;
};

/* The place was checked before; that it is checked again here costs nothing and does not depend on
 * nobody having touched the head in between. */
static enum error find_value(const struct injection *injection,
                             const struct token_sighting *sighting, struct slice field,
                             struct slice *value)
{
    const struct view *view = inject_values_view(injection->values);
    const struct view_secret *secret =
        sighting->is_whole ? view_find_token(view, &sighting->token) : NULL;

    if (secret == NULL)
        return ERR_NOT_FOUND;
    if (!place_list_permits_field(secret->places, secret->place_count, field))
        return ERR_FORBIDDEN;
    return values_find(injection->values, (uint32_t)(secret - view->secrets), value);
}

/* Appends `text` with its tokens replaced. */
static enum error replace_tokens(struct injection *injection, struct slice text, struct slice field,
                                 struct buffer *out)
{
    struct token_scan scan = token_scan_of(text);
    struct token_sighting sighting;
    size_t done = 0;

    while (token_scan_next(&scan, &sighting)) {
        struct slice value;
        TRY(find_value(injection, &sighting, field, &value));
        TRY(buffer_append(out, slice_take(slice_skip(text, done), sighting.at - done)));
        TRY(buffer_append(out, value));
        done = sighting.at + sighting.len;
        injection->token_count++;
    }
    return buffer_append(out, slice_skip(text, done));
}

static enum error inject_text(struct injection *injection, const struct http_field *field)
{
    size_t at = buffer_len(injection->storage);

    TRY(replace_tokens(injection, field->value, field->name, injection->storage));
    return http_is_field_value(slice_skip(buffer_view(injection->storage), at)) ? OK : ERR_SYNTAX;
}

static enum error inject_credentials(struct injection *injection, const struct http_field *field,
                                     struct slice decoded)
{
    OWNED_STRUCT(buffer) *replaced = &(struct buffer){.limit = injection->storage->limit};

    TRY(replace_tokens(injection, decoded, field->name, replaced));
    return basic_credentials_encode(buffer_view(replaced), injection->storage);
}

/* Fills `decoded` when the field holds credentials with a token inside. */
static enum error find_credentials(const struct http_field *field, struct buffer *decoded,
                                   bool *is_found)
{
    struct slice encoded;

    *is_found = false;
    if (!basic_credentials_recognize(field->name, field->value, &encoded))
        return OK;

    enum error error = basic_credentials_decode(encoded, decoded);
    if (error == OK)
        *is_found = token_scan_finds(buffer_view(decoded));
    return error == ERR_SYNTAX ? OK : error;
}

static enum error inject_field(struct injection *injection, const struct http_field *field)
{
    OWNED_STRUCT(buffer) *decoded = &(struct buffer){.limit = field->value.len + 3};
    bool is_credentials;

    if (token_scan_finds(field->value))
        return inject_text(injection, field);
    TRY(find_credentials(field, decoded, &is_credentials));
    return is_credentials ? inject_credentials(injection, field, buffer_view(decoded)) : OK;
}

static enum error inject_fields(struct injection *injection, const struct http_head *head)
{
    for (size_t i = 0; i < head->field_count; i++) {
        size_t at = buffer_len(injection->storage);
        size_t tokens = injection->token_count;

        TRY(inject_field(injection, &head->fields[i]));
        if (injection->token_count == tokens)
            continue;
        injection->fields[injection->field_count++] =
            (struct replaced_field){i, at, buffer_len(injection->storage) - at};
    }
    return OK;
}

enum error inject_request_head(const struct inject_values *values, struct http_head *head,
                               struct buffer *storage, size_t *replaced)
{
    UNINITIALIZED struct injection injection;

    injection.values = values;
    injection.storage = storage;
    injection.field_count = injection.token_count = 0;
    enum error error = inject_fields(&injection, head);
    if (error != OK) {
        buffer_clear(storage);
        return error;
    }

    struct slice stored = buffer_view(storage);
    for (size_t i = 0; i < injection.field_count; i++) {
        const struct replaced_field *field = &injection.fields[i];
        head->fields[field->index].value = slice_take(slice_skip(stored, field->at), field->len);
    }
    if (replaced != NULL)
        *replaced = injection.token_count;
    return OK;
}
