/* SPDX-License-Identifier: Apache-2.0 */
/* Finds tokens in a text. Never takes a part of a longer word for a token. */
#include "inject/token_scan.h"

enum { FIRST_UNDERSCORE = 3 }; /* where TOKEN_PREFIX has it */

struct token_scan token_scan_of(struct slice text)
{
    return (struct token_scan){text, 0};
}

/* Looks for the underscore, which is rare in a head, with memchr(): memmem() sets up tables. */
static bool find_prefix(struct slice text, size_t from, size_t *at)
{
    while (text.len >= TOKEN_PREFIX_LEN && from <= text.len - TOKEN_PREFIX_LEN) {
        struct slice rest = slice_skip(text, from + FIRST_UNDERSCORE);
        size_t skipped = slice_find(rest, '_');

        if (skipped == rest.len)
            return false;
        from += skipped;
        if (slice_starts_with(slice_skip(text, from), SLICE(TOKEN_PREFIX))) {
            *at = from;
            return true;
        }
        from++;
    }
    return false;
}

static bool is_word(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_';
}

static bool is_delimited(struct slice text, size_t at, size_t len)
{
    bool left = at == 0 || !is_word(text.data[at - 1]);
    bool right = at + len >= text.len || !is_word(text.data[at + len]);

    return left && right;
}

bool token_scan_next(struct token_scan *scan, struct token_sighting *out)
{
    size_t at;

    if (!find_prefix(scan->text, scan->at, &at))
        return false;

    struct slice text = slice_take(slice_skip(scan->text, at), TOKEN_TEXT_LEN);
    struct token_sighting found = {.at = at, .len = TOKEN_PREFIX_LEN};
    if (is_delimited(scan->text, at, TOKEN_TEXT_LEN) && token_parse(text, &found.token) == OK) {
        found.is_whole = true;
        found.len = TOKEN_TEXT_LEN;
    }
    scan->at = at + found.len;
    *out = found;
    return true;
}

bool token_scan_finds(struct slice text)
{
    size_t at;

    return find_prefix(text, 0, &at);
}

static bool begins_token(struct slice text)
{
    struct slice digits = slice_skip(text, TOKEN_PREFIX_LEN);

    for (size_t i = 0; i < digits.len; i++)
        if (!ascii_is_digit(digits.data[i]) && !(digits.data[i] >= 'a' && digits.data[i] <= 'f'))
            return false;
    return text.len <= TOKEN_TEXT_LEN &&
           slice_starts_with(SLICE(TOKEN_PREFIX), slice_take(text, TOKEN_PREFIX_LEN));
}

/* A token is a word of its own: only the word that the text breaks off in can be one. */
size_t token_scan_undecided(struct slice text, size_t from)
{
    size_t at = text.len;

    while (at > 0 && text.len - at <= TOKEN_TEXT_LEN && is_word(text.data[at - 1]))
        at--;
    return at >= from && begins_token(slice_skip(text, at)) ? at : text.len;
}
