/* SPDX-License-Identifier: Apache-2.0 */
/* What a response of HTTP/2 means. Never leaves the end of a body to the end of the connection. */
#include "http/h2_response.h"

static struct http_framing actual_framing(struct http_framing framing, bool is_complete)
{
    if (framing.kind != HTTP_BODY_UNTIL_CLOSE)
        return framing;
    return is_complete ? (struct http_framing){.kind = HTTP_BODY_LENGTH, .length = 0}
                       : (struct http_framing){.kind = HTTP_BODY_CHUNKED};
}

struct http_fault h2_response_parse(const struct http_head *head, bool to_head_request,
                                    bool is_complete, struct http_response *out)
{
    struct http_response response;
    struct http_fault fault = response_parse(head, to_head_request, false, &response);

    if (fault.status != 0)
        return fault;
    response.framing = actual_framing(response.framing, is_complete);
    response.keep_alive = true;
    *out = response;
    return fault;
}
