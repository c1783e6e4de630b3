/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A small blocking HTTP client for the command line: JSON in, JSON out, over the local control
 * socket or a URL. One connection per request. */

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/error.h"

#include <jansson.h>

enum { CLIENT_ANSWER_MAX = 256 * 1024 * 1024, CLIENT_TIMEOUT_S = 60 };

struct client {
    const char *url;         /* "http://…" or "https://…"; NULL: the socket */
    const char *socket_path; /* DATA_DIR/control.sock */
    const char *api_key;     /* NULL: none */
    const char *org;         /* for X-Sealgate-Org; NULL: the default one */
    const char *ca_file;     /* trusted instead of the system's roots; NULL: those */
};

struct client_request {
    const char *method;
    const char *path;   /* with its query, escaped: begins with "/" */
    const json_t *body; /* NULL: none. Its text is wiped after it was sent. */
};

struct client_answer {
    int status;
    json_t *body;       /* NULL when it was no JSON */
    struct buffer text; /* the body as it came */
};

/* OK whatever the status. ERR_SYNTAX: the URL is not usable. ERR_DNS, ERR_CONNECT, ERR_TLS,
 * ERR_TLS_UNTRUSTED, ERR_TIMEOUT, ERR_CLOSED, ERR_TOO_LARGE. `out` is cleared by the caller, also
 * when this fails. A path at the end of the URL ("https://host/prefix") is put before `path`; a
 * trailing "/api" is not, because `path` has it. */
MUST_USE enum error client_call(const struct client *client, const struct client_request *request,
                                struct client_answer *out);
void client_answer_clear(struct client_answer *answer);
DEFINE_OWNED_STRUCT(client_answer, client_answer_clear)
