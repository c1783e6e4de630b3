/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a head becomes in HTTP/2: a list of names and values for nghttp2, which lowers the names
 * itself. Borrows everything until it was submitted. ERR_TOO_LARGE of any: more than the
 * library sends, which would not say so. */

#include "http/request.h"

#include <nghttp2/nghttp2.h>

enum {
    H2_PSEUDO_MAX = 5,
    H2_NUMBER_TEXT_MAX = 24,
    H2_BLOCK_MAX = 3 * HTTP_HEAD_MAX, /* what was put into a head may make it longer than it came */
};

struct h2_fields {
    nghttp2_nv items[HTTP_FIELDS_MAX + H2_PSEUDO_MAX + 1];
    size_t count;
    size_t size;   /* of the block, at the most; under H2_BLOCK_MAX */
    uint8_t flags; /* NGHTTP2_NV_FLAG_NO_INDEX: for what is added from now on */
    char status_text[H2_NUMBER_TEXT_MAX], length_text[H2_NUMBER_TEXT_MAX];
};

void h2_fields_init(struct h2_fields *fields);
/* ":path" and the like; `name` is a literal. ERR_SYNTAX for a value that is not one word of visible
 * ASCII. */
MUST_USE enum error h2_fields_add_pseudo(struct h2_fields *fields, struct slice name,
                                         struct slice value);
MUST_USE enum error h2_fields_add_status(struct h2_fields *fields, uint16_t status);
/* Without what HTTP/2 does not have, Host and Content-Length. ERR_SYNTAX for a name or value that
 * must not be sent: a second, independent check of our own output. */
MUST_USE enum error h2_fields_add_head(struct h2_fields *fields, const struct http_head *head);
/* The same without what must not come behind a body (RFC 9110, 6.5.1). */
MUST_USE enum error h2_fields_add_trailers(struct h2_fields *fields,
                                           const struct http_head *trailers);
/* The content-length, where there is one. */
MUST_USE enum error h2_fields_add_framing(struct h2_fields *fields, struct http_framing framing);
