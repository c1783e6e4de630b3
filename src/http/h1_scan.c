/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes may stand where in a head. Never lets a line end in anything but CRLF. */
#include "http/h1_scan.h"

void h1_scan_init_head(struct h1_scan *scan)
{
    *scan = (struct h1_scan){.state = H1_SCAN_FIRST_BYTE, .limit = HTTP_HEAD_MAX};
}

void h1_scan_init_trailers(struct h1_scan *scan, size_t limit)
{
    *scan = (struct h1_scan){.state = H1_SCAN_LINE_START, .limit = limit};
}

static size_t fail(struct h1_scan *scan, int status, const char *why)
{
    scan->state = H1_SCAN_FAULT;
    scan->fault = (struct http_fault){status, why};
    return 0;
}

/* What a line may hold: all but controls; tab only in a value. */
static bool is_text(unsigned char c)
{
    return c >= ' ' && c != 0x7f;
}

static size_t text_len(struct slice s)
{
    size_t len = 0;

    while (len < s.len && is_text((unsigned char)s.data[len]))
        len++;
    return len;
}

static size_t expect(struct h1_scan *scan, char c, enum h1_scan_state next)
{
    if (c != '\n')
        return fail(scan, 400, "a carriage return without a line feed");
    scan->state = next;
    return 1;
}

static size_t on_first_byte(struct h1_scan *scan, struct slice input)
{
    if (input.data[0] == '\r' || input.data[0] == '\n' || input.data[0] == ' ')
        return fail(scan, 400, "a blank line or white space before the message");
    scan->state = H1_SCAN_START_LINE;
    return 0;
}

static size_t on_start_line(struct h1_scan *scan, struct slice input)
{
    size_t len = text_len(input);

    scan->start_line_len += len;
    if (scan->start_line_len > HTTP_TARGET_MAX)
        return fail(scan, 414, "the request target is too long");
    if (len == input.len)
        return len;
    if (input.data[len] != '\r')
        return fail(scan, 400, "a control character in the first line");
    scan->state = H1_SCAN_START_LINE_LF;
    return len + 1;
}

static size_t on_line_start(struct h1_scan *scan, struct slice input)
{
    switch (input.data[0]) {
    case '\r':
        scan->state = H1_SCAN_END_LF;
        return 1;
    case ' ':
    case '\t':
        return fail(scan, 400, "a folded field");
    case ':':
        return fail(scan, 400, "a field without a name");
    default:
        break;
    }
    if (scan->field_count++ == HTTP_FIELDS_MAX)
        return fail(scan, 431, "too many fields");
    scan->state = H1_SCAN_NAME;
    return 0;
}

static size_t on_name(struct h1_scan *scan, struct slice input)
{
    size_t len = http_token_len(input);

    if (len == input.len)
        return len;
    if (input.data[len] != ':')
        return fail(scan, 400, "a field name is not a token followed by a colon");
    scan->state = H1_SCAN_VALUE;
    return len + 1;
}

static size_t on_value(struct h1_scan *scan, struct slice input)
{
    size_t len = text_len(input);

    if (len == input.len)
        return len;
    if (input.data[len] == '\r')
        scan->state = H1_SCAN_VALUE_LF;
    else if (input.data[len] != '\t')
        return fail(scan, 400, "a control character or a bare line feed in a field");
    return len + 1;
}

static size_t step(struct h1_scan *scan, struct slice input)
{
    switch (scan->state) {
    case H1_SCAN_FIRST_BYTE:
        return on_first_byte(scan, input);
    case H1_SCAN_START_LINE:
        return on_start_line(scan, input);
    case H1_SCAN_START_LINE_LF:
    case H1_SCAN_VALUE_LF:
        return expect(scan, input.data[0], H1_SCAN_LINE_START);
    case H1_SCAN_LINE_START:
        return on_line_start(scan, input);
    case H1_SCAN_NAME:
        return on_name(scan, input);
    case H1_SCAN_VALUE:
        return on_value(scan, input);
    case H1_SCAN_END_LF:
        return expect(scan, input.data[0], H1_SCAN_DONE);
    case H1_SCAN_DONE:
    case H1_SCAN_FAULT:
        break;
    }
    return 0;
}

size_t h1_scan_feed(struct h1_scan *scan, struct slice input)
{
    size_t room = scan->limit - scan->len;
    struct slice rest = slice_take(input, room);
    size_t used = 0;

    while (rest.len > 0 && scan->state < H1_SCAN_DONE) {
        size_t passed = step(scan, rest);
        rest = slice_skip(rest, passed);
        used += passed;
    }
    scan->len += used;
    if (scan->state < H1_SCAN_DONE && used == room && input.len > room)
        fail(scan, 431, "the head is too large");
    return used;
}

bool h1_scan_next_field(struct slice *section, struct http_field *out)
{
    struct slice line = slice_split(section, '\n');

    if (line.len <= 1)
        return false;
    line.len--; /* its CR */
    out->name = slice_split(&line, ':');
    out->value = slice_trim(line);
    return true;
}
