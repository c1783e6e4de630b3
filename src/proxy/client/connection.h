/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One client connection, accept to close: finds out who it is, opens its tunnel, greets it with
 * TLS, then runs one exchange after the other. */

#include "proxy/client/client_hello.h"
#include "proxy/client/source.h"
#include "proxy/deadline.h"
#include "proxy/h1_stream.h"

enum {
    CONNECTION_GREETING_MS = 10 * 1000,
    CONNECTION_LINGER_MS = 2 * 1000,
    CONNECTION_LINGER_BYTES = 256 * 1024,
    CONNECTION_CLIENT_GONE_MS = 3 * 1000,
};

enum connection_state {
    CONNECTION_AWAITING_HEAD,     /* the head of a request, or of CONNECT */
    CONNECTION_AWAITING_SOCKS,    /* a SOCKS5 message, or whose it is */
    CONNECTION_AWAITING_IDENTITY, /* control's answer: whose connection is this */
    CONNECTION_SNIFFING,          /* the first bytes inside the tunnel */
    CONNECTION_READING_HELLO,     /* the rest of a ClientHello that decides */
    CONNECTION_GREETING_CLIENT,   /* the TLS handshake */
    CONNECTION_PASSING,           /* bytes both ways, unopened */
    CONNECTION_EXCHANGING,        /* the end of the exchange */
    CONNECTION_MULTIPLEXING,      /* HTTP/2: requests, and the end of the session */
    CONNECTION_LINGERING,         /* answered for good; the client to stop sending */
    CONNECTION_CLOSING,
};

struct client_h2;
struct exchange;
struct passthrough;

struct connection {
    TAILQ_ENTRY(connection) link;
    struct proxy *proxy;
    enum connection_state state;
    struct leg leg;
    struct task task;
    struct waiter waiter;
    struct deadline deadline;
    struct ip_endpoint client;
    char listener_sandbox[SANDBOX_ID_MAX]; /* whom the socket that it came through belongs to */
    size_t listener_sandbox_len;           /* 0: to nobody in particular */
    bool is_transparent;
    struct ip_endpoint destination; /* of is_transparent: whom the client believes to talk to */
    struct sandbox *sandbox;        /* NULL until identified; entered */
    bool is_tunnel;                 /* one target for all requests: after CONNECT, or transparent */
    bool is_tls;
    bool has_sni;
    bool is_sni_wrong;       /* present and not the tunnel's host */
    bool has_begun_head;     /* some of the head has come: its deadline counts */
    bool has_answered;       /* something was written to the client */
    bool close_after;        /* no request after this one */
    struct authority tunnel; /* of is_tunnel */
    struct h1_stream h1;
    struct client_hello hello;       /* of CONNECTION_READING_HELLO */
    struct passthrough *passthrough; /* of CONNECTION_PASSING */
    unsigned socks_phase;            /* of CONNECTION_AWAITING_SOCKS, see connection_socks.c */
    struct client_h2 *h2;            /* of CONNECTION_MULTIPLEXING */
    struct http_request request;
    struct exchange *exchange; /* of CONNECTION_EXCHANGING */
    size_t lingered;           /* bytes thrown away */
};

/* Takes `fd`. NULL when out of memory (the descriptor is closed). */
struct connection *connection_new(const struct listener *listener, int fd,
                                  const struct ip_endpoint *client);
/* The host of a tunnel is known: from CONNECT, from SNI, from Host. What the handshakes will need
 * is set on its way. */
void connection_set_tunnel(struct connection *connection, const struct authority *target);
/* Of a first head, of a TLS handshake: its deadline, CONNECTION_GREETING_MS or less where
 * limits.header_timeout is. */
void connection_await_greeting(struct connection *connection);
/* Closes at once. */
void connection_free(struct connection *connection);
/* Those whose client has reset while its bytes had to wait for an upstream that takes none. */
void connection_free_lost(struct proxy *proxy);
/* Its sandbox has another view: a passthrough that this one does not allow ends, and so does an
 * open WebSocket that it does not cover; requests are decided one by one. May free it. */
void connection_follow_view(struct connection *connection);
/* True between requests: may be closed without loss. */
bool connection_is_idle(const struct connection *connection);
/* Flushes, says goodbye, throws away what the client still sends, closes. */
void connection_finish(struct connection *connection);
/* A refusal outside of an exchange, in the state that the connection is in; ends the connection. */
void connection_refuse(struct connection *connection, enum refusal_code code, struct slice detail);
