/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a response head means (RFC 9112, 6.3). */

#include "http/request.h"

struct http_response {
    uint16_t status;
    bool is_interim;             /* 1xx but 101 */
    bool keep_alive;             /* the upstream will take another request */
    struct http_framing framing; /* of the body that comes: none to HEAD, nor with 1xx, 204, 304 */
    /* What the fields say, which differs only where no body comes: a proxy passes on the length
     * that a HEAD would have had. */
    struct http_framing declared;
};

/* Any fault here is the upstream's (status 502): framing as ambiguous as in request_parse(), a
 * status outside 100..599, 101 unless `upgrade_sent`. */
MUST_USE struct http_fault response_parse(const struct http_head *head, bool to_head_request,
                                          bool upgrade_sent, struct http_response *out);
