/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Another process, as this one sees it: a channel that speaks messages. A message without a handler
 * in the table, or a malformed one, ends the channel: that is what keeps a process to its role. */

#include "process/messages.h"

struct peer;

/* The message is cleared when it returns; take descriptors with message_take_fd(). */
typedef void message_handler(struct peer *peer, struct message *message);

struct peer {
    enum process_role role;
    unsigned index;                   /* of a worker; else 0 */
    uint64_t generation;              /* of its channel */
    void *context;                    /* its owner's */
    message_handler *const *handlers; /* MESSAGE_COUNT of them, NULL: not accepted */
    /* The channel broke; peer_close() was done already. May be NULL. */
    void (*on_gone)(struct peer *peer);
    /* Everything queued was sent. May be NULL. */
    void (*on_drained)(struct peer *peer);
    struct channel *channel; /* NULL: not connected */
};

/* Connects a filled-in peer to its channel, replacing an earlier one without on_gone. Takes the
 * descriptor, also on failure. The peer must not move afterwards. */
MUST_USE enum error peer_open(struct peer *peer, struct event_base *base, int fd);
/* Also from within a handler. */
void peer_close(struct peer *peer);
bool peer_is_open(const struct peer *peer);
/* The other side broke the rules: says so in the log, closes, calls on_gone. */
void peer_reject(struct peer *peer, const char *event, enum error error);

/* Takes the message's descriptors, also on failure. ERR_UNAVAILABLE: not connected, or the
 * connection is lost (on_gone follows). */
MUST_USE enum error peer_send(struct peer *peer, const struct message *message);
/* For messages whose loss shows as on_gone anyway. */
void peer_post(struct peer *peer, const struct message *message);
