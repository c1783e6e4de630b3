/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What we say to the proxy of upstream.proxy, and what it answers: CONNECT (RFC 9110, 9.3.6). Bytes
 * in, a verdict out. */

#include "base/host_name.h"
#include "process/dialer/proxy_credentials.h"

enum { PROXY_ANSWER_MAX = 16 * 1024, PROXY_REQUEST_MAX = 4096 };

enum proxy_verdict {
    PROXY_AWAITS_MORE,
    PROXY_CONNECTED,
    PROXY_REFUSED,   /* a status other than 2xx */
    PROXY_MALFORMED, /* no HTTP response, too long, or bytes after its head */
};

struct proxy_answer; /* opaque */

/* NULL when out of memory. */
struct proxy_answer *proxy_answer_new(void);
/* NULL is fine. */
void proxy_answer_free(struct proxy_answer *answer);
DEFINE_OWNED_STRUCT(proxy_answer, proxy_answer_free)

/* What has come next. Whatever follows the head of a 2xx makes it malformed: the target speaks only
 * when it is spoken to, and these bytes could get lost or be taken for its own. With PROXY_REFUSED
 * `*status` is set. Not to be called again after another verdict than PROXY_AWAITS_MORE. */
enum proxy_verdict proxy_answer_feed(struct proxy_answer *answer, struct slice bytes,
                                     uint16_t *status);

/* Appends the request, for a buffer of PROXY_REQUEST_MAX that is wiped afterwards. `credentials`
 * may be NULL. */
MUST_USE enum error proxy_answer_request(const struct authority *target,
                                         const struct proxy_credentials *credentials,
                                         struct buffer *out);
