/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where a body ends and whether the connection goes on (RFC 9112, 6 and 9): the same rules for
 * requests and responses. */

#include "http/request.h"

/* What the fields say, before the method or the status overrule it: HTTP_BODY_NONE when they say
 * nothing. Refuses whatever two readers could understand differently: both Content-Length and
 * Transfer-Encoding, several lines of either, a coding but "chunked", Transfer-Encoding in
 * HTTP/1.0, a length that is not plain decimal. */
MUST_USE struct http_fault framing_parse(const struct http_head *head, struct http_framing *out);
/* By version and Connection. Refuses a Connection field that is there only to be long. */
MUST_USE struct http_fault framing_parse_keep_alive(const struct http_head *head, bool *out);
