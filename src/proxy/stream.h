/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One side of an exchange, whatever protocol it speaks: a message to pull out, a message to push
 * in. The client's stream yields the request and takes the response, the upstream's the other way
 * round. */

#include "http/h1_reader.h"
#include "proxy/leg.h"

enum stream_event {
    STREAM_BLOCKED, /* nothing now: the owner is called again */
    STREAM_HEAD,    /* a head is complete; of a response perhaps an interim one */
    STREAM_BODY,    /* one more piece */
    STREAM_END,     /* the message is complete, trailers included */
    STREAM_FAULT,   /* malformed: stream->ops->fault() says what */
    STREAM_CLOSED,  /* the peer is gone before the message was complete */
    STREAM_REFUSED, /* the peer says that it did nothing with the request: it may be sent again */
};

struct stream;

/* A request as it is written to an upstream. */
struct stream_request {
    struct slice method, path, host;
    const struct http_head *head;
    struct http_framing framing;
    bool is_websocket;
    bool has_values; /* of secrets: no table of the protocol's may keep them */
};

/* A response as it is written to a client. */
struct stream_response {
    const struct http_head *head;
    struct http_framing framing;
    bool close; /* the last on this connection, where the protocol has such a thing */
};

struct stream_ops {
    /* Pulling. A piece is valid until the next call on any stream of the worker. */
    enum stream_event (*next)(struct stream *stream, struct slice *piece);
    /* Must be called when pulling stops before STREAM_BLOCKED, and before the event loop goes on:
     * what was read and not pulled is kept. */
    enum error (*settle)(struct stream *stream);
    /* After STREAM_HEAD, until restart(); the owner may change it. */
    struct http_head *(*head)(struct stream *stream);
    struct http_head *(*trailers)(struct stream *stream); /* after STREAM_END; NULL: none */
    struct http_fault (*fault)(const struct stream *stream);
    /* What the head of a response means. */
    struct http_fault (*parse_response)(struct stream *stream, const struct http_request *to,
                                        struct http_response *out);
    /* Must follow STREAM_HEAD: how the body ends. */
    void (*set_framing)(struct stream *stream, struct http_framing framing);
    /* Ready for the next message: after an interim response. */
    void (*restart)(struct stream *stream);
    /* Whether the owner is to be called when there is more to pull. */
    void (*want_read)(struct stream *stream, bool wanted);

    /* The message was pulled to its end: LEG_EOF or LEG_BROKEN when the peer has gone since. */
    enum leg_status (*watch)(struct stream *stream);

    /* Pushing. The owner stops while room() is 0; bytes are on their way after flush(). */
    size_t (*room)(const struct stream *stream);
    enum error (*send_request)(struct stream *stream, const struct stream_request *request);
    enum error (*send_response)(struct stream *stream, const struct stream_response *response);
    enum error (*send_piece)(struct stream *stream, struct slice piece);
    enum error (*send_end)(struct stream *stream, const struct http_head *trailers);
    enum leg_status (*flush)(struct stream *stream);
    /* The message pushed will not be completed: the peer must see that. */
    void (*cut)(struct stream *stream);
    /* The message pulled was in order and nothing follows it: another may use the connection. */
    bool (*is_clean)(const struct stream *stream);
};

struct stream {
    const struct stream_ops *ops;
};
