/* SPDX-License-Identifier: Apache-2.0 */
/* Hides values in the head of a response. Never lets a token make the head larger than a client
 * would take: a mask is as good. */
#include "inject/pattern_search.h"
#include "inject/redaction.h"
#include "inject/values.h"

struct head_redaction {
    struct http_head *head;
    struct redaction redaction;
    size_t room; /* how much the head may grow */
};

static size_t head_room(const struct http_head *head)
{
    size_t size = head->reason.len;

    for (size_t i = 0; i < head->field_count; i++)
        size += head->fields[i].name.len + head->fields[i].value.len + SLICE(": \r\n").len;
    return size < HTTP_HEAD_MAX ? HTTP_HEAD_MAX - size : 0;
}

static bool holds_value(const struct head_redaction *redaction, struct slice text)
{
    struct pattern_match match;

    return pattern_search(redaction->redaction.patterns, text, true, &match) ==
           PATTERN_SEARCH_FOUND;
}

static enum error redact_into(struct head_redaction *redaction, struct slice text, bool keep_length,
                              struct buffer *out)
{
    struct redaction attempt = redaction->redaction;

    attempt.keep_length = keep_length;
    TRY(redaction_apply(&attempt, &text, true, out));
    redaction->redaction.hits = attempt.hits;
    return OK;
}

static enum error redact_text(struct head_redaction *redaction, struct slice *text)
{
    OWNED_STRUCT(buffer) *hidden = &(struct buffer){.limit = text->len + redaction->room};

    if (!holds_value(redaction, *text))
        return OK;
    enum error error = redact_into(redaction, *text, false, hidden);
    if (error == ERR_TOO_LARGE) {
        buffer_reset(hidden);
        error = redact_into(redaction, *text, true, hidden);
    }
    TRY(error);

    redaction->room = hidden->limit - buffer_len(hidden);
    return http_head_store(redaction->head, buffer_view(hidden), text);
}

static void drop_named_by_value(struct head_redaction *redaction)
{
    struct http_head *head = redaction->head;
    size_t kept = 0;

    for (size_t i = 0; i < head->field_count; i++) {
        if (holds_value(redaction, head->fields[i].name))
            redaction->redaction.hits++;
        else
            head->fields[kept++] = head->fields[i];
    }
    head->field_count = kept;
}

enum error inject_redact_head(const struct inject_values *values, struct http_head *head,
                              size_t *hits)
{
    struct head_redaction redaction = {
        .head = head, .redaction = {.patterns = values_patterns(values)}, .room = head_room(head)};

    drop_named_by_value(&redaction);
    TRY(redact_text(&redaction, &head->reason));
    for (size_t i = 0; i < head->field_count; i++)
        TRY(redact_text(&redaction, &head->fields[i].value));
    if (hits != NULL)
        *hits = redaction.redaction.hits;
    return OK;
}
