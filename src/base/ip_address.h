/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IPv4 and IPv6 addresses as values. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

#include <sys/socket.h>

enum { IP_ADDRESS_TEXT_MAX = 46 };

struct ip_address {
    uint8_t len; /* 4 or 16; 0: none */
    uint8_t bytes[16];
};

struct ip_network {
    struct ip_address address;
    uint8_t prefix_len; /* in bits */
};

struct ip_endpoint {
    struct ip_address address;
    uint16_t port;
};

/* Only the one standard spelling (RFC 5952 for IPv6, four decimal numbers without leading zeros for
 * IPv4; no brackets, no zone): what prints back the same. ERR_SYNTAX otherwise. */
MUST_USE enum error ip_address_parse(struct slice text, struct ip_address *out);
/* Writes at most IP_ADDRESS_TEXT_MAX bytes with the NUL and returns the text without it. */
struct slice ip_address_format(const struct ip_address *address, char *text);
bool ip_address_equals(const struct ip_address *a, const struct ip_address *b);

/* "10.0.0.0/8", or an address alone. Host bits must be 0. */
MUST_USE enum error ip_network_parse(struct slice text, struct ip_network *out);
bool ip_network_contains(const struct ip_network *network, const struct ip_address *address);

/* "127.0.0.1:3128", "[::1]:3128". */
MUST_USE enum error ip_endpoint_parse(struct slice text, struct ip_endpoint *out);
/* False for a family other than AF_INET and AF_INET6. A mapped IPv4 address becomes IPv4. */
bool ip_endpoint_from_sockaddr(const struct sockaddr *from, struct ip_endpoint *out);
socklen_t ip_endpoint_to_sockaddr(const struct ip_endpoint *endpoint, struct sockaddr_storage *out);
