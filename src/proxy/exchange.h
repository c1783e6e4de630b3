/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One request and its response. exchange.c is the path of a request, step by step. */

#include "proxy/body_pace.h"
#include "proxy/client/connection.h"
#include "proxy/response_body.h"
#include "proxy/stream.h"
#include "proxy/upstream/upstream.h"

enum {
    EXCHANGE_INTERIM_MAX = 10,
    EXCHANGE_WEBSOCKET_ACCEPT_SIZE = 29,
    EXCHANGE_TURNS_MAX = 128, /* pieces that are passed on before others have their turn */
};

enum exchange_state {
    EXCHANGE_DECIDING,          /* nothing: the head is there */
    EXCHANGE_AWAITING_VALUES,   /* the keyholder */
    EXCHANGE_AWAITING_UPSTREAM, /* the dialer and the TLS handshake */
    EXCHANGE_FORWARDING,        /* both directions to be done */
    EXCHANGE_ENDED,
};

/* Who began an exchange hears of its end: it was freed, and its stream is for the owner to go on
 * with, or not when it `must_close`. */
struct exchange_owner {
    void (*on_ended)(void *owner, bool must_close);
    void *owner;
};

struct exchange {
    const struct connection *connection; /* borrowed: who is asking, and through what */
    struct exchange_owner owner;
    enum exchange_state state;
    struct task task;
    struct waiter waiter;
    struct deadline deadline;

    struct view
        *view; /* what counts for this exchange, from its values on to its end; a reference */
    struct http_request request;
    struct http_fault fault; /* of the request, when status is not 0: to be refused for it */
    struct stream *client;   /* the owner's: the request comes, the response goes */
    struct stream *origin;   /* the upstream's: the other way round; NULL until it is open */
    struct authority target;
    struct inject_finding finding;
    struct buffer accepted;       /* Accept-Encoding as it goes upstream */
    struct inject_values *values; /* a reference; NULL when no secret may go there */
    struct upstream *upstream;
    struct ip_endpoint upstream_address; /* port 0: nothing was sent */

    bool must_close;      /* the client's stream cannot be used again */
    bool is_request_sent; /* to its end */
    bool is_client_gone;
    bool was_retried;
    char websocket_accept[EXCHANGE_WEBSOCKET_ACCEPT_SIZE]; /* what a 101 has to bring */
    struct websocket_rewriter *client_frames; /* of an open WebSocket; NULL: they pass unread */
    struct http_response response;
    struct response_body body;
    struct buffer piece;       /* what a step lets through; empty between steps */
    bool has_response_head;    /* the final head has come */
    bool is_head_written;      /* ... and went to the client */
    bool is_response_complete; /* the upstream's, to its end, in order */
    unsigned interim_count;

    enum refusal_code refusal;    /* REFUSAL_NONE: forwarded */
    struct refusal_limit limit;   /* that it was refused for */
    bool is_counted;              /* among the sandbox's requests under way */
    bool was_cut;                 /* the response broke off after its head was written */
    enum refusal_code cut_reason; /* REFUSAL_NONE: the upstream closed it */
    bool was_renewed;             /* a WebSocket that ended because a secret changed */
    uint16_t status;              /* what the client got */
    uint64_t bytes_in, bytes_out; /* body bytes */
    struct body_pace pace;        /* of the client */
    uint64_t began_ms, began_us;  /* wall clock, monotonic */
};

/* The client's stream holds a complete head, of which `request` is the meaning; the connection's
 * sandbox is known. NULL when out of memory. */
struct exchange *exchange_new(const struct connection *connection, struct stream *client,
                              const struct http_request *request,
                              const struct exchange_owner *owner);
/* Goes as far as it can; may end the exchange, and with it the connection. */
void exchange_step(struct exchange *exchange);
/* The client is going away: recorded as cut and freed, without a word to the owner. NULL is fine.
 */
void exchange_abandon(struct exchange *exchange);

/* For the files that the steps live in. Each of these ends the exchange, which must not be touched
 * after: */
void exchange_refuse(struct exchange *exchange, enum refusal_code code, struct slice detail);
/* Counts one more piece. False: it is the turn of others, and the exchange will be called again. */
bool exchange_may_go_on(struct exchange *exchange, unsigned *turns);
/* The response cannot be completed: the client must see it as truncated. */
void exchange_cut(struct exchange *exchange);
/* Likewise, but the client was told so within the response itself, whose end was sent. */
void exchange_break_off(struct exchange *exchange);
/* The pooled connection was stale: the same request once more on a fresh one, where nothing of it
 * can have been acted on. False: not safe, nothing was done. */
bool exchange_retry(struct exchange *exchange);
/* The same where the upstream said that it did nothing with the request, whatever its method. False
 * also when some of its body is gone, which we do not keep. */
bool exchange_repeat(struct exchange *exchange);
