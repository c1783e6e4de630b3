/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest generation that counts. Never lowers it. */
#include "process/view_floor.h"

#include "policy/view.h"

#include <stdlib.h>
#include <time.h>

struct raised_floor {
    struct table_entry entry;
    uint64_t generation;
    char sandbox_id[];
};

static uint64_t higher_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void view_floor_init(struct view_floor *floor)
{
    floor->of_all = floor->highest = now_ns();
    table_init(&floor->raised);
}

void view_floor_clear(struct view_floor *floor)
{
    struct table_entry *entry = table_first(&floor->raised), *next;

    for (; entry != NULL; entry = next) {
        next = table_next(&floor->raised, entry);
        free(CONTAINER_OF(entry, struct raised_floor, entry));
    }
    table_clear(&floor->raised);
}

/* Nothing is above `highest`, so nothing needs to be remembered of a single sandbox. */
static void raise_all(struct view_floor *floor)
{
    floor->of_all = floor->highest;
    view_floor_clear(floor);
}

static struct raised_floor *find(const struct view_floor *floor, struct slice sandbox_id)
{
    struct table_entry *entry = table_find(&floor->raised, sandbox_id);

    return entry == NULL ? NULL : CONTAINER_OF(entry, struct raised_floor, entry);
}

static enum error add(struct view_floor *floor, struct slice sandbox_id, uint64_t generation)
{
    if (floor->raised.count >= VIEW_FLOOR_SANDBOXES_MAX)
        return ERR_TOO_LARGE;
    struct raised_floor *raised = calloc(1, sizeof(*raised) + sandbox_id.len + 1);
    if (raised == NULL)
        return ERR_NO_MEMORY;
    raised->generation = generation;
    memcpy(raised->sandbox_id, sandbox_id.data, sandbox_id.len);
    enum error error =
        table_insert(&floor->raised, &raised->entry, slice_of(raised->sandbox_id, sandbox_id.len));
    if (error != OK)
        free(raised);
    return error;
}

static enum error raise_one(struct view_floor *floor, struct slice sandbox_id, uint64_t generation)
{
    struct raised_floor *raised = find(floor, sandbox_id);

    if (raised == NULL)
        return add(floor, sandbox_id, generation);
    raised->generation = higher_of(raised->generation, generation);
    return OK;
}

void view_floor_raise(struct view_floor *floor, const struct message_outdate_views *message)
{
    bool concerns_all = message->sandboxes.count == 0;

    floor->highest = higher_of(floor->highest, message->generation);
    for (size_t i = 0; i < message->sandboxes.count && !concerns_all; i++)
        concerns_all = raise_one(floor, message->sandboxes.items[i], message->generation) != OK;
    if (concerns_all)
        raise_all(floor);
}

bool view_floor_honours(const struct view_floor *floor, const struct view *view)
{
    const struct raised_floor *raised = find(floor, view->sandbox_id);

    return view->generation > floor->of_all &&
           (raised == NULL || view->generation > raised->generation);
}
