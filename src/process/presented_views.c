/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's views, as keyholder and dialer see them. Never keeps one that control did not make. */
#include "process/presented_views.h"

#include <stdlib.h>

void presented_views_init(struct presented_views *views)
{
    table_init(&views->by_handle);
    views->encoded_bytes = 0;
}

static void presented_view_free(struct presented_view *presented)
{
    view_unref(presented->view);
    free(presented);
}

static void remove_entry(struct presented_views *views, struct table_entry *entry)
{
    struct presented_view *presented = CONTAINER_OF(entry, struct presented_view, entry);

    table_remove(&views->by_handle, entry);
    views->encoded_bytes -= presented->encoded_len;
    presented_view_free(presented);
}

void presented_views_clear(struct presented_views *views)
{
    struct table_entry *entry = table_first(&views->by_handle), *next;

    for (; entry != NULL; entry = next) {
        next = table_next(&views->by_handle, entry);
        presented_view_free(CONTAINER_OF(entry, struct presented_view, entry));
    }
    table_clear(&views->by_handle);
    views->encoded_bytes = 0;
}

struct presented_view *presented_views_find(const struct presented_views *views, uint64_t handle)
{
    struct table_entry *entry = table_find(&views->by_handle, slice_of(&handle, sizeof(handle)));

    return entry == NULL ? NULL : CONTAINER_OF(entry, struct presented_view, entry);
}

void presented_views_remove(struct presented_views *views, uint64_t handle)
{
    struct presented_view *presented = presented_views_find(views, handle);

    if (presented != NULL)
        remove_entry(views, &presented->entry);
}

static enum error insert(struct presented_views *views, struct presented_view *presented)
{
    struct slice key = slice_of(&presented->handle, sizeof(presented->handle));

    TRY(table_insert(&views->by_handle, &presented->entry, key));
    views->encoded_bytes += presented->encoded_len;
    return OK;
}

enum error presented_views_add(struct presented_views *views, const struct view_mac_key *key,
                               const struct message_present_view *message)
{
    presented_views_remove(views, message->handle);
    if (views->by_handle.count >= PRESENTED_VIEWS_MAX ||
        message->view.len > PRESENTED_VIEWS_BYTES_MAX - views->encoded_bytes)
        return ERR_TOO_LARGE;

    struct presented_view *presented = calloc(1, sizeof(*presented));
    if (presented == NULL)
        return ERR_NO_MEMORY;
    presented->handle = message->handle;
    presented->encoded_len = message->view.len;
    enum error error = view_mac_open(key, message, &presented->view);
    if (error == OK)
        error = insert(views, presented);
    if (error != OK)
        presented_view_free(presented);
    return error;
}
