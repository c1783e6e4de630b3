/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stream that is a whole HTTP/1 connection: one message after the other in each direction. */

#include "proxy/stream.h"

struct h1_stream {
    struct stream stream;
    struct leg *leg;             /* borrowed */
    enum h1_role role;           /* what is pulled */
    struct h1_reader *reader;    /* of the message under way; NULL between messages */
    struct slice bytes, rest;    /* what was read last, what of it was not pulled yet */
    bool has_ended;              /* the message that is pulled is complete */
    struct http_framing sending; /* of the message that is pushed */
};

void h1_stream_init(struct h1_stream *stream, struct leg *leg, enum h1_role role);
/* The message is over, or given up: lets go of the reader, and the next pull begins another
 * message. The leg is not touched; settle() comes first where bytes may be left. */
void h1_stream_clear(struct h1_stream *stream);
/* True when no byte of a message has come since. */
bool h1_stream_is_idle(const struct h1_stream *stream);
