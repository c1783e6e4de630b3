/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A client of the control API: one request at a time, blocking, over the local socket, HTTP or
 * HTTPS. A target of its own: whoever links it links neither the database nor the rest of control/.
 */

#include "base/buffer.h"

enum {
    CLIENT_RESPONSE_MAX = 64 * 1024 * 1024,
    CLIENT_TIMEOUT_S = 60, /* without a byte */
    CLIENT_PROBLEM_MAX = 512,
};

struct client_target {
    const char *url;         /* http:// or https:// with a host; NULL: the socket */
    const char *socket_path; /* of DATA_DIR/control.sock; used without a URL */
    const char *api_key;     /* NULL: none */
    const char *org;         /* over the socket: in whose name; NULL: the default one's */
};

struct client_request {
    const char *method, *path; /* the path is escaped already and begins with "/" */
    struct slice body;         /* JSON; empty: none. May hold a value: every copy is wiped */
};

struct client_response {
    unsigned status;
    struct buffer body; /* cleared by the caller */
};

/* ERR_SYNTAX (the target), ERR_CONNECT, ERR_TLS, ERR_CLOSED, ERR_TIMEOUT, ERR_TOO_LARGE …;
 * `problem` is then a sentence for the user, without a newline. A status of 400 and above is OK
 * here. */
MUST_USE enum error client_call(const struct client_target *target,
                                const struct client_request *request, struct client_response *out,
                                char problem[CLIENT_PROBLEM_MAX]);
