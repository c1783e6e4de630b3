/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* DNS messages in a stream: each behind its length in 16 bits (RFC 1035, 4.2.2). */

#include "base/buffer.h"
#include "dns/dns_code.h"

enum { DNS_FRAME_HEADER_LEN = 2 };

/* The first message of `pending`, without its length. ERR_AGAIN: more has to come. ERR_SYNTAX:
 * shorter than any message is. ERR_TOO_LARGE: over DNS_QUERY_MAX; neither can be recovered from. */
MUST_USE enum error dns_frame_read(struct slice pending, struct slice *message);
/* Appends both, or nothing. ERR_TOO_LARGE: over DNS_MESSAGE_MAX, or no room. */
MUST_USE enum error dns_frame_write(struct slice message, struct buffer *out);
