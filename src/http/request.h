/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a request head means, after every check of RFC 9110, RFC 9112 and THREAT_MODEL.md that does
 * not need to know who is asking. */

#include "base/host_name.h"
#include "http/head.h"

enum http_target_form {
    HTTP_TARGET_ORIGIN,
    HTTP_TARGET_ABSOLUTE,
    HTTP_TARGET_AUTHORITY,
    HTTP_TARGET_ASTERISK
};

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

struct http_framing {
    enum http_body_kind kind;
    uint64_t length; /* of HTTP_BODY_LENGTH */
};

struct http_request {
    struct slice method; /* borrowed from the head */
    enum http_target_form form;
    struct slice
        path; /* origin-form: path and query, or "*"; borrowed; "/" when absolute-form had none */
    /* Who is asked: of CONNECT the target, of absolute-form the target's (its Host field, when
     * given, equals it), else the Host field's. */
    struct authority authority;
    bool is_connect, is_head;
    bool keep_alive; /* the client wants to go on */
    bool expects_continue;
    bool wants_websocket; /* a well-formed Upgrade: websocket */
    struct http_framing framing;
};

/* `default_port` is that of the connection's scheme: 443 in an intercepted tunnel, else 80.
 * Refuses: HTTP versions but 1.0 and 1.1 (505); both Content-Length and Transfer-Encoding, a
 * Transfer-Encoding but exactly "chunked", or in HTTP/1.0, a repeated or non-digit Content-Length
 * (400); a missing or repeated Host in 1.1, one that does not parse, userinfo (400); a target over
 * its limit (414), a fragment, a scheme but the connection's in absolute-form, "*" but with OPTIONS
 * (400); TRACE and TRACK (405); a Max-Forwards field (400); an Expect but 100-continue (417);
 * CONNECT with a body (400). A body of a request without framing is HTTP_BODY_NONE. */
MUST_USE struct http_fault request_parse(const struct http_head *head, uint16_t default_port,
                                         struct http_request *out);
