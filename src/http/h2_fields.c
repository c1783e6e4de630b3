/* SPDX-License-Identifier: Apache-2.0 */
/* A head as nghttp2 takes it. Never hands over a byte of a name or value that it did not check. */
#include "http/h2_fields.h"

#include "http/h2_head.h"

#include <stdio.h>

/* The library's own upper bounds: of a field's two lengths, and of what comes before all fields. */
enum { LENGTHS_SIZE = 12, BLOCK_OVERHEAD = 32 };

void h2_fields_init(struct h2_fields *fields)
{
    fields->count = 0;
    fields->size = BLOCK_OVERHEAD;
    fields->flags = NGHTTP2_NV_FLAG_NONE;
}

static enum error add(struct h2_fields *fields, struct slice name, struct slice value)
{
    fields->size += name.len + value.len + LENGTHS_SIZE;
    if (fields->count == ARRAY_LEN(fields->items) || fields->size > H2_BLOCK_MAX)
        return ERR_TOO_LARGE;
    fields->items[fields->count++] = (nghttp2_nv){
        .name = (uint8_t *)name.data,
        .value = (uint8_t *)(value.len > 0 ? value.data : ""),
        .namelen = name.len,
        .valuelen = value.len,
        .flags = fields->flags,
    };
    return OK;
}

static bool is_one_word(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] > '~')
            return false;
    return s.len > 0;
}

enum error h2_fields_add_pseudo(struct h2_fields *fields, struct slice name, struct slice value)
{
    return is_one_word(value) ? add(fields, name, value) : ERR_SYNTAX;
}

static struct slice print_number(char *text, uint64_t number)
{
    int len = snprintf(text, H2_NUMBER_TEXT_MAX, "%llu", (unsigned long long)number);

    return slice_of(text, (size_t)len);
}

enum error h2_fields_add_status(struct h2_fields *fields, uint16_t status)
{
    if (status < 100 || status > 599 || status == 101)
        return ERR_SYNTAX;
    return add(fields, SLICE(":status"), print_number(fields->status_text, status));
}

enum error h2_fields_add_framing(struct h2_fields *fields, struct http_framing framing)
{
    if (framing.kind != HTTP_BODY_LENGTH)
        return OK;
    return add(fields, SLICE("content-length"), print_number(fields->length_text, framing.length));
}

/* They are written from what authority and framing are now, or do not exist here. */
static bool is_left_out(const struct http_field *field)
{
    return http_name_equals(field->name, SLICE("Host")) ||
           http_name_equals(field->name, SLICE("Content-Length")) ||
           h2_head_is_connection_specific(field->name, field->value);
}

static enum error add_checked(struct h2_fields *fields, const struct http_field *field)
{
    if (!http_is_token(field->name) || !http_is_field_value(field->value) ||
        slice_trim(field->value).len != field->value.len)
        return ERR_SYNTAX;
    return add(fields, field->name, field->value);
}

enum error h2_fields_add_head(struct h2_fields *fields, const struct http_head *head)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (!is_left_out(&head->fields[i]))
            TRY(add_checked(fields, &head->fields[i]));
    return OK;
}

enum error h2_fields_add_trailers(struct h2_fields *fields, const struct http_head *trailers)
{
    for (size_t i = 0; i < trailers->field_count; i++)
        if (!is_left_out(&trailers->fields[i]) &&
            !http_name_is_forbidden_in_trailers(trailers->fields[i].name))
            TRY(add_checked(fields, &trailers->fields[i]));
    return OK;
}
