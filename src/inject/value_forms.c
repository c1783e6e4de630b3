/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the forms of one value. Never keeps one: they go from a wiped buffer to the pattern set. */
#include "inject/value_forms.h"

#include "inject/json_form.h"
#include "inject/percent_form.h"

#include <sodium.h>

/* No form is longer than six bytes ("\u00e4") for one. */
enum { FORM_MAX = 6 * SECRET_VALUE_MAX + 64 };

static enum error add_base64(struct pattern_set *set, struct slice value, unsigned alignment,
                             int variant)
{
    OWNED_STRUCT(buffer) *shifted = &(struct buffer){.limit = FORM_MAX};
    OWNED_STRUCT(buffer) *encoded = &(struct buffer){.limit = FORM_MAX};
    size_t bits = 8 * (alignment + value.len);
    size_t capacity = sodium_base64_ENCODED_LEN(alignment + value.len, variant);
    char *room;

    /* Two zero bytes in front, at most, shift the value; what they touch is cut off again, and so
     * is what depends on the bytes behind. */
    TRY(buffer_append(shifted, slice_of("\0\0", alignment)));
    TRY(buffer_append(shifted, value));
    TRY(buffer_reserve(encoded, capacity, &room));
    struct slice input = buffer_view(shifted);
    sodium_bin2base64(room, capacity, (const unsigned char *)input.data, input.len, variant);
    buffer_commit(encoded, bits / 6);
    sodium_memzero(room + bits / 6, capacity - bits / 6);

    size_t first = (8 * alignment + 5) / 6;
    return pattern_set_add(set, slice_skip(buffer_view(encoded), first), NULL);
}

static enum error add_all_base64(struct pattern_set *set, struct slice value)
{
    for (unsigned alignment = 0; alignment < 3; alignment++) {
        TRY(add_base64(set, value, alignment, sodium_base64_VARIANT_ORIGINAL_NO_PADDING));
        TRY(add_base64(set, value, alignment, sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    }
    return OK;
}

static enum error add_hex(struct pattern_set *set, struct slice value, const char *digits)
{
    OWNED_STRUCT(buffer) *hex = &(struct buffer){.limit = FORM_MAX};
    char *room;

    TRY(buffer_reserve(hex, 2 * value.len, &room));
    for (size_t i = 0; i < value.len; i++) {
        room[2 * i] = digits[(unsigned char)value.data[i] >> 4];
        room[2 * i + 1] = digits[(unsigned char)value.data[i] & 15];
    }
    buffer_commit(hex, 2 * value.len);
    return pattern_set_add(set, buffer_view(hex), NULL);
}

static enum error add_percent(struct pattern_set *set, struct slice value)
{
    for (size_t style = 0; style < PERCENT_STYLES; style++) {
        OWNED_STRUCT(buffer) *form = &(struct buffer){.limit = FORM_MAX};
        TRY(percent_form_append(style, value, form));
        TRY(pattern_set_add(set, buffer_view(form), NULL));
    }
    return OK;
}

static enum error add_json(struct pattern_set *set, struct slice value)
{
    for (size_t style = 0; style < JSON_STYLES; style++) {
        OWNED_STRUCT(buffer) *form = &(struct buffer){.limit = FORM_MAX};
        enum error error = json_form_append(style, value, form);
        if (error == ERR_SYNTAX) /* no text: this encoder cannot have written it */
            continue;
        TRY(error);
        TRY(pattern_set_add(set, buffer_view(form), NULL));
    }
    return OK;
}

enum error value_forms_add(struct pattern_set *set, struct slice value, const struct token *token)
{
    if (value.len < PATTERN_MIN_LEN)
        return OK;

    pattern_set_begin_value(set);
    TRY(pattern_set_add(set, value, token));
    TRY(add_all_base64(set, value));
    TRY(add_percent(set, value));
    TRY(add_json(set, value));
    TRY(add_hex(set, value, "0123456789abcdef"));
    return add_hex(set, value, "0123456789ABCDEF");
}
