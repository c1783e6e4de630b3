/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The head of a message, whatever protocol it came in: HTTP/1 and HTTP/2 codecs both produce it and
 * write it. Fields keep their order and the case they came in; look-ups ignore case. */

#include "base/buffer.h"

enum { HTTP_FIELDS_MAX = 200, HTTP_HEAD_MAX = 64 * 1024, HTTP_TARGET_MAX = 32 * 1024 };

struct http_field {
    struct slice name, value; /* value without white space at its ends */
};

struct http_head {
    /* request */
    struct slice method, target; /* target as it was received */
    /* response */
    uint16_t status;
    struct slice reason;
    /* both */
    uint8_t version_minor; /* of HTTP/1.x; an HTTP/2 codec sets 1 */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    struct buffer storage; /* what the slices point into, unless somebody repointed one */
};

/* What is wrong with a message, and how to answer it: status 0 means nothing is. A status under 500
 * is the sender's fault when it is a request; any fault in a response is the upstream's. */
struct http_fault {
    int status;      /* 400, 405, 413, 414, 417, 421, 431, 501, 505 */
    const char *why; /* static sentence */
};

void http_head_init(struct http_head *head);
/* Drops everything and wipes the storage. */
void http_head_clear(struct http_head *head);
DEFINE_OWNED_STRUCT(http_head, http_head_clear)
/* The same for a head that is filled again soon: storage of an ordinary size is wiped and kept. */
void http_head_reset(struct http_head *head);

/* Makes `out` a second list of the fields of `head`, whose bytes stay where they are: for a head
 * that is sent with some fields changed. Touches only as much of `out` as there are fields. */
void http_head_borrow(struct http_head *out, const struct http_head *head);

/* Lengths and first letters are compared before a call is made: heads are searched many times. Two
 * spellings of a letter differ in one bit. */
static inline bool http_name_equals(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || ((a.data[0] ^ b.data[0]) & ~0x20) == 0) &&
           slice_equals_nocase(a, b);
}

/* The first field of that name; NULL when there is none. */
const struct http_field *http_head_find(const struct http_head *head, struct slice name);
size_t http_head_count(const struct http_head *head, struct slice name);
/* Whether a comma-separated field (all its lines) has this element, case ignored (RFC 9110, 5.6.1).
 */
bool http_head_lists(const struct http_head *head, struct slice name, struct slice element);
void http_head_remove(struct http_head *head, struct slice name);
/* Appends; name and value are copied into storage. ERR_TOO_LARGE past HTTP_FIELDS_MAX. */
MUST_USE enum error http_head_add(struct http_head *head, struct slice name, struct slice value);
/* The same without a copy: both must outlive the head. What was parsed out of the head before (a
 * target's path) stays where it is, which the others do not promise. */
MUST_USE enum error http_head_add_borrowed(struct http_head *head, struct slice name,
                                           struct slice value);
/* Copies `bytes`, which are not in storage yet, there and points `*out` at the copy; `*out` may be
 * the method, the target, the reason, or a name or value of this head. ERR_TOO_LARGE. */
MUST_USE enum error http_head_store(struct http_head *head, struct slice bytes, struct slice *out);
/* Removes what is for one connection only (RFC 9110, 7.6.1): fields named by Connection (but never
 * framing, Host, Authorization or Sec-WebSocket-*), Connection, Keep-Alive, Proxy-*, TE, Trailer,
 * Transfer-Encoding, Upgrade, HTTP2-Settings, and Close, whose name would be the connection option
 * (RFC 9112, 9.6). */
void http_head_strip_hop_by_hop(struct http_head *head);

/* Bytes of the target and all fields, as HTTP/1 would write them: what a limit on heads counts. */
size_t http_head_size(const struct http_head *head);

/* A field name is a token; a value has no control but tab (RFC 9110, 5.5). */
bool http_is_token(struct slice s);
size_t http_token_len(struct slice s); /* of the token it begins with; 0: none */
bool http_is_field_value(struct slice s);
/* What a reader might act on if it merged trailers into the head: not sent as trailers, whatever
 * the protocol (RFC 9110, 6.5.1: framing, routing, credentials, content). */
bool http_name_is_forbidden_in_trailers(struct slice name);
