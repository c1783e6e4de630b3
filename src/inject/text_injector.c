/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens out of a stream of text, values in. Never replaces a token before it is known to end
 * where it does. */
#include "inject/text_injector.h"

#include "inject/token_scan.h"
#include "inject/utf8.h"
#include "inject/values.h"

#include <stdlib.h>

enum { TEXT_MAX = 64 * 1024 }; /* one piece and what was held back before it */

struct text_injector {
    struct inject_values *values;
    struct decision_settings settings;
    struct inject_finding *finding; /* borrowed */
    struct buffer text;             /* not yet passed on, after the last byte that was */
    size_t context;                 /* 1: that byte is there; 0: the text begins */
    size_t count;
};

enum error text_injector_new(struct inject_values *values, struct decision_settings settings,
                             struct inject_finding *finding, struct text_injector **out)
{
    struct text_injector *injector = calloc(1, sizeof(*injector));

    if (injector == NULL)
        return ERR_NO_MEMORY;
    injector->values = inject_values_ref(values);
    injector->settings = settings;
    injector->finding = finding;
    buffer_init(&injector->text, TEXT_MAX);
    *out = injector;
    return OK;
}

void text_injector_free(struct text_injector *injector)
{
    if (injector == NULL)
        return;
    buffer_clear(&injector->text);
    inject_values_unref(injector->values);
    free(injector);
}

static bool may_inject(const struct text_injector *injector, const struct view_secret *secret)
{
    struct decision decision =
        decision_for_secret(inject_values_view(injector->values), secret,
                            values_target(injector->values), injector->settings);

    return decision.verdict == VERDICT_ALLOW &&
           place_list_has(secret->places, secret->place_count, PLACE_WEBSOCKET);
}

/* False: it stays what it is. */
static bool find_value(struct text_injector *injector, const struct token_sighting *sighting,
                       struct slice *value)
{
    const struct view *view = inject_values_view(injector->values);
    const struct view_secret *secret =
        sighting->is_whole ? view_find_token(view, &sighting->token) : NULL;

    if (secret == NULL || !may_inject(injector, secret) ||
        values_find(injector->values, (uint32_t)(secret - view->secrets), value) != OK ||
        !utf8_is_valid(*value))
        return false;
    inject_note_secret(injector->finding, secret->name);
    injector->count++;
    return true;
}

static enum error replace(struct text_injector *injector, struct slice text, struct buffer *out)
{
    struct token_scan scan = {text, injector->context};
    struct token_sighting sighting;
    size_t done = injector->context;
    struct slice value;

    while (token_scan_next(&scan, &sighting)) {
        if (!find_value(injector, &sighting, &value))
            continue;
        TRY(buffer_append(out, slice_take(slice_skip(text, done), sighting.at - done)));
        TRY(buffer_append(out, value));
        done = sighting.at + sighting.len;
    }
    return buffer_append(out, slice_skip(text, done));
}

enum error text_injector_feed(struct text_injector *injector, struct slice piece,
                              struct buffer *out)
{
    TRY(buffer_append(&injector->text, piece));

    struct slice text = buffer_view(&injector->text);
    size_t decided = token_scan_undecided(text, injector->context);
    TRY(replace(injector, slice_take(text, decided), out));
    if (decided > 0) {
        buffer_consume(&injector->text, decided - 1);
        injector->context = 1;
    }
    return OK;
}

enum error text_injector_finish(struct text_injector *injector, struct buffer *out)
{
    TRY(replace(injector, buffer_view(&injector->text), out));
    buffer_reset(&injector->text);
    injector->context = 0;
    return OK;
}

size_t text_injector_count(const struct text_injector *injector)
{
    return injector->count;
}
