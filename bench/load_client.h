/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One connection of the load generator: TCP, CONNECT when there is a proxy, TLS, one request at a
 * time. Without a loop of its own: the owner says when the socket is ready. */

#include "bench/load_body.h"
#include "bench/load_options.h"

#include <openssl/ssl.h>

enum load_client_state {
    LOAD_CLIENT_CLOSED,
    LOAD_CLIENT_CONNECTING,
    LOAD_CLIENT_ASKING, /* sends CONNECT */
    LOAD_CLIENT_TUNNELLING,
    LOAD_CLIENT_GREETING,
    LOAD_CLIENT_READY, /* for a request */
    LOAD_CLIENT_SENDING,
    LOAD_CLIENT_RECEIVING,
    LOAD_CLIENT_ANSWERED, /* the response is complete: load_client_rest() or _close() */
    LOAD_CLIENT_FAILED,
};

enum { LOAD_CLIENT_OUT_MAX = 8192, LOAD_CLIENT_HOST_MAX = 256 };

struct load_client {
    enum load_client_state state;
    const struct load_options *options;
    const char *failure; /* static text */
    int fd;
    SSL *ssl;
    uint32_t watched; /* what epoll watches for; the owner's */
    bool wants_write;
    char host[LOAD_CLIENT_HOST_MAX];
    char out[LOAD_CLIENT_OUT_MAX];
    size_t out_len, out_sent;
    uint64_t upload_left;
    struct load_body body;
    uint64_t began_ns; /* set by the owner */
};

/* Begins to connect. `session` may be NULL. The certificate is verified for `host`. */
void load_client_open(struct load_client *client, const struct load_options *options,
                      SSL_CTX *context, const char *host, SSL_SESSION *session);
/* The client must be READY. */
void load_client_request(struct load_client *client);
/* As far as the socket lets it go. Returns after each change to READY, ANSWERED or FAILED. */
void load_client_step(struct load_client *client);
/* ANSWERED becomes READY. */
void load_client_rest(struct load_client *client);
/* Says goodbye and closes. Safe to repeat. */
void load_client_close(struct load_client *client);
