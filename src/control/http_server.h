/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A small HTTP/1.1 server on our own codec: keep-alive, pipelined requests answered in order, TLS,
 * unix sockets, every wait with a deadline. It knows nothing of what is asked. */

#include "http/h1_reader.h"

#include <openssl/ssl.h>

struct event_base;
struct http_connection;
struct http_server;

enum {
    HTTP_SERVER_BODY_MAX = 1024 * 1024,
    HTTP_SERVER_CONNECTIONS_MAX = 1024, /* in all; HTTP_SERVER_LOCAL_MAX of them local */
    HTTP_SERVER_LOCAL_MAX = 64,
};

/* A complete request. Borrowed: valid until on_request() returns; the body is wiped then. */
struct http_message {
    const struct http_head *head;
    struct slice method, path, body; /* `path` with its query */
    bool is_local;                   /* the kernel vouches for the peer: see peer.h */
};

struct http_answer {
    int status;
    struct slice content_type, body; /* empty for a 204 */
    struct slice allow;              /* of a 405 */
};

struct http_server_events {
    void *context;
    /* Leads to one http_connection_answer(), now or later, unless on_gone() comes first. */
    void (*on_request)(void *context, struct http_connection *connection,
                       const struct http_message *message);
    /* The request was malformed or too large; answered at once, then the connection closes. */
    void (*on_fault)(void *context, struct http_connection *connection, struct http_fault fault);
    /* The client went away before its answer; `pending` as http_connection_expect() had it. */
    void (*on_gone)(void *context, void *pending);
};

/* NULL when out of memory. `events` is copied. */
struct http_server *http_server_new(struct event_base *base,
                                    const struct http_server_events *events);
void http_server_free(struct http_server *server);
/* Takes the listening socket. `tls` may be NULL; a reference is taken. A local listener asks
 * peer_is_owner() about everyone. */
MUST_USE enum error http_server_listen(struct http_server *server, int fd, bool is_local,
                                       SSL_CTX *tls);
/* Accepts no more, closes idle connections, answers what is under way; `done` is called when the
 * last connection is gone, maybe before this returns. */
void http_server_drain(struct http_server *server, void (*done)(void *argument), void *argument);

/* http_connection.c. Who works on the answer, until it is given. */
void http_connection_expect(struct http_connection *connection, void *pending);
void http_connection_answer(struct http_connection *connection, const struct http_answer *answer);
