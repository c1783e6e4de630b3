/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether a request is larger than the operator allows, before anything of it goes anywhere. */

#include "http/request.h"
#include "proxy/proxy.h"

/* 431 for the head, 414 for the target, 413 for a body that is declared to be too long; status 0:
 * none of them. */
struct http_fault request_limits_check(const struct proxy_settings *settings,
                                       const struct http_head *head,
                                       const struct http_request *request);
/* The same for a body as it comes: whether `len` bytes of it are too many. */
static inline bool request_limits_allow_body(const struct proxy_settings *settings, uint64_t len)
{
    return settings->body_bytes == 0 || len <= settings->body_bytes;
}
