/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What was asked of another process and has not been answered. A ticket belongs to whoever asked;
 * when that goes away it cancels, and a late answer finds nothing. */

#include "proxy/state.h"

enum ticket_kind {
    TICKET_VIEW,
    TICKET_SOURCE,
    TICKET_DIAL,
    TICKET_PASSTHROUGH, /* a dial too */
    TICKET_MINT,
    TICKET_VALUES,
    TICKET_LOOKUP
};

struct ticket {
    struct table_entry entry;
    uint64_t number; /* 0: not outstanding */
    enum ticket_kind kind;
    void *owner;
};

/* Returns the number to send; 0 when out of memory. */
uint64_t ticket_open(struct proxy *proxy, struct ticket *ticket, enum ticket_kind kind,
                     void *owner);
void ticket_cancel(struct proxy *proxy, struct ticket *ticket);
/* The owner of an outstanding ticket of this kind, or NULL. */
void *ticket_find(struct proxy *proxy, uint64_t number, enum ticket_kind kind);
/* The same, and the ticket is closed. */
void *ticket_take(struct proxy *proxy, uint64_t number, enum ticket_kind kind);
