/* SPDX-License-Identifier: Apache-2.0 */
/* The sizes of a request. Never looks at what it says. */
#include "proxy/request_limits.h"

struct http_fault request_limits_check(const struct proxy_settings *settings,
                                       const struct http_head *head,
                                       const struct http_request *request)
{
    bool has_length = request->framing.kind == HTTP_BODY_LENGTH;

    if (head->target.len > settings->uri_bytes)
        return (struct http_fault){414, "the target is longer than limits.uri_bytes"};
    if (http_head_size(head) > settings->header_bytes)
        return (struct http_fault){431, "the head is larger than limits.header_bytes"};
    if (head->field_count > settings->header_fields)
        return (struct http_fault){431, "the head has more fields than limits.header_fields"};
    if (has_length && !request_limits_allow_body(settings, request->framing.length))
        return (struct http_fault){413, "the body is longer than limits.body_bytes"};
    return (struct http_fault){0};
}
