/* SPDX-License-Identifier: Apache-2.0 */
/* llhttp for one head at a time. Never lets it see a body, nor believes it where RFC 9112 is
 * stricter: the first line is checked here, the line discipline was by h1_scan. */
#include "http/h1_head.h"

#include <llhttp.h>

struct parse {
    llhttp_t llhttp; /* first: its callbacks get a pointer to it */
    struct http_head *head;
    struct http_field field; /* the one that is being read */
    bool complete;
};

static struct parse *parse_of(llhttp_t *llhttp)
{
    return CONTAINER_OF(llhttp, struct parse, llhttp);
}

/* llhttp may hand a span over in pieces; all of it lies in one storage. */
static int extend(struct slice *s, const char *at, size_t len)
{
    if (s->data == NULL)
        *s = slice_of(at, 0);
    if (s->data + s->len != at)
        return -1;
    s->len += len;
    return 0;
}

static int on_method(llhttp_t *llhttp, const char *at, size_t len)
{
    return extend(&parse_of(llhttp)->head->method, at, len);
}

static int on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    return extend(&parse_of(llhttp)->head->target, at, len);
}

static int on_status(llhttp_t *llhttp, const char *at, size_t len)
{
    return extend(&parse_of(llhttp)->head->reason, at, len);
}

static int on_field_name(llhttp_t *llhttp, const char *at, size_t len)
{
    return extend(&parse_of(llhttp)->field.name, at, len);
}

static int on_field_value(llhttp_t *llhttp, const char *at, size_t len)
{
    return extend(&parse_of(llhttp)->field.value, at, len);
}

static int on_field_complete(llhttp_t *llhttp)
{
    struct parse *parse = parse_of(llhttp);
    struct http_head *head = parse->head;

    if (head->field_count == HTTP_FIELDS_MAX)
        return -1;
    head->fields[head->field_count].name = parse->field.name;
    head->fields[head->field_count++].value = slice_trim(parse->field.value);
    parse->field = (struct http_field){SLICE_NONE, SLICE_NONE};
    return 0;
}

static int on_head_complete(llhttp_t *llhttp)
{
    parse_of(llhttp)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_url = on_url,
    .on_status = on_status,
    .on_header_field = on_field_name,
    .on_header_value = on_field_value,
    .on_header_value_complete = on_field_complete,
    .on_headers_complete = on_head_complete,
};

static struct http_fault bad_request(const char *why)
{
    return (struct http_fault){400, why};
}

static const struct http_fault no_fault;

static bool is_known_version(struct slice version)
{
    return slice_equals(version, SLICE("HTTP/1.1")) || slice_equals(version, SLICE("HTTP/1.0"));
}

static struct slice last_word(struct slice line)
{
    size_t at = line.len;

    while (at > 0 && line.data[at - 1] != ' ')
        at--;
    return slice_skip(line, at);
}

/* llhttp knows other protocols as well: HTTP/0.9 and 2.0, RTSP, ICE. */
static struct http_fault check_request_version(struct slice line)
{
    struct slice version = last_word(line);

    if (is_known_version(version))
        return no_fault;
    if (slice_find(version, '/') == version.len)
        return bad_request("the request line does not end in an HTTP version");
    return (struct http_fault){505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
}

/* Exactly "METHOD SP TARGET SP VERSION": llhttp would take several spaces. */
static struct http_fault check_request_line(struct slice line)
{
    struct http_fault fault = check_request_version(line);
    struct slice version = line;
    struct slice method = slice_split(&version, ' ');
    struct slice target = slice_split(&version, ' ');

    if (fault.status == 0 && (method.len == 0 || target.len == 0 || !is_known_version(version)))
        return bad_request("the request line is not three words with one space between");
    return fault;
}

static struct http_fault check_status_line(struct slice line)
{
    if (!is_known_version(slice_take(line, strlen("HTTP/1.1"))))
        return bad_request("the status line does not begin with HTTP/1.0 or HTTP/1.1");
    return no_fault;
}

/* Why llhttp refused: after check_request_line() a wrong constant is a method of another protocol.
 * TRACK is unknown to it, but must be answered like TRACE. */
static struct http_fault refusal(const llhttp_t *llhttp, struct slice line)
{
    llhttp_errno_t code = llhttp_get_errno(llhttp);
    const char *why = llhttp_get_error_reason(llhttp);
    struct slice method = slice_take(line, http_token_len(line));

    if (slice_equals(method, SLICE("TRACK")))
        return (struct http_fault){405, "TRACE and TRACK are not allowed"};
    if ((code == HPE_INVALID_METHOD || code == HPE_INVALID_CONSTANT) && method.len > 0 &&
        method.len == slice_find(line, ' '))
        return (struct http_fault){501, "the method is not known"};
    return bad_request(why != NULL ? why : "the head is malformed");
}

static struct http_fault execute(struct parse *parse, enum h1_role role, struct slice bytes,
                                 struct slice line)
{
    llhttp_t *llhttp = &parse->llhttp;

    llhttp_init(llhttp, role == H1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    llhttp_execute(llhttp, bytes.data, bytes.len);
    if (!parse->complete)
        return refusal(llhttp, line);

    parse->head->version_minor = llhttp_get_http_minor(llhttp);
    parse->head->status = (uint16_t)llhttp_get_status_code(llhttp);
    return no_fault;
}

static struct http_fault check_first_line(enum h1_role role, struct slice line)
{
    return role == H1_REQUESTS ? check_request_line(line) : check_status_line(line);
}

struct http_fault h1_head_parse(struct http_head *head, enum h1_role role, size_t field_count)
{
    struct parse parse = {.head = head};
    struct slice bytes = buffer_view(&head->storage);
    struct slice line = slice_take(bytes, slice_find(bytes, '\r'));
    struct http_fault fault = check_first_line(role, line);

    if (fault.status == 0)
        fault = execute(&parse, role, bytes, line);
    if (fault.status == 0 && head->field_count != field_count)
        fault = bad_request("the head can be read in two ways");
    return fault;
}
