/* SPDX-License-Identifier: Apache-2.0 */
/* The values of one sandbox for one host, and the patterns that hide them. Never holds a value that
 * may not go there, and never outside guarded memory. */
#include "inject/values.h"

#include "inject/value_forms.h"

#include <stdlib.h>

/* With the canary of libsodium one page: enough for a few secrets and their patterns. */
enum { FIRST_SLAB_SIZE = 4096 - 16 };

struct held_value {
    uint32_t secret_index;
    struct secret value;
};

struct inject_values {
    unsigned references;
    bool is_complete;
    struct view *view;
    struct authority target;
    struct secret_slab *slab; /* all values; once complete also the patterns */
    struct held_value *held;  /* sorted by index once complete */
    size_t count, capacity;
    struct pattern_set patterns;
};

enum error inject_values_new(struct view *view, const struct authority *target,
                             struct inject_values **out)
{
    struct inject_values *values = calloc(1, sizeof(*values));

    if (values == NULL)
        return ERR_NO_MEMORY;
    values->references = 1;
    values->view = view_ref(view);
    values->target = *target;
    pattern_set_init(&values->patterns);
    *out = values;
    return OK;
}

struct inject_values *inject_values_ref(struct inject_values *values)
{
    values->references++;
    return values;
}

void inject_values_unref(struct inject_values *values)
{
    if (values == NULL || --values->references > 0)
        return;
    pattern_set_clear(&values->patterns);
    secret_slab_free(values->slab);
    free(values->held);
    view_unref(values->view);
    free(values);
}

struct view *inject_values_view(const struct inject_values *values)
{
    return values->view;
}

bool inject_values_redact(const struct inject_values *values)
{
    return values->patterns.count > 0;
}

bool inject_values_list_websocket(const struct inject_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        const struct view_secret *secret = &values->view->secrets[values->held[i].secret_index];
        if (place_list_has(secret->places, secret->place_count, PLACE_WEBSOCKET))
            return true;
    }
    return false;
}

const struct authority *values_target(const struct inject_values *values)
{
    return &values->target;
}

const struct pattern_set *values_patterns(const struct inject_values *values)
{
    return &values->patterns;
}

static size_t held_bytes(const struct inject_values *values)
{
    size_t bytes = 0;

    for (size_t i = 0; i < values->count; i++)
        bytes += values->held[i].value.len;
    return bytes;
}

/* Moves all values into a slab of this size. */
static enum error change_slab(struct inject_values *values, size_t size)
{
    OWNED_STRUCT(secret_slab) *slab = secret_slab_new(size);

    if (slab == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < values->count; i++) {
        struct secret *value = &values->held[i].value;
        TRY(secret_slab_add(slab, secret_reveal(value), value));
    }
    secret_slab_free(values->slab);
    values->slab = TAKE(slab);
    return OK;
}

static enum error make_room(struct inject_values *values, size_t len)
{
    if (values->count == values->capacity) {
        size_t capacity = values->capacity > 0 ? 2 * values->capacity : 4;
        struct held_value *held = reallocarray(values->held, capacity, sizeof(*held));
        if (held == NULL)
            return ERR_NO_MEMORY;
        values->held = held;
        values->capacity = capacity;
    }
    if (values->slab != NULL && secret_slab_room(values->slab) >= len)
        return OK;

    size_t size = 2 * (held_bytes(values) + len);
    return change_slab(values, size > FIRST_SLAB_SIZE ? size : FIRST_SLAB_SIZE);
}

/* The keyholder and the request check have both decided this; a value that must not go to the host
 * is not even held for it. Without default_deny every permitted host passes. */
static enum error check_secret(const struct inject_values *values, uint32_t secret_index)
{
    if (secret_index >= values->view->secret_count)
        return ERR_NOT_FOUND;

    const struct view_secret *secret = &values->view->secrets[secret_index];
    struct decision decision = decision_for_secret(values->view, secret, &values->target,
                                                   (struct decision_settings){false});
    return decision.verdict == VERDICT_ALLOW ? OK : ERR_FORBIDDEN;
}

static bool is_held(const struct inject_values *values, uint32_t secret_index)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->held[i].secret_index == secret_index)
            return true;
    return false;
}

enum error inject_values_add(struct inject_values *values, uint32_t secret_index,
                             struct slice value)
{
    if (values->is_complete)
        return ERR_CONFLICT;
    if (value.len > SECRET_VALUE_MAX)
        return ERR_TOO_LARGE;
    if (is_held(values, secret_index))
        return ERR_EXISTS;

    TRY(check_secret(values, secret_index));
    TRY(make_room(values, value.len));
    struct held_value *held = &values->held[values->count];
    held->secret_index = secret_index;
    TRY(secret_slab_add(values->slab, value, &held->value));
    values->count++;
    return OK;
}

static const struct token *first_token(const struct view *view, uint32_t secret_index)
{
    for (size_t i = 0; i < view->token_count; i++)
        if (view->tokens[i].secret == secret_index)
            return &view->tokens[i].token;
    return NULL;
}

static enum error add_patterns(struct inject_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        const struct held_value *held = &values->held[i];
        if (values->view->secrets[held->secret_index].redact)
            TRY(value_forms_add(&values->patterns, secret_reveal(&held->value),
                                first_token(values->view, held->secret_index)));
    }
    return OK;
}

static int compare_held(const void *left, const void *right)
{
    const struct held_value *a = left, *b = right;

    return (a->secret_index > b->secret_index) - (a->secret_index < b->secret_index);
}

static enum error compile(struct inject_values *values)
{
    TRY(add_patterns(values));
    size_t size = pattern_set_slab_size(&values->patterns);
    if (secret_slab_room(values->slab) < size)
        TRY(change_slab(values, held_bytes(values) + size));
    TRY(pattern_set_seal(&values->patterns, values->slab));
    qsort(values->held, values->count, sizeof(*values->held), compare_held);
    return OK;
}

enum error inject_values_complete(struct inject_values *values)
{
    if (values->is_complete)
        return ERR_CONFLICT;

    if (values->count > 0)
        TRY(compile(values));
    values->is_complete = true;
    return OK;
}

enum error values_find(const struct inject_values *values, uint32_t secret_index, struct slice *out)
{
    const struct held_value key = {.secret_index = secret_index};
    const struct held_value *held =
        values->count > 0 ? bsearch(&key, values->held, values->count, sizeof(key), compare_held)
                          : NULL;

    if (held == NULL)
        return ERR_NOT_FOUND;
    *out = secret_reveal(&held->value);
    return OK;
}
