/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One DNS query, from bytes: a question of class and type, with EDNS or without. */

#include "base/host_name.h"
#include "dns/dns_code.h"

struct dns_query {
    enum dns_rcode rcode; /* NOERROR: usable; else the answer, with nothing more to look at */
    uint16_t id;
    uint8_t opcode;
    bool recursion_desired, checking_disabled;
    uint8_t name[DNS_NAME_MAX]; /* in wire form and in the case it was asked: that is echoed */
    uint8_t name_len;           /* 0: no question is echoed */
    uint16_t type, class;
    bool is_host; /* `name` is that of a host, `host`; an address in its place is none */
    struct host_name host;
    bool has_edns, dnssec_ok;
    uint16_t udp_size; /* what the client says it takes, when it has EDNS */
};

/* ERR_SYNTAX: shorter than a header, or a response; that is never answered. Otherwise OK, and
 * `rcode` says what is wrong. FORMERR: not exactly one question, a compressed name, a name over 255
 * bytes, records other than one OPT, options that do not add up, bytes left over. NOTIMP: another
 * opcode. BADVERS: another version of EDNS. */
MUST_USE enum error dns_query_parse(struct slice message, struct dns_query *out);

/* Its labels with dots between, whatever bytes are in them: for the records alone. */
struct slice dns_query_format_name(const struct dns_query *query, char text[DNS_NAME_MAX]);

/* How long an answer over UDP may be: 512, or what the client takes, up to DNS_UDP_MAX. */
size_t dns_query_udp_limit(const struct dns_query *query);
