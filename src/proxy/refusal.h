/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A refusal as the client reads it: JSON with a sentence, a code and what would change it, and a
 * Proxy-Status field (RFC 9209). */

#include "base/host_name.h"
#include "http/head.h"
#include "http/request.h"
#include "policy/refusal_code.h"

/* Which of the limits per sandbox, for REFUSAL_LIMIT_EXCEEDED. */
enum refusal_limit_kind {
    REFUSAL_LIMIT_CONNECTIONS,
    REFUSAL_LIMIT_STREAMS,
    REFUSAL_LIMIT_REQUESTS,
    REFUSAL_LIMIT_KINDS,
};

struct refusal_limit {
    enum refusal_limit_kind kind;
    uint32_t retry_after_s; /* 0: hard to tell */
};

struct refusal {
    enum refusal_code code;
    struct refusal_limit limit;
    const struct authority *target; /* NULL: not known */
    struct slice sandbox, secret;   /* empty: left out */
    struct slice detail;  /* what exactly, appended to the sentence; no bytes of a peer's */
    bool hint_names_flag; /* the reader started `sealgate run` */
};

/* The refusal that answers a malformed request. */
enum refusal_code refusal_for_status(int status);
/* Fills an empty head and appends the body. */
MUST_USE enum error refusal_format(const struct refusal *refusal, struct http_head *head,
                                   struct buffer *body);
