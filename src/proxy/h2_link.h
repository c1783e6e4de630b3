/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An HTTP/2 session on a leg: bytes between the two, and the messages on its streams. The owner of
 * the leg calls h2_link_step() when the leg is ready. */

#include "http/h2_session.h"
#include "proxy/state.h"

struct h2_message;
struct sandbox;

struct h2_link {
    struct proxy *proxy; /* borrowed */
    struct leg *leg;     /* borrowed, the owner's */
    struct h2_session *session;
    /* With H2_REQUESTS: a request has begun; the owner starts its exchange, but runs nothing. */
    void (*on_request)(void *owner, struct h2_message *message);
    /* A message has gone, or the session is over; the owner may close. Never from inside a step of
     * an exchange. */
    void (*on_change)(void *owner);
    void *owner;
    struct task push; /* there is something to send, or to tell the owner */
    TAILQ_HEAD(, h2_message) messages;
    unsigned message_count;
    bool is_over; /* nothing will come or go any more */
};

/* The leg's TLS handshake is done and has agreed on h2. The sandbox is borrowed, and outlives it.
 */
MUST_USE enum error h2_link_open(struct h2_link *link, struct sandbox *sandbox, struct leg *leg,
                                 enum h2_role role);
/* Frees what is left of the messages; the leg is not touched. Safe on a zeroed link. */
void h2_link_close(struct h2_link *link);
/* Reads, feeds, sends. */
void h2_link_step(struct h2_link *link);
/* Sends what is due. Calls nobody. */
enum leg_status h2_link_flush(struct h2_link *link);
