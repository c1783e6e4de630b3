/* SPDX-License-Identifier: Apache-2.0 */
/* A second look at heads that go out. Never trusts what the writer knew of them. */
#include "http/h1_output.h"

struct seen {
    unsigned hosts, lengths, codings;
    struct slice length, coding;
};

/* Some readers take a form feed for white space, others a NUL for the end. */
static bool has_control(struct slice line)
{
    unsigned char found = 0;

    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.data[i];
        found |= (unsigned char)((c < ' ' && c != '\t') | (c == 0x7f));
    }
    return found != 0;
}

/* Without its CRLF; false when it has none, or a control that could end it elsewhere. */
static bool next_line(struct slice *rest, struct slice *line)
{
    const char *lf = rest->len == 0 ? NULL : memchr(rest->data, '\n', rest->len);
    size_t len = lf == NULL ? 0 : (size_t)(lf - rest->data);

    if (len == 0 || lf[-1] != '\r' || has_control(slice_take(*rest, len - 1)))
        return false;
    *line = slice_take(*rest, len - 1);
    *rest = slice_skip(*rest, len + 1);
    return true;
}

/* tchar of RFC 9110, 5.6.2. */
static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alpha(s.data[i]) && !ascii_is_digit(s.data[i]) &&
            (s.data[i] == '\0' || strchr("!#$%&'*+-.^_`|~", s.data[i]) == NULL))
            return false;
    return s.len > 0;
}

static bool is_word(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] > '~')
            return false;
    return s.len > 0;
}

static bool is_request_line(struct slice line)
{
    struct slice rest = line;
    struct slice method = slice_split(&rest, ' ');
    struct slice target = slice_split(&rest, ' ');

    return is_name(method) && is_word(target) && slice_equals(rest, SLICE("HTTP/1.1"));
}

static bool is_status_line(struct slice line)
{
    struct slice rest = slice_skip(line, strlen("HTTP/1.1 ")), status = slice_take(rest, 3);

    return slice_starts_with(line, SLICE("HTTP/1.1 ")) && slice_find(line, '\t') == line.len &&
           rest.len > status.len && rest.data[status.len] == ' ' &&
           ascii_is_digit(status.data[0]) && ascii_is_digit(status.data[1]) &&
           ascii_is_digit(status.data[2]);
}

/* As the writer puts it: name, colon, one space, value. */
static bool see_field(struct slice line, struct seen *seen)
{
    size_t colon = slice_find(line, ':');
    struct slice name = slice_take(line, colon), rest = slice_skip(line, colon + 1);

    if (!is_name(name) || rest.len == 0 || rest.data[0] != ' ')
        return false;
    struct slice value = slice_skip(rest, 1);
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

    if (!next_line(&rest, &line) ||
        !(kind == H1_OUTPUT_REQUEST ? is_request_line : is_status_line)(line))
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
