/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a token or a mask where a form of a value is. Never lets through what it could not decide.
 */
#include "inject/redaction.h"

#include "inject/pattern_search.h"

static enum error append_mask(size_t len, struct buffer *out)
{
    char *room;

    TRY(buffer_reserve(out, len, &room));
    memset(room, '*', len);
    buffer_commit(out, len);
    return OK;
}

static enum error append_token(const struct token *token, struct buffer *out)
{
    char *room;

    TRY(buffer_reserve(out, TOKEN_TEXT_LEN, &room));
    token_format(token, room);
    buffer_commit(out, TOKEN_TEXT_LEN);
    return OK;
}

static enum error append_stand_in(const struct redaction *redaction, const struct pattern *pattern,
                                  struct buffer *out)
{
    if (pattern->token == NULL || redaction->keep_length)
        return append_mask(pattern->len, out);
    return append_token(pattern->token, out);
}

enum error redaction_apply(struct redaction *redaction, struct slice *text, bool is_end,
                           struct buffer *out)
{
    enum pattern_search_result result;

    do {
        struct pattern_match match = {.at = text->len};
        result = pattern_search(redaction->patterns, *text, is_end, &match);
        TRY(buffer_append(out, slice_take(*text, match.at)));
        *text = slice_skip(*text, match.at);
        if (result != PATTERN_SEARCH_FOUND)
            continue;
        TRY(append_stand_in(redaction, match.pattern, out));
        *text = slice_skip(*text, match.pattern->len);
        redaction->hits++;
    } while (result == PATTERN_SEARCH_FOUND);
    return OK;
}
