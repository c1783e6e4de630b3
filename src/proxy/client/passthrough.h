/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A tunnel that is not opened: the bytes of a client's TLS connection go to the origin that its
 * ClientHello names, and back. In each direction it holds what one read brought and no more, and
 * reads on when that is written. An end is passed on in its direction alone. */

#include "proxy/client/connection.h"
#include "proxy/ticket.h"

enum { PASSTHROUGH_HALF_CLOSED_MS = 60 * 1000 /* without a byte, once one side has said all */ };

enum passthrough_status {
    PASSTHROUGH_OPEN,
    PASSTHROUGH_REFUSED, /* not connected: see `refusal` */
    PASSTHROUGH_OVER,    /* both sides have said all, and have heard it */
    PASSTHROUGH_BROKEN,  /* one side is gone: the other must see that */
};

/* One direction. */
struct passthrough_way {
    struct leg *from, *to; /* borrowed */
    uint64_t bytes;
    bool is_over; /* the end was passed on */
};

struct passthrough {
    struct connection *connection; /* borrowed: the owner */
    struct leg upstream;           /* closed until it is connected */
    struct ticket ticket;
    struct ip_endpoint address; /* of the upstream; port 0: not connected */
    enum refusal_code refusal;  /* connected: what cut it off */
    bool is_private;            /* dialled under a named exception for private addresses */
    struct passthrough_way up, down;
    uint64_t began_ms, since_ms; /* wall clock, monotonic */
};

/* Dials the connection's tunnel; the connection's step runs when there is something to do. What the
 * client's leg holds goes first. NULL when out of memory. */
struct passthrough *passthrough_open(struct connection *connection);
/* Goes as far as it can now. */
enum passthrough_status passthrough_step(struct passthrough *passthrough);
/* Closes the upstream; what was not over is reset on both sides. NULL is fine. */
void passthrough_free(struct passthrough *passthrough);

/* The dialer's answer. False: the ticket is not one of these; nothing was taken. */
bool passthrough_on_dialed(struct proxy *proxy, uint64_t ticket, const struct proxy_dialed *answer);
