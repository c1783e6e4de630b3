/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One end of a SOCK_SEQPACKET socket pair between two processes: frames of bytes with descriptors,
 * in order, whole or not at all. A frame over CHANNEL_INLINE_MAX travels in a sealed memory file.
 * What cannot be sent now is queued; the queue is bounded and wiped. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    CHANNEL_INLINE_MAX = 64 * 1024,
    CHANNEL_FRAME_MAX = 65 * 1024 * 1024, /* a view of VIEW_ENCODED_MAX and what goes with it */
    CHANNEL_QUEUE_MAX = 96 * 1024 * 1024, /* bytes that wait for the other side */
    CHANNEL_DESCRIPTORS_MAX = 4,
};

struct event_base;
struct channel;

struct channel_events {
    void *context;
    /* `bytes` are valid, and wiped, until it returns. Descriptors that it takes it sets to -1; the
     * others are closed. The channel may be freed in it. */
    void (*on_frame)(void *context, struct slice bytes, int *descriptors, size_t count);
    /* The other side is gone, or sent something that no channel sends. Called once, from the event
     * loop or from channel_wait(), never from channel_send(). The channel may be freed in it. */
    void (*on_closed)(void *context);
    /* The queue has become empty again. May be NULL. */
    void (*on_drained)(void *context);
};

/* Two connected descriptors, close-on-exec. */
MUST_USE enum error channel_pair(int out[2]);

/* Takes the descriptor, also on failure. */
MUST_USE enum error channel_open(struct event_base *base, int fd,
                                 const struct channel_events *events, struct channel **out);
/* Closes; what is queued is wiped and lost. NULL is fine. */
void channel_close(struct channel *channel);

enum channel_secrecy {
    CHANNEL_MAY_USE_FILE,
    CHANNEL_INLINE_ONLY, /* holds a value of a secret or a key: never in a memory file */
};

/* Takes the descriptors, also on failure. ERR_TOO_LARGE: over the limit of a frame. ERR_CLOSED:
 * the other side is gone, or so far behind that the queue is full; on_closed follows. */
MUST_USE enum error channel_send(struct channel *channel, struct slice bytes,
                                 enum channel_secrecy secrecy, const int *descriptors,
                                 size_t count);
/* True when nothing is queued: a sender with much to say goes on at on_drained. */
bool channel_is_drained(const struct channel *channel);
/* While paused no frame is read, so the other side's queue fills. */
void channel_pause(struct channel *channel);
void channel_resume(struct channel *channel);

/* Blocks until one frame was delivered to on_frame, or on_closed was called (ERR_CLOSED: the
 * channel may be gone), or `timeout_ms` has passed (ERR_TIMEOUT). Flushes the queue meanwhile. */
MUST_USE enum error channel_wait(struct channel *channel, int timeout_ms);
