/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The answer to one DNS query, to bytes. */

#include "base/buffer.h"
#include "dns/dns_query.h"

enum { DNS_EXTENDED_TEXT_MAX = 128 };

struct dns_answer {
    enum dns_rcode rcode;
    const struct ip_address *addresses; /* borrowed; those of the type that was asked for count */
    size_t address_count;
    uint32_t ttl_s;                   /* of each */
    enum dns_extended_error extended; /* told to clients that have EDNS */
    struct slice text;                /* to it, for a person; the first DNS_EXTENDED_TEXT_MAX */
};

/* Appends it. Longer than `limit` (at least DNS_UDP_MIN): without any record and marked as
 * truncated, so that the client asks again over TCP. Any query that dns_query_parse() filled can be
 * answered. */
MUST_USE enum error dns_answer_write(const struct dns_query *query, const struct dns_answer *answer,
                                     size_t limit, struct buffer *out);
