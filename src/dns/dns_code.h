/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Numbers of the DNS registries, as far as they are used here. */

/* RFC 1035, 4.1.1; BADVERS is an extended one (RFC 6891, 9). */
enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16,
};

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_OPT = 41, DNS_SVCB = 64, DNS_HTTPS = 65 };

enum dns_class { DNS_IN = 1 };

/* Extended errors (RFC 8914, 5.2). Zero, "Other", is never sent: it stands for none. */
enum dns_extended_error {
    DNS_EXTENDED_NONE = 0,
    DNS_EXTENDED_BLOCKED = 15,
    DNS_EXTENDED_FILTERED = 17,
    DNS_EXTENDED_PROHIBITED = 18,
    DNS_EXTENDED_NOT_SUPPORTED = 21,
    DNS_EXTENDED_NO_AUTHORITY = 22,
};

enum {
    DNS_HEADER_LEN = 12,
    DNS_NAME_MAX = 255,      /* in wire form */
    DNS_MESSAGE_MAX = 65535, /* over TCP */
    DNS_QUERY_MAX = 4096,    /* of a query, options included */
    DNS_UDP_MIN = 512,       /* what every client takes */
    DNS_UDP_MAX = 1232,      /* what is never fragmented */
};
