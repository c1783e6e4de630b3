/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encodes a value in the ways that encoders have. Never decides which one is right. */
#include "inject/percent_form.h"

struct percent_style {
    const char *safe; /* left as they are, beside letters and digits; NULL: nothing is */
    bool space_is_plus;
};

/* Each once with upper-case and once with lower-case digits. */
static const struct percent_style styles[PERCENT_STYLES / 2] = {
    {"-_.~", false},                 /* PHP rawurlencode, Python quote(safe=""), AWS */
    {"-_.~", true},                  /* Python quote_plus, Go url.QueryEscape */
    {"-_.~/", false},                /* Python quote */
    {"-_.!~*'()", false},            /* encodeURIComponent */
    {"-_.!~*'();/?:@&=+$,#", false}, /* encodeURI */
    {"-_.*", true},                  /* application/x-www-form-urlencoded (WHATWG), Java */
    {"-_.", true},                   /* PHP urlencode */
    {"-_.~$&+=:@", false},           /* Go url.PathEscape */
    {NULL, false},                   /* every byte, letters and digits too */
};

static bool is_safe(const struct percent_style *style, char c)
{
    if (style->safe == NULL)
        return false;
    return ascii_is_alpha(c) || ascii_is_digit(c) || (c != '\0' && strchr(style->safe, c) != NULL);
}

static size_t encode_byte(const struct percent_style *style, const char *digits, char c, char *room)
{
    unsigned char byte = (unsigned char)c;

    if (is_safe(style, c) || (c == ' ' && style->space_is_plus)) {
        room[0] = c == ' ' ? '+' : c;
        return 1;
    }
    room[0] = '%';
    room[1] = digits[byte >> 4];
    room[2] = digits[byte & 15];
    return 3;
}

enum error percent_form_append(size_t style, struct slice value, struct buffer *out)
{
    const char *digits = style % 2 == 0 ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t written = 0;
    char *room;

    TRY(buffer_reserve(out, 3 * value.len, &room));
    for (size_t i = 0; i < value.len; i++)
        written += encode_byte(&styles[style / 2], digits, value.data[i], room + written);
    buffer_commit(out, written);
    return OK;
}
