/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stream of an HTTP/2 link as one side of an exchange. */

#include "proxy/h2_link.h"
#include "proxy/stream.h"

enum { H2_MESSAGE_OUT_MAX = 1024 * 1024 };

struct interim_head {
    TAILQ_ENTRY(interim_head) link;
    struct http_head head;
};

struct h2_message {
    struct stream stream;
    TAILQ_ENTRY(h2_message) link_entry;
    struct h2_link *link; /* borrowed; NULL: it is closed */
    struct h2_stream *h2; /* NULL: not opened yet */
    struct task *task;    /* the exchange's: scheduled when something changes */
    void *owner;          /* the exchange; NULL: it is over, only bytes are left to send */
    struct buffer in;     /* of the body, not yet pulled: at most the stream's window */
    struct buffer out;    /* pieces that were larger than the room for them */
    size_t lent;          /* bytes of `in` that the last piece showed */
    TAILQ_HEAD(, interim_head) interim;
    bool is_interim; /* the head that was pulled last */
    bool has_head, is_head_pulled;
    bool has_ended;                       /* what comes is complete */
    bool is_head_sent;                    /* of what goes: until then it has all its room */
    bool is_end_sent;                     /* what goes is complete, as far as we are asked */
    bool ends_after_out;                  /* ... once `out` is empty, with these: */
    struct http_head *trailers_after_out; /* NULL: none */
    bool is_closed;
    uint32_t code; /* of is_closed */
};

/* A request is to be sent on it. NULL when out of memory. */
struct h2_message *h2_message_new(struct h2_link *link);
/* The exchange is over: what is still to be sent is sent, then the message goes. */
void h2_message_release(struct h2_message *message);
/* At once; resets what is not complete. */
void h2_message_free(struct h2_message *message);
void h2_message_set_owner(struct h2_message *message, void *owner, struct task *task);

/* Events of the session, for h2_link.c. */
extern const struct h2_events h2_message_events;
