/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A second look at each head that goes out, at its bytes alone: it shares no code with what wrote
 * them, so a mistake there is noticed here. It asks only what a head of ours can look like, which
 * is much less than what RFC 9112 allows. */

#include "http/request.h"

enum h1_output_kind { H1_OUTPUT_REQUEST, H1_OUTPUT_RESPONSE };

/* OK when `head` is exactly one head, from its first line to the empty one: each line ends in CRLF
 * and has no other control but tab; each field has a token for a name, right before its colon; a
 * request has one Host; the body is announced as `framing` says, once, and in no second way.
 * ERR_SYNTAX otherwise. */
MUST_USE enum error h1_output_check(struct slice head, enum h1_output_kind kind,
                                    struct http_framing framing);
