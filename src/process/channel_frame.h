/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One frame on its way through a socket: what channel.c queues and what it receives. A packet is
 * one byte that says where the bytes are, then the bytes, or a sealed file as first descriptor. */

#include "base/buffer.h"
#include "process/channel.h"

enum { CHANNEL_PACKET_MAX = 1 + CHANNEL_INLINE_MAX };

struct channel_frame {
    struct channel_frame *next;
    struct buffer packet;
    int descriptors[CHANNEL_DESCRIPTORS_MAX + 1]; /* owned */
    size_t count;
    size_t cost; /* bytes that it keeps in memory */
};

/* Takes the descriptors, also on failure. ERR_TOO_LARGE. */
MUST_USE enum error channel_frame_new(struct slice bytes, enum channel_secrecy secrecy,
                                      const int *descriptors, size_t count,
                                      struct channel_frame **out);
void channel_frame_free(struct channel_frame *frame);
/* ERR_AGAIN, ERR_CLOSED. */
MUST_USE enum error channel_frame_send(int fd, const struct channel_frame *frame);

/* A received frame. */
struct channel_packet {
    struct slice bytes;
    int *descriptors; /* into `all` */
    size_t count;
    int all[CHANNEL_DESCRIPTORS_MAX + 1];
    size_t all_count;
    size_t received_len;
    struct slice mapped;
};

/* `storage` has CHANNEL_PACKET_MAX bytes. ERR_AGAIN: none there. ERR_CLOSED: the other side is
 * gone. ERR_SYNTAX: what no channel sends; nothing is kept of it. */
MUST_USE enum error channel_packet_receive(int fd, char *storage, struct channel_packet *out);
/* Closes the descriptors that nobody took, unmaps, wipes the storage. */
void channel_packet_clear(struct channel_packet *packet, char *storage);
