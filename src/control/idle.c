/* SPDX-License-Identifier: Apache-2.0 */
/* Hibernates idle sandboxes. Never before the activity that was reported has been written. */

#include "control/idle.h"

#include "base/table.h"
#include "control/ca_files.h"
#include "control/clock.h"
#include "control/propagation.h"
#include "observe/log.h"

#include <event2/event.h>
#include <stdlib.h>

struct active_sandbox {
    struct table_entry entry;
    char id[];
};

struct idle {
    struct control *control; /* borrowed */
    struct event *timer;
    struct table active; /* since the last round */
};

static void idle_forget_active(struct idle *idle)
{
    struct table_entry *entry;
    while ((entry = table_first(&idle->active)) != NULL) {
        table_remove(&idle->active, entry);
        free(CONTAINER_OF(entry, struct active_sandbox, entry));
    }
}

void idle_free(struct idle *idle)
{
    if (idle == NULL)
        return;
    if (idle->timer != NULL)
        event_free(idle->timer);
    idle_forget_active(idle);
    table_clear(&idle->active);
    free(idle);
}

void idle_note_activity(struct idle *idle, struct slice sandbox_id)
{
    if (table_find(&idle->active, sandbox_id) != NULL)
        return;
    struct active_sandbox *active = calloc(1, sizeof *active + sandbox_id.len + 1);
    if (active == NULL)
        return;
    memcpy(active->id, sandbox_id.data, sandbox_id.len);
    if (table_insert(&idle->active, &active->entry, slice_of(active->id, sandbox_id.len)) != OK)
        free(active);
}

static enum error idle_write_activity(struct idle *idle, struct arena *arena, int64_t now)
{
    struct text_list ids = {.count = 0};
    if (idle->active.count == 0)
        return OK;
    ids.items = arena_alloc_array(arena, idle->active.count, sizeof *ids.items);
    if (ids.items == NULL)
        return ERR_NO_MEMORY;
    for (struct table_entry *entry = table_first(&idle->active); entry != NULL;
         entry = table_next(&idle->active, entry))
        ids.items[ids.count++] = entry->key;
    TRY(sandboxes_touch(idle->control->store, &ids, now));
    idle_forget_active(idle);
    return OK;
}

static enum error idle_expire(struct idle *idle, struct arena *arena)
{
    int64_t now = (int64_t)clock_now_ms();
    struct text_list expired;
    TRY(idle_write_activity(idle, arena, now));
    TRY(sandboxes_expire_idle(idle->control->store, arena, now, &expired));
    if (expired.count > 0)
        propagation_push(idle->control->propagation, &expired,
                         &(struct propagation_then){.call = NULL});
    return OK;
}

static void on_round(evutil_socket_t fd, short what, void *argument)
{
    struct idle *idle = argument;
    struct arena arena;
    (void)fd, (void)what;
    arena_init(&arena);
    enum error error = idle_expire(idle, &arena);
    if (error != OK)
        LOG(LEVEL_ERROR, "idle_round_failed", .error = error);
    if (ca_files_ensure(idle->control->ca_files) != OK)
        LOG(LEVEL_DEBUG, "ca_not_known_yet");
    arena_clear(&arena);
}

struct idle *idle_new(struct control *control)
{
    static const struct timeval round = {1, 0};
    struct idle *idle = calloc(1, sizeof *idle);
    if (idle == NULL)
        return NULL;
    idle->control = control;
    table_init(&idle->active);
    idle->timer = event_new(control->base, -1, EV_PERSIST, on_round, idle);
    if (idle->timer == NULL || event_add(idle->timer, &round) != 0) {
        idle_free(idle);
        return NULL;
    }
    return idle;
}
