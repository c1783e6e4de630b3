/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One side of a connection: a socket and, once asked for, TLS on it. Reads into memory that all
 * legs of a worker share, so an idle leg holds no buffer (but see leg_pool.h). Both events end in
 * one call of the owner. */

#include "base/buffer.h"
#include "proxy/leg_pool.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

enum {
    LEG_OUT_BUDGET = 64 * 1024, /* the owner stops feeding a leg that holds this much */
    LEG_OUT_MAX = 1024 * 1024,  /* a head with its values, or one piece over the budget */
    LEG_IN_MAX = 256 * 1024,
};

enum leg_status {
    LEG_READY,   /* there are bytes; or the handshake is done; or everything was written */
    LEG_BLOCKED, /* wait: the owner is called again */
    LEG_EOF,     /* the peer closed in good order (TLS: close_notify) */
    LEG_BROKEN,  /* reset, or TLS ended without notice, or a TLS error */
};

struct leg {
    int fd; /* -1: closed */
    SSL *ssl;
    struct event readable, writable;
    void (*on_ready)(void *owner);
    void *owner;
    struct leg_pool *pool; /* borrowed */
    TAILQ_ENTRY(leg) holder_link;
    bool is_holder;      /* of TLS buffers, listed in the pool */
    char *scratch;       /* the pool's: LEG_READ_SIZE bytes shared by the legs of a worker */
    struct buffer early; /* raw bytes that came before TLS was put on */
    struct buffer in;    /* read, not yet taken by the owner */
    struct buffer out;   /* written by the owner, not yet taken by the kernel */
    bool is_drained;     /* nothing is there, or the last read took it: wait for the event */
    bool is_reading;     /* the owner is called when there is something */
    bool is_armed;       /* the readable event, perhaps longer than it is wanted */
    bool is_writing;     /* the writable event is armed */
    bool is_broken;      /* neither way goes on */
    bool is_unwritable;  /* the peer takes no more; what it said before can still be read */
};

/* Takes `fd`. */
void leg_open(struct leg *leg, struct event_base *base, int fd, struct leg_pool *pool);
void leg_set_owner(struct leg *leg, void (*on_ready)(void *owner), void *owner);
/* Closes at once; what was not written is lost. Safe to repeat. */
void leg_close(struct leg *leg);
/* Makes close reset the connection, so that the peer sees the message as truncated. */
void leg_reset_on_close(struct leg *leg);

/* Puts TLS on the leg; takes `ssl`, whose role (accept or connect) is set. */
MUST_USE enum error leg_start_tls(struct leg *leg, SSL *ssl);
enum leg_status leg_handshake(struct leg *leg);

/* The next bytes: those put back, or one read. Valid until the next call on any leg of the worker.
 */
enum leg_status leg_read(struct leg *leg, struct slice *out);
/* One read, added behind the bytes that were put back: for a message that is not complete. */
enum leg_status leg_read_more(struct leg *leg);
/* What the owner did not use of the bytes that leg_read() returned last: kept for the next call.
 * Must follow every leg_read() that returned LEG_READY; wipes what was used. */
MUST_USE enum error leg_put_back(struct leg *leg, struct slice bytes, struct slice rest);
/* Nothing has come since the last read, the peer's end included: asks the kernel. */
bool leg_is_quiet(struct leg *leg);
/* Stops or resumes the readable event; after resuming, bytes may already be there: call leg_read().
 */
void leg_want_read(struct leg *leg, bool wanted);

/* Sends or keeps. Fails only when the leg is broken or holds LEG_OUT_MAX. */
MUST_USE enum error leg_write(struct leg *leg, struct slice bytes);
/* For writing in place; follow with leg_flush(). */
static inline struct buffer *leg_out(struct leg *leg)
{
    return &leg->out;
}
/* Sends what is kept. LEG_READY when nothing is left. */
enum leg_status leg_flush(struct leg *leg);
static inline size_t leg_out_room(const struct leg *leg)
{
    size_t held = buffer_len(&leg->out);

    return held < LEG_OUT_BUDGET ? LEG_OUT_BUDGET - held : 0;
}
/* close_notify, then FIN. To be called when leg_flush() said LEG_READY. */
void leg_finish_writing(struct leg *leg);
/* The peer has reset the connection, and nobody heard it, because the leg is neither read nor
 * written: asks the kernel, in that case alone. */
bool leg_is_lost(const struct leg *leg);
static inline bool leg_is_open(const struct leg *leg)
{
    return leg->fd >= 0;
}
