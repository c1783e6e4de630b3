/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The client's connection: a blocking socket, under TLS or not. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

#include <openssl/ssl.h>

struct client_stream {
    int fd; /* -1: none */
    SSL_CTX *context;
    SSL *ssl; /* NULL: in the clear */
};

/* Each fills `out`, which the caller closes, also when it fails. */
MUST_USE enum error client_stream_connect_local(const char *path, struct client_stream *out);
MUST_USE enum error client_stream_connect(const char *host, const char *port,
                                          struct client_stream *out);
/* Full verification: chain, name, validity; TLS 1.2 or later. `ca_file` may be NULL. */
MUST_USE enum error client_stream_start_tls(struct client_stream *stream, const char *host,
                                            const char *ca_file);
void client_stream_close(struct client_stream *stream);
DEFINE_OWNED_STRUCT(client_stream, client_stream_close)
MUST_USE enum error client_stream_write(struct client_stream *stream, struct slice bytes);
/* `*count` 0 at the end. */
MUST_USE enum error client_stream_read(struct client_stream *stream, char *bytes, size_t size,
                                       size_t *count);
