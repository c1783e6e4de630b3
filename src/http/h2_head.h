/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A header block as it is decoded, field by field, into the head that HTTP/1 knows as well
 * (RFC 9113, 8.2 and 8.3). Checks everything itself, also what the library has checked. */

#include "http/head.h"

enum {
    H2_LIST_SIZE_MAX = HTTP_HEAD_MAX,     /* as RFC 9113, 6.5.2 counts: 32 more for each field */
    H2_LIST_SIZE_BOMB = 4 * HTTP_HEAD_MAX /* nobody comes here by accident */
};

/* What stands beside the fields; slices are empty where there was none. The path is the head's
 * target. */
struct h2_request_pseudo {
    struct slice scheme, authority, protocol;
    bool is_complete; /* no body follows */
    /* The head is over a limit (431) and not whole. */
    struct http_fault fault;
};

enum h2_head_kind { H2_HEAD_REQUEST, H2_HEAD_RESPONSE, H2_HEAD_TRAILERS };

struct h2_head {
    struct http_head head;
    struct h2_request_pseudo pseudo;
    enum h2_head_kind kind;
    struct buffer
        pseudo_text; /* what `pseudo` points into: reserved once, so that it never moves */
    size_t list_size;
    bool is_malformed; /* RFC 9113, 8.1.1: the stream must be reset */
};

void h2_head_init(struct h2_head *head, enum h2_head_kind kind);
/* Drops everything, wiped. */
void h2_head_clear(struct h2_head *head);
/* A field, in the order of the block. What is wrong with it is found in `is_malformed` and
 * `pseudo.fault`. ERR_NO_MEMORY; ERR_TOO_LARGE when the list is a bomb: decode no more of it. */
MUST_USE enum error h2_head_add(struct h2_head *head, struct slice name, struct slice value);
/* The block is complete. Of a request: an authority without Host becomes Host, several Cookie lines
 * one (RFC 9113, 8.2.3), an extended CONNECT (RFC 8441) the GET that it stands for, with
 * pseudo.protocol set. */
MUST_USE enum error h2_head_finish(struct h2_head *head);
/* Fields that HTTP/2 does not have (RFC 9113, 8.2.2); TE counts only with what it must not say. */
bool h2_head_is_connection_specific(struct slice name, struct slice value);
