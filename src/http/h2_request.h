/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a request of HTTP/2 means, in the terms of HTTP/1: whoever forwards it need not know. */

#include "http/h2_head.h"
#include "http/request.h"

/* After the checks of the codec: everything that request_parse() refuses, with port 443 as the
 * default, and 431 (the head was over a limit), a :scheme but "https", a Host that is not the
 * :authority (400), CONNECT (405; 501 for an extended one that is not for a WebSocket). A body
 * whose length was not said is HTTP_BODY_CHUNKED. An extended CONNECT sets `wants_websocket`; there
 * is no Sec-WebSocket-Key then, and its stream carries the frames both ways. */
MUST_USE struct http_fault h2_request_parse(const struct http_head *head,
                                            const struct h2_request_pseudo *pseudo,
                                            struct http_request *out);
