/* SPDX-License-Identifier: Apache-2.0 */
/* Outstanding questions to other processes, by number. Never answers one twice. */
#include "proxy/ticket.h"

static struct slice key_of(const uint64_t *number)
{
    return slice_of(number, sizeof(*number));
}

uint64_t ticket_open(struct proxy *proxy, struct ticket *ticket, enum ticket_kind kind, void *owner)
{
    *ticket = (struct ticket){.number = ++proxy->next_ticket, .kind = kind, .owner = owner};
    if (table_insert(&proxy->tickets, &ticket->entry, key_of(&ticket->number)) != OK)
        ticket->number = 0;
    return ticket->number;
}

void ticket_cancel(struct proxy *proxy, struct ticket *ticket)
{
    if (ticket->number == 0)
        return;
    table_remove(&proxy->tickets, &ticket->entry);
    ticket->number = 0;
}

static struct ticket *find(struct proxy *proxy, uint64_t number, enum ticket_kind kind)
{
    struct table_entry *entry = table_find(&proxy->tickets, key_of(&number));
    struct ticket *ticket = entry != NULL ? CONTAINER_OF(entry, struct ticket, entry) : NULL;

    return ticket != NULL && ticket->kind == kind ? ticket : NULL;
}

void *ticket_find(struct proxy *proxy, uint64_t number, enum ticket_kind kind)
{
    struct ticket *ticket = find(proxy, number, kind);

    return ticket != NULL ? ticket->owner : NULL;
}

void *ticket_take(struct proxy *proxy, uint64_t number, enum ticket_kind kind)
{
    struct ticket *ticket = find(proxy, number, kind);

    if (ticket == NULL)
        return NULL;
    ticket_cancel(proxy, ticket);
    return ticket->owner;
}
