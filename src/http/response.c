/* SPDX-License-Identifier: Apache-2.0 */
/* What a response head means. Never takes a body where HTTP has none. */
#include "http/response.h"

#include "http/framing.h"

static struct http_fault refuse(const char *why)
{
    return (struct http_fault){502, why};
}

static bool has_no_body(uint16_t status, bool to_head_request)
{
    return status < 200 || status == 204 || status == 304 || to_head_request;
}

static struct http_fault check_status(uint16_t status, bool upgrade_sent)
{
    if (status < 100 || status > 599)
        return refuse("the status is not between 100 and 599");
    if (status == 101 && !upgrade_sent)
        return refuse("the protocol was switched without being asked");
    return (struct http_fault){0, NULL};
}

static struct http_fault check_framing(const struct http_head *head, struct http_response *out)
{
    struct http_fault fault = framing_parse(head, &out->declared);

    if (fault.status == 0)
        fault = framing_parse_keep_alive(head, &out->keep_alive);
    return fault.status != 0 ? refuse(fault.why) : fault;
}

static struct http_framing actual_framing(const struct http_response *response,
                                          bool to_head_request)
{
    if (has_no_body(response->status, to_head_request))
        return (struct http_framing){.kind = HTTP_BODY_NONE};
    if (response->declared.kind == HTTP_BODY_NONE)
        return (struct http_framing){.kind = HTTP_BODY_UNTIL_CLOSE};
    return response->declared;
}

struct http_fault response_parse(const struct http_head *head, bool to_head_request,
                                 bool upgrade_sent, struct http_response *out)
{
    struct http_response response = {.status = head->status};
    struct http_fault fault = check_status(head->status, upgrade_sent);

    if (fault.status == 0)
        fault = check_framing(head, &response);
    if (fault.status != 0)
        return fault;

    response.is_interim = head->status < 200 && head->status != 101;
    response.framing = actual_framing(&response, to_head_request);
    if (response.framing.kind == HTTP_BODY_UNTIL_CLOSE)
        response.keep_alive = false;
    *out = response;
    return fault;
}
