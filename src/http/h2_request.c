/* SPDX-License-Identifier: Apache-2.0 */
/* What a request of HTTP/2 means. Never lets one pass that HTTP/1 would refuse. */
#include "http/h2_request.h"

enum { HTTPS_PORT = 443 };

static const struct http_fault no_fault;

static struct http_fault refuse(int status, const char *why)
{
    return (struct http_fault){status, why};
}

/* RFC 8441, 5: no key, but the version must be the one that is spoken here. */
static struct http_fault check_protocol(const struct http_head *head, struct slice protocol)
{
    const struct http_field *version = http_head_find(head, SLICE("sec-websocket-version"));

    if (!slice_equals(protocol, SLICE("websocket")))
        return refuse(501, "an extended CONNECT for a protocol other than websocket");
    if (version == NULL || http_head_count(head, SLICE("sec-websocket-version")) != 1 ||
        !slice_equals(version->value, SLICE("13")))
        return refuse(400, "a version of WebSocket other than 13");
    if (http_head_find(head, SLICE("content-length")) != NULL)
        return refuse(400, "a WebSocket with a length");
    return no_fault;
}

static struct http_fault check_method(const struct http_head *head,
                                      const struct h2_request_pseudo *pseudo)
{
    if (slice_equals(head->method, SLICE("CONNECT")))
        return refuse(405, "CONNECT inside a tunnel");
    return pseudo->protocol.len > 0 ? check_protocol(head, pseudo->protocol) : no_fault;
}

/* Origin-form and "*" alone: a target that names a host itself could name another one. */
static struct http_fault check_target(const struct http_head *head,
                                      const struct h2_request_pseudo *pseudo)
{
    if (!slice_equals(pseudo->scheme, SLICE("https")))
        return refuse(400, "a scheme other than https");
    if (head->target.len == 0 ||
        (head->target.data[0] != '/' && !slice_equals(head->target, SLICE("*"))))
        return refuse(400, "the path does not begin with a slash");
    return no_fault;
}

static struct http_fault check_authority(const struct h2_request_pseudo *pseudo,
                                         const struct authority *host)
{
    struct authority authority;

    if (pseudo->authority.len == 0)
        return no_fault;
    if (authority_parse(pseudo->authority, HTTPS_PORT, &authority) != OK)
        return refuse(400, "the authority is not host or host:port");
    return authority_equals(&authority, host) ? no_fault
                                              : refuse(400, "Host is not the request's authority");
}

static struct http_framing actual_framing(const struct http_request *request,
                                          const struct h2_request_pseudo *pseudo)
{
    if (request->framing.kind != HTTP_BODY_NONE || pseudo->is_complete || pseudo->protocol.len > 0)
        return request->framing;
    return (struct http_framing){.kind = HTTP_BODY_CHUNKED};
}

struct http_fault h2_request_parse(const struct http_head *head,
                                   const struct h2_request_pseudo *pseudo, struct http_request *out)
{
    struct http_request request;
    struct http_fault fault = pseudo->fault;

    if (fault.status == 0)
        fault = check_method(head, pseudo);
    if (fault.status == 0)
        fault = check_target(head, pseudo);
    if (fault.status == 0)
        fault = request_parse(head, HTTPS_PORT, &request);
    if (fault.status == 0)
        fault = check_authority(pseudo, &request.authority);
    if (fault.status != 0)
        return fault;

    request.framing = actual_framing(&request, pseudo);
    request.wants_websocket = pseudo->protocol.len > 0;
    *out = request;
    return no_fault;
}
