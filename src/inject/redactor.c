/* SPDX-License-Identifier: Apache-2.0 */
/* Hides values in a stream. Never passes on a byte that may be part of one, and never holds back
 * one that cannot be. */
#include "inject/redaction.h"
#include "inject/values.h"

#include <stdlib.h>

struct redactor {
    struct inject_values *values;
    struct redaction redaction;
    struct buffer held; /* the beginning of some pattern, and nothing else */
};

enum error redactor_new(struct inject_values *values, bool keep_length, struct redactor **out)
{
    struct redactor *redactor = calloc(1, sizeof(*redactor));
    const struct pattern_set *patterns = values_patterns(values);

    if (redactor == NULL)
        return ERR_NO_MEMORY;
    redactor->values = inject_values_ref(values);
    redactor->redaction = (struct redaction){.patterns = patterns, .keep_length = keep_length};
    buffer_init(&redactor->held, 2 * patterns->longest);
    *out = redactor;
    return OK;
}

void redactor_free(struct redactor *redactor)
{
    if (redactor == NULL)
        return;
    buffer_clear(&redactor->held);
    inject_values_unref(redactor->values);
    free(redactor);
}

size_t redactor_output_max(const struct redactor *redactor, size_t input_len)
{
    size_t len = buffer_len(&redactor->held) + input_len;
    size_t shortest = redactor->redaction.patterns->shortest;

    /* The shortest one is never shorter than PATTERN_MIN_LEN. */
    return redactor->redaction.keep_length ? len : len + len / shortest * TOKEN_TEXT_LEN;
}

/* Goes on with what is held, and as much of the input as may belong to it. */
static enum error feed_held(struct redactor *redactor, struct slice *input, struct buffer *out)
{
    struct slice piece = slice_take(*input, redactor->redaction.patterns->longest);

    TRY(buffer_append(&redactor->held, piece));
    *input = slice_skip(*input, piece.len);
    struct slice rest = buffer_view(&redactor->held);
    TRY(redaction_apply(&redactor->redaction, &rest, false, out));
    if (rest.len == 0)
        buffer_clear(&redactor->held);
    else
        buffer_consume(&redactor->held, buffer_len(&redactor->held) - rest.len);
    return OK;
}

enum error redactor_feed(struct redactor *redactor, struct slice input, struct buffer *out)
{
    while (input.len > 0 && buffer_len(&redactor->held) > 0)
        TRY(feed_held(redactor, &input, out));

    TRY(redaction_apply(&redactor->redaction, &input, false, out));
    return buffer_append(&redactor->held, input);
}

enum error redactor_finish(struct redactor *redactor, struct buffer *out)
{
    struct slice rest = buffer_view(&redactor->held);

    TRY(redaction_apply(&redactor->redaction, &rest, true, out));
    buffer_clear(&redactor->held);
    return OK;
}

size_t redactor_hits(const struct redactor *redactor)
{
    return redactor->redaction.hits;
}
