/* SPDX-License-Identifier: Apache-2.0 */
/* Where a message ends. Never guesses: what is ambiguous is refused. */
#include "http/framing.h"

/* Each of its elements is compared with each field: without a limit a head could cost a second. */
enum { CONNECTION_LEN_MAX = 1024 };

static struct http_fault refuse(const char *why)
{
    return (struct http_fault){400, why};
}

static const struct http_fault no_fault;

static struct http_fault parse_transfer_encoding(const struct http_head *head,
                                                 struct http_framing *out)
{
    const struct http_field *field = http_head_find(head, SLICE("Transfer-Encoding"));

    if (head->version_minor == 0)
        return refuse("Transfer-Encoding in HTTP/1.0");
    if (http_head_count(head, SLICE("Transfer-Encoding")) != 1)
        return refuse("Transfer-Encoding is repeated");
    if (http_head_find(head, SLICE("Content-Length")) != NULL)
        return refuse("both Content-Length and Transfer-Encoding");
    if (!slice_equals_nocase(field->value, SLICE("chunked")))
        return refuse("a transfer coding other than chunked");
    *out = (struct http_framing){.kind = HTTP_BODY_CHUNKED};
    return no_fault;
}

static struct http_fault parse_content_length(const struct http_head *head,
                                              struct http_framing *out)
{
    const struct http_field *field = http_head_find(head, SLICE("Content-Length"));
    uint64_t length;

    if (http_head_count(head, SLICE("Content-Length")) != 1)
        return refuse("Content-Length is repeated");
    if (!slice_parse_u64(field->value, &length) || length > INT64_MAX)
        return refuse("Content-Length is not a plain decimal number");
    *out = (struct http_framing){.kind = HTTP_BODY_LENGTH, .length = length};
    return no_fault;
}

struct http_fault framing_parse(const struct http_head *head, struct http_framing *out)
{
    if (http_head_find(head, SLICE("Transfer-Encoding")) != NULL)
        return parse_transfer_encoding(head, out);
    if (http_head_find(head, SLICE("Content-Length")) != NULL)
        return parse_content_length(head, out);
    *out = (struct http_framing){.kind = HTTP_BODY_NONE};
    return no_fault;
}

struct http_fault framing_parse_keep_alive(const struct http_head *head, bool *out)
{
    size_t len = 0;

    for (size_t i = 0; i < head->field_count; i++)
        if (http_name_equals(head->fields[i].name, SLICE("Connection")))
            len += head->fields[i].value.len;
    if (len > CONNECTION_LEN_MAX)
        return refuse("the Connection field is too long");

    *out = !http_head_lists(head, SLICE("Connection"), SLICE("close")) &&
           (head->version_minor >= 1 ||
            http_head_lists(head, SLICE("Connection"), SLICE("keep-alive")));
    return no_fault;
}
