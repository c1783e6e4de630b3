/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A connected, non-blocking socket of an API client, in the clear or under TLS. Owns both. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

#include <openssl/ssl.h>

struct http_stream {
    int fd;
    SSL *ssl;    /* NULL: in the clear */
    short wants; /* EV_READ or EV_WRITE: what the last ERR_AGAIN waits for */
};

/* Takes `fd`, also when it fails. `tls` may be NULL; the handshake is part of the first read. */
MUST_USE enum error http_stream_open(int fd, SSL_CTX *tls, struct http_stream *out);
void http_stream_close(struct http_stream *stream);

/* ERR_AGAIN, ERR_CLOSED at the end, ERR_SYSTEM or ERR_TLS. `*count` > 0 with OK. */
MUST_USE enum error http_stream_read(struct http_stream *stream, char *bytes, size_t size,
                                     size_t *count);
MUST_USE enum error http_stream_write(struct http_stream *stream, struct slice bytes,
                                      size_t *count);
/* Tells the peer that nothing more comes. */
void http_stream_finish(struct http_stream *stream);
