/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes a value for JSON in the ways that encoders have. Never decides which one is right. */
#include "inject/json_form.h"

#include "inject/utf8.h"

struct json_style {
    const char *numbered; /* ASCII written as \uXXXX beyond what has to be; NULL: all of it */
    bool slash;           /* "/" as "\/" */
    bool ascii;           /* everything outside ASCII as \uXXXX */
    bool upper;           /* digits in upper case */
    bool form_feed;       /* \b and \f have their short forms */
};

static const struct json_style styles[JSON_STYLES] = {
    {"", false, false, false, true},            /* JSON.stringify, Python ensure_ascii=False */
    {"", false, true, false, true},             /* Python json.dumps */
    {"", true, true, false, true},              /* PHP json_encode */
    {"", true, false, false, true},             /* PHP with JSON_UNESCAPED_UNICODE */
    {"", false, false, true, true},             /* Jackson, controls in upper case */
    {"", false, true, true, true},              /* Jackson with ESCAPE_NON_ASCII, jansson */
    {"<>&", false, false, false, false},        /* Go before 1.22 */
    {"<>&", false, false, false, true},         /* Go, Rails */
    {"<>&='", false, false, false, true},       /* Gson */
    {"\x7f", false, false, false, true},        /* jq */
    {"\"&'+<>`\x7f", false, true, true, true},  /* System.Text.Json */
    {"\"&'+<>`\x7f", false, true, false, true}, /* the same digits in lower case */
    {NULL, false, true, true, false},           /* every character, letters and digits too */
    {NULL, false, true, false, false},
};

struct escaping {
    const struct json_style *style;
    char *at; /* room is left for six bytes more for each byte of the value */
};

static void put(struct escaping *escaping, char c)
{
    *escaping->at++ = c;
}

static void put_number(struct escaping *escaping, uint32_t unit)
{
    const char *digits = escaping->style->upper ? "0123456789ABCDEF" : "0123456789abcdef";

    put(escaping, '\\');
    put(escaping, 'u');
    for (int shift = 12; shift >= 0; shift -= 4)
        put(escaping, digits[unit >> shift & 15]);
}

/* The letter of a two-character escape, or 0. */
static char short_escape(const struct json_style *style, char c)
{
    static const char letters[128] = {['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r',
                                      ['\t'] = 't', ['/'] = '/',   ['\b'] = 'b', ['\f'] = 'f'};

    if ((c == '/' && !style->slash) || ((c == '\b' || c == '\f') && !style->form_feed))
        return 0;
    return letters[(unsigned char)c];
}

static void escape_ascii(struct escaping *escaping, char c)
{
    const char *numbered = escaping->style->numbered;
    bool is_numbered = numbered == NULL || (c != '\0' && strchr(numbered, c) != NULL);
    char letter = is_numbered ? 0 : short_escape(escaping->style, c);

    if (letter != 0) {
        put(escaping, '\\');
        put(escaping, letter);
    } else if (is_numbered || (unsigned char)c < ' ') {
        put_number(escaping, (unsigned char)c);
    } else {
        put(escaping, c);
    }
}

static void escape_code_point(struct escaping *escaping, uint32_t point)
{
    if (point < 0x10000) {
        put_number(escaping, point);
        return;
    }
    put_number(escaping, 0xd7c0 + (point >> 10));
    put_number(escaping, 0xdc00 + (point & 0x3ff));
}

/* Returns how many bytes of `text` it wrote; 0 when they are not UTF-8 and have to be. */
static size_t escape_next(struct escaping *escaping, struct slice text)
{
    uint32_t point;
    size_t len = 1;

    if ((unsigned char)text.data[0] < 0x80) {
        escape_ascii(escaping, text.data[0]);
    } else if (!escaping->style->ascii) {
        put(escaping, text.data[0]);
    } else {
        len = utf8_decode(text, &point);
        if (len > 0)
            escape_code_point(escaping, point);
    }
    return len;
}

enum error json_form_append(size_t style, struct slice value, struct buffer *out)
{
    struct escaping escaping = {.style = &styles[style]};
    char *room;

    TRY(buffer_reserve(out, 6 * value.len, &room));
    escaping.at = room;
    while (value.len > 0) {
        size_t len = escape_next(&escaping, value);
        if (len == 0)
            break;
        value = slice_skip(value, len);
    }
    buffer_commit(out, (size_t)(escaping.at - room));
    return value.len == 0 ? OK : ERR_SYNTAX;
}
