/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A host in its one canonical form: a lower-case DNS name (letters, digits and hyphens in labels of
 * 1 to 63, at most 253 in all, one trailing dot removed, IDN as A-labels), or an IP literal in its
 * standard spelling, without brackets. A function that takes a host_name cannot get raw input. */

#include "base/ip_address.h"

enum { HOST_NAME_MAX_LEN = 253 };

struct host_name {
    uint8_t len;
    char text[HOST_NAME_MAX_LEN + 1]; /* NUL-terminated, lower case, no brackets */
    struct ip_address literal;        /* len 0: a DNS name */
};

/* A host and the port that goes with it; port is never 0. */
struct authority {
    struct host_name host;
    uint16_t port;
};

/* An all-numeric last label that is no address in standard spelling ("0x7f.1", "127.1", "1") is
 * refused, as is an underscore, a space, a control or anything outside ASCII. ERR_SYNTAX. */
MUST_USE enum error host_name_parse(struct slice text, struct host_name *out);
/* The same with an IPv6 literal in brackets, as in a URL (RFC 3986, 3.2.2). */
MUST_USE enum error host_name_parse_bracketed(struct slice text, struct host_name *out);
struct slice host_name_view(const struct host_name *host);
bool host_name_equals(const struct host_name *a, const struct host_name *b);
bool host_name_is_literal(const struct host_name *host);
/* "localhost" and all below it: the machine itself, whoever resolves it (RFC 6761, 6.3). */
bool host_name_is_localhost(const struct host_name *host);
/* This machine: 127.0.0.0/8, ::1, "localhost". */
bool host_name_is_loopback(const struct host_name *host);

/* host [":" port], RFC 9110, 7.2: userinfo is refused; `default_port` 0 makes the port mandatory.
 * The port is plain decimal, 1 to 65535. */
MUST_USE enum error authority_parse(struct slice text, uint16_t default_port,
                                    struct authority *out);
bool authority_equals(const struct authority *a, const struct authority *b);
