/* SPDX-License-Identifier: Apache-2.0 */
/* What a request head means. Never lets one pass that another reader of HTTP could take for a
 * different request. */
#include "http/request.h"

#include "http/framing.h"

#include <sodium.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443, WEBSOCKET_KEY_LEN = 16 };

static const struct http_fault no_fault;

static struct http_fault refuse(const char *why)
{
    return (struct http_fault){400, why};
}

static struct http_fault check_method(const struct http_head *head, struct http_request *out)
{
    if (head->version_minor > 1)
        return (struct http_fault){505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    if (!http_is_token(head->method))
        return refuse("the method is not a token");
    /* They send the head back, and with it what was put in. */
    if (slice_equals_nocase(head->method, SLICE("TRACE")) ||
        slice_equals_nocase(head->method, SLICE("TRACK")))
        return (struct http_fault){405, "TRACE and TRACK are not allowed"};
    if (http_head_find(head, SLICE("Max-Forwards")) != NULL)
        return refuse("Max-Forwards is not allowed");

    out->method = head->method;
    out->is_connect = slice_equals(head->method, SLICE("CONNECT"));
    out->is_head = slice_equals(head->method, SLICE("HEAD"));
    return no_fault;
}

static bool is_visible_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] > '~')
            return false;
    return s.len > 0;
}

static struct http_fault check_target(const struct http_head *head, struct http_request *out)
{
    (void)out;
    if (head->target.len > HTTP_TARGET_MAX)
        return (struct http_fault){414, "the request target is too long"};
    if (!is_visible_ascii(head->target))
        return refuse("the request target holds a character that must be percent-encoded");
    if (slice_find(head->target, '#') < head->target.len)
        return refuse("the request target holds a fragment");
    return no_fault;
}

static struct http_fault parse_authority_form(const struct http_head *head,
                                              struct http_request *out)
{
    out->form = HTTP_TARGET_AUTHORITY;
    out->path = SLICE_NONE;
    if (authority_parse(head->target, 0, &out->authority) != OK)
        return refuse("the target of CONNECT is not host:port");
    return no_fault;
}

/* Of a target in absolute-form: the port of its scheme; 0 when that is neither http nor https. */
static uint16_t scheme_port(struct slice target)
{
    if (slice_starts_with_nocase(target, SLICE("http://")))
        return HTTP_PORT;
    return slice_starts_with_nocase(target, SLICE("https://")) ? HTTPS_PORT : 0;
}

/* The index of what ends an authority: the path, the query, or the end. */
static size_t authority_len(struct slice s)
{
    size_t path = slice_find(s, '/'), query = slice_find(s, '?');

    return path < query ? path : query;
}

/* The scheme of the target must be the connection's, whose port is out->authority's until here. */
static struct http_fault parse_absolute_form(const struct http_head *head, struct http_request *out)
{
    struct slice rest = slice_skip(head->target, slice_find(head->target, ':') + strlen("://"));
    uint16_t port = scheme_port(head->target);
    size_t len = authority_len(rest);

    out->form = HTTP_TARGET_ABSOLUTE;
    if (port != out->authority.port)
        return refuse(port == HTTPS_PORT ? "https:// cannot be asked for in the clear: use CONNECT"
                                         : "the target's scheme is not that of the tunnel");
    if (authority_parse(slice_take(rest, len), port, &out->authority) != OK)
        return refuse("the target's authority is not host or host:port");
    out->path = slice_skip(rest, len);
    if (out->path.len > 0 && out->path.data[0] == '?')
        return refuse("the target has a query without a path");
    /* RFC 9112, 3.2.4: without a path, OPTIONS asks about the host as a whole. */
    if (out->path.len == 0)
        out->path = slice_equals(head->method, SLICE("OPTIONS")) ? SLICE("*") : SLICE("/");
    return no_fault;
}

static struct http_fault parse_origin_form(const struct http_head *head, struct http_request *out)
{
    out->form = HTTP_TARGET_ORIGIN;
    out->path = head->target;
    return no_fault;
}

static struct http_fault parse_asterisk_form(const struct http_head *head, struct http_request *out)
{
    if (!slice_equals(head->method, SLICE("OPTIONS")))
        return refuse("the target * is for OPTIONS alone");
    out->form = HTTP_TARGET_ASTERISK;
    out->path = head->target;
    return no_fault;
}

static struct http_fault parse_target(const struct http_head *head, struct http_request *out)
{
    if (out->is_connect)
        return parse_authority_form(head, out);
    if (head->target.data[0] == '/')
        return parse_origin_form(head, out);
    if (slice_equals(head->target, SLICE("*")))
        return parse_asterisk_form(head, out);
    if (scheme_port(head->target) != 0)
        return parse_absolute_form(head, out);
    return refuse("the request target is in no form that is known");
}

