/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a response of HTTP/2 means, in the terms of HTTP/1. */

#include "http/response.h"

/* `is_complete`: no body follows the head. Refuses what response_parse() does, and 101. A body
 * whose length was not said is HTTP_BODY_CHUNKED; one that is known to be empty has length 0. */
MUST_USE struct http_fault h2_response_parse(const struct http_head *head, bool to_head_request,
                                             bool is_complete, struct http_response *out);
