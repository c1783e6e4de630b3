/* SPDX-License-Identifier: Apache-2.0 */
/* Views in use. Never lets go of one that an exchange still refers to. */
#include "process/worker/held_views.h"

#include <stdlib.h>

void held_views_init(struct held_views *views)
{
    table_init(&views->by_pointer);
    table_init(&views->by_sandbox);
    views->superseded = NULL;
    views->last_handle = 0;
}

void held_view_free(struct held_view *held)
{
    view_unref(held->view);
    buffer_clear(&held->encoded);
    free(held);
}

void held_views_clear(struct held_views *views)
{
    struct table_entry *entry;

    while ((entry = table_first(&views->by_pointer)) != NULL) {
        table_remove(&views->by_pointer, entry);
        held_view_free(CONTAINER_OF(entry, struct held_view, by_pointer));
    }
    table_clear(&views->by_pointer);
    table_clear(&views->by_sandbox);
    views->superseded = NULL;
}

struct held_view *held_views_current(const struct held_views *views, struct slice sandbox_id)
{
    struct table_entry *entry = table_find(&views->by_sandbox, sandbox_id);

    return entry == NULL ? NULL : CONTAINER_OF(entry, struct held_view, by_sandbox);
}

struct held_view *held_views_find(const struct held_views *views, const struct view *view)
{
    struct table_entry *entry = table_find(&views->by_pointer, slice_of(&view, sizeof(view)));

    return entry == NULL ? NULL : CONTAINER_OF(entry, struct held_view, by_pointer);
}

static void supersede(struct held_views *views, struct held_view *held)
{
    table_remove(&views->by_sandbox, &held->by_sandbox);
    held->is_current = false;
    held->next_superseded = views->superseded;
    views->superseded = held;
}

void held_views_release(struct held_views *views, struct slice sandbox_id)
{
    struct held_view *held = held_views_current(views, sandbox_id);

    if (held != NULL)
        supersede(views, held);
}

static enum error held_view_new(struct slice encoded, const uint8_t *mac, struct held_view **out)
{
    struct held_view *held = calloc(1, sizeof(*held));

    if (held == NULL)
        return ERR_NO_MEMORY;
    buffer_init(&held->encoded, VIEW_ENCODED_MAX);
    memcpy(held->mac, mac, sizeof(held->mac));
    enum error error = buffer_append(&held->encoded, encoded);
    if (error == OK)
        error = view_decode(encoded, &held->view);
    if (error != OK) {
        held_view_free(held);
        return error;
    }
    *out = held;
    return OK;
}

static enum error insert(struct held_views *views, struct held_view *held)
{
    TRY(table_insert(&views->by_pointer, &held->by_pointer,
                     slice_of(&held->view, sizeof(held->view))));
    enum error error = table_insert(&views->by_sandbox, &held->by_sandbox, held->view->sandbox_id);
    if (error != OK)
        table_remove(&views->by_pointer, &held->by_pointer);
    return error;
}

/* Takes `held`, which may turn out to be what is there already. */
static enum error make_current(struct held_views *views, struct held_view *held, struct view **out)
{
    struct held_view *former = held_views_current(views, held->view->sandbox_id);

    if (former != NULL &&
        slice_equals(buffer_view(&former->encoded), buffer_view(&held->encoded))) {
        held_view_free(held);
        *out = former->view;
        return OK;
    }
    if (former != NULL)
        supersede(views, former);
    enum error error = insert(views, held);
    if (error != OK) {
        held_view_free(held);
        return error;
    }
    held->handle = ++views->last_handle;
    held->is_current = true;
    *out = held->view;
    return OK;
}

enum error held_views_add(struct held_views *views, struct slice encoded, const uint8_t *mac,
                          struct view **out)
{
    struct held_view *held = NULL;

    TRY(held_view_new(encoded, mac, &held));
    return make_current(views, held, out);
}

enum error held_views_update(struct held_views *views, struct slice encoded, const uint8_t *mac,
                             struct view **out)
{
    struct held_view *held = NULL;

    TRY(held_view_new(encoded, mac, &held));
    if (held_views_current(views, held->view->sandbox_id) != NULL)
        return make_current(views, held, out);
    held_view_free(held);
    *out = NULL;
    return OK;
}

void held_views_unpresent(struct held_views *views, enum held_view_audience audience)
{
    for (struct table_entry *entry = table_first(&views->by_pointer); entry != NULL;
         entry = table_next(&views->by_pointer, entry))
        CONTAINER_OF(entry, struct held_view, by_pointer)->is_presented[audience] = false;
}

struct held_view *held_views_take_unused(struct held_views *views)
{
    struct held_view **place = &views->superseded;

    while (*place != NULL && (*place)->view->references > 1)
        place = &(*place)->next_superseded;
    struct held_view *unused = *place;
    if (unused == NULL)
        return NULL;
    *place = unused->next_superseded;
    table_remove(&views->by_pointer, &unused->by_pointer);
    return unused;
}