static bool target_has_authority(const struct http_request *request)
{
    return request->form == HTTP_TARGET_AUTHORITY || request->form == HTTP_TARGET_ABSOLUTE;
}

/* A Host without a port means that of the target: clients leave it out even where it is not the
 * scheme's own. */
static uint16_t implied_port(const struct http_head *head, const struct http_request *request)
{
    return request->form == HTTP_TARGET_ABSOLUTE ? scheme_port(head->target)
                                                 : request->authority.port;
}

/* HTTP/1.0 knows no Host: there it may be missing where the target says who is asked. */
static struct http_fault check_host(const struct http_head *head, struct http_request *out)
{
    const struct http_field *field = http_head_find(head, SLICE("Host"));
    size_t count = http_head_count(head, SLICE("Host"));
    struct authority host;

    if (count == 0 && head->version_minor == 0 && target_has_authority(out))
        return no_fault;
    if (count != 1)
        return refuse(count == 0 ? "Host is missing" : "Host is repeated");
    if (authority_parse(field->value, implied_port(head, out), &host) != OK)
        return refuse("Host is not host or host:port");
    if (target_has_authority(out) && !authority_equals(&host, &out->authority))
        return refuse("Host is not the target's authority");
    out->authority = host;
    return no_fault;
}

static struct http_fault check_framing(const struct http_head *head, struct http_request *out)
{
    struct http_fault fault = framing_parse(head, &out->framing);

    if (fault.status != 0 || !out->is_connect)
        return fault;
    if (out->framing.kind == HTTP_BODY_CHUNKED || out->framing.length > 0)
        return refuse("CONNECT has no body");
    out->framing.kind = HTTP_BODY_NONE;
    return no_fault;
}

/* An HTTP/1.0 client cannot be waiting for a 100 (RFC 9110, 10.1.1). */
static struct http_fault check_expect(const struct http_head *head, struct http_request *out)
{
    const struct http_field *field = http_head_find(head, SLICE("Expect"));

    if (field == NULL)
        return no_fault;
    if (http_head_count(head, SLICE("Expect")) != 1 ||
        !slice_equals_nocase(field->value, SLICE("100-continue")))
        return (struct http_fault){417, "an expectation other than 100-continue"};
    out->expects_continue = head->version_minor >= 1;
    return no_fault;
}

static struct http_fault check_keep_alive(const struct http_head *head, struct http_request *out)
{
    return framing_parse_keep_alive(head, &out->keep_alive);
}

/* The one line of that name; SLICE_NONE when there is none or more than one. */
static struct slice single_value(const struct http_head *head, struct slice name)
{
    const struct http_field *field = http_head_find(head, name);

    return field != NULL && http_head_count(head, name) == 1 ? field->value : SLICE_NONE;
}

static bool is_websocket_key(struct slice value)
{
    unsigned char key[WEBSOCKET_KEY_LEN];
    size_t len = 0;

    return value.len > 0 &&
           sodium_base642bin(key, sizeof(key), value.data, value.len, NULL, &len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           len == sizeof(key);
}

/* RFC 6455, 4.2.1. Any other Upgrade is no error: it is ignored, and not forwarded. */
static struct http_fault check_upgrade(const struct http_head *head, struct http_request *out)
{
    struct slice protocol = single_value(head, SLICE("Upgrade"));

    if (protocol.len == 0)
        return no_fault;
    out->wants_websocket =
        head->version_minor == 1 && slice_equals(head->method, SLICE("GET")) &&
        out->framing.kind == HTTP_BODY_NONE && slice_equals_nocase(protocol, SLICE("websocket")) &&
        http_head_lists(head, SLICE("Connection"), SLICE("upgrade")) &&
        slice_equals(single_value(head, SLICE("Sec-WebSocket-Version")), SLICE("13")) &&
        is_websocket_key(single_value(head, SLICE("Sec-WebSocket-Key")));
    return no_fault;
}

struct http_fault request_parse(const struct http_head *head, uint16_t default_port,
                                struct http_request *out)
{
    /* Each may rely on what those before it found. */
    static struct http_fault (*const steps[])(const struct http_head *, struct http_request *) = {
        check_method,  check_target, parse_target,     check_host,
        check_framing, check_expect, check_keep_alive, check_upgrade,
    };
    struct http_request request = {.authority = {.port = default_port}};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct http_fault fault = steps[i](head, &request);
        if (fault.status != 0)
            return fault;
    }
    *out = request;
    return no_fault;
}
