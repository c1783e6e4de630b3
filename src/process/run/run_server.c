/* SPDX-License-Identifier: Apache-2.0 */
/* Joins what a server says with what is ours. Never takes a variable of the server's that leads
 * past our own proxy. */
#include "process/run/run_server.h"

#include <stdlib.h>

static bool has_name_of(const struct message_list *list, struct slice variable)
{
    size_t len = slice_find(variable, '=') + 1;

    for (size_t i = 0; i < list->count; i++) {
        if (slice_starts_with(list->items[i], slice_take(variable, len)))
            return true;
    }
    return false;
}

enum error run_server_environment(const struct process_run_server *server,
                                  const struct message_list *sandbox, struct message_list *out)
{
    const struct process_run_strings *theirs = &server->environment;
    struct slice *items = calloc(sandbox->count + theirs->count + 1, sizeof(*items));
    size_t count = 0;

    if (items == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < sandbox->count; i++)
        items[count++] = sandbox->items[i];
    for (size_t i = 0; i < theirs->count; i++) {
        struct slice variable = slice_from_string(theirs->items[i]);

        if (!has_name_of(sandbox, variable))
            items[count++] = variable;
    }
    *out = (struct message_list){items, count};
    return OK;
}
