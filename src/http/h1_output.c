/* SPDX-License-Identifier: Apache-2.0 */
/* A second look at heads that go out. Never trusts what the writer knew of them. */
#include "http/h1_output.h"

struct seen {
    unsigned hosts, lengths, codings;
    struct slice length, coding;
};

/* Without its CRLF; false when it has none, or a control that could end it elsewhere. */
static bool next_line(struct slice *rest, struct slice *line)
{
    const char *lf = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    size_t len = lf == NULL ? 0 : (size_t)(lf - rest->data);

    if (len == 0 || memchr(rest->data, '\r', len) != lf - 1 || memchr(rest->data, '\0', len))
        return false;
    *line = slice_take(*rest, len - 1);
    *rest = slice_skip(*rest, len + 1);
    return true;
}

static bool is_start_line(struct slice line, enum h1_output_kind kind)
{
    static const struct slice version = SLICE_INIT("HTTP/1.1");

    if (kind == H1_OUTPUT_RESPONSE)
        return slice_starts_with(line, version) && line.len > version.len &&
               line.data[version.len] == ' ';
    size_t method = slice_find(line, ' ');
    if (method == 0 || method >= line.len)
        return false;
    struct slice rest = slice_skip(line, method + 1);
    size_t target = slice_find(rest, ' ');
    return target > 0 && slice_equals(slice_skip(rest, target), SLICE(" HTTP/1.1"));
}

static bool see_field(struct slice line, struct seen *seen)
{
    size_t colon = slice_find(line, ':');

    if (colon == 0 || colon >= line.len || line.data[0] == ' ' || line.data[0] == '\t')
        return false;
    struct slice name = slice_take(line, colon);
    struct slice value = slice_trim(slice_skip(line, colon + 1));
    if (http_name_equals(name, SLICE("host")))
        seen->hosts++;
    if (http_name_equals(name, SLICE("content-length"))) {
        seen->lengths++;
        seen->length = value;
    }
    if (http_name_equals(name, SLICE("transfer-encoding"))) {
        seen->codings++;
        seen->coding = value;
    }
    return true;
}

/* "Content-Length: 0" may say what no field says as well. */
static bool announces(const struct seen *seen, struct http_framing framing)
{
    uint64_t length = 0;
    bool has_length = seen->lengths == 1 && slice_parse_u64(seen->length, &length);

    switch (framing.kind) {
    case HTTP_BODY_LENGTH:
        return has_length && length == framing.length && seen->codings == 0;
    case HTTP_BODY_CHUNKED:
        return seen->codings == 1 && slice_equals(seen->coding, SLICE("chunked")) &&
               seen->lengths == 0;
    case HTTP_BODY_NONE:
        return (seen->lengths == 0 || (has_length && length == 0)) && seen->codings == 0;
    case HTTP_BODY_UNTIL_CLOSE:
        return seen->lengths == 0 && seen->codings == 0;
    }
    return false;
}

enum error h1_output_check(struct slice head, enum h1_output_kind kind, struct http_framing framing)
{
    struct seen seen = {0};
    struct slice rest = head, line;

    if (!next_line(&rest, &line) || !is_start_line(line, kind))
        return ERR_SYNTAX;
    while (next_line(&rest, &line) && line.len > 0)
        if (!see_field(line, &seen))
            return ERR_SYNTAX;
    if (line.len > 0 || rest.len > 0)
        return ERR_SYNTAX;
    if (kind == H1_OUTPUT_REQUEST && seen.hosts != 1)
        return ERR_SYNTAX;
    return announces(&seen, framing) ? OK : ERR_SYNTAX;
}
