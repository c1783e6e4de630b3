/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The line discipline of RFC 9112, 2.2 and 5, checked byte by byte before any parser sees a head or
 * a trailer section: CRLF and nothing else ends a line, no control but tab in a value, no blank
 * line first, no folding, a name that is a token with the colon right behind it. Keeps its place,
 * so that no byte is looked at twice however the input is split. */

#include "http/head.h"

enum h1_scan_state {
    H1_SCAN_FIRST_BYTE, /* of the start line */
    H1_SCAN_START_LINE,
    H1_SCAN_START_LINE_LF,
    H1_SCAN_LINE_START,
    H1_SCAN_NAME,
    H1_SCAN_VALUE,
    H1_SCAN_VALUE_LF,
    H1_SCAN_END_LF,
    H1_SCAN_DONE,
    H1_SCAN_FAULT,
};

struct h1_scan {
    enum h1_scan_state state;
    size_t len;            /* bytes passed */
    size_t limit;          /* most bytes: 431 beyond */
    size_t start_line_len; /* without CRLF; more than HTTP_TARGET_MAX is 414 */
    size_t field_count;
    struct http_fault fault;
};

void h1_scan_init_head(struct h1_scan *scan);
/* Fields alone, behind the last chunk. */
void h1_scan_init_trailers(struct h1_scan *scan, size_t limit);
/* How many bytes from the front of `input` belong to the section. Stops behind its last LF
 * (H1_SCAN_DONE), or at what is wrong (H1_SCAN_FAULT). */
size_t h1_scan_feed(struct h1_scan *scan, struct slice input);
/* Takes one field line of a section that was scanned off its front; false at the end. */
bool h1_scan_next_field(struct slice *section, struct http_field *out);
