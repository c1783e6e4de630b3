/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The connection below client.h: a blocking socket, with TLS on it or without. */

#include "base/host_name.h"
#include "control/client.h"

#include <openssl/ssl.h>

struct client_link {
    int fd;           /* -1: not open */
    SSL_CTX *context; /* NULL: plain */
    SSL *ssl;
};

/* What a URL says; a path of the URL is a prefix of every request's path. */
struct client_url {
    bool is_tls;
    struct authority authority;
    struct slice host_text; /* "host:port" as it was written: the Host field */
    struct slice prefix;    /* without a trailing slash */
};

MUST_USE enum error client_url_parse(struct slice text, struct client_url *out);

MUST_USE enum error client_link_open_socket(struct client_link *link, const char *path,
                                            char problem[CLIENT_PROBLEM_MAX]);
MUST_USE enum error client_link_open_url(struct client_link *link, const struct client_url *url,
                                         char problem[CLIENT_PROBLEM_MAX]);
void client_link_close(struct client_link *link);

MUST_USE enum error client_link_write(struct client_link *link, struct slice bytes);
/* 0 bytes: the other side closed. */
MUST_USE enum error client_link_read(struct client_link *link, char *into, size_t size,
                                     size_t *out_len);
