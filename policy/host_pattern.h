/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One rule of an allowlist: "api.example.com", "*.example.com" (one or more labels, never the
 * apex), "*" (any name), an IP literal; then optionally ":port" or ":*". Without a port: 443 and
 * 80. An address that a client names as a literal matches only the same literal, not "*". */

#include "base/host_name.h"

enum { HOST_PATTERN_MAX_LEN = 2 + HOST_NAME_MAX_LEN + 8 };

enum host_pattern_kind { HOST_PATTERN_EXACT, HOST_PATTERN_SUFFIX, HOST_PATTERN_ANY };

struct host_pattern {
    enum host_pattern_kind kind;
    struct host_name host; /* of a suffix: what follows "*."; empty for ANY */
    uint32_t port;         /* 1 to 65535, or one of the two below */
};

enum { HOST_PATTERN_PORT_ANY = 0x10000, HOST_PATTERN_PORT_WEB = 0x10001 /* 443 and 80 */ };

/* Refuses "*.com" (nothing but one label behind the star), "api.*", an inner star, a star with an
 * IP literal, an IPv6 literal without brackets when a port follows, and what host_name_parse()
 * refuses. ERR_SYNTAX; `*why` (may be NULL) then points to a static sentence for the user. */
MUST_USE enum error host_pattern_parse(struct slice text, struct host_pattern *out,
                                       const char **why);
/* The same for a list of hosts alone: neither a wildcard nor a port. */
MUST_USE enum error host_pattern_parse_host(struct slice text, struct host_pattern *out,
                                            const char **why);
bool host_pattern_matches(const struct host_pattern *pattern, const struct authority *target);
/* Whether a rule's `port` covers the port of a target. */
bool host_pattern_port_matches(uint32_t rule, uint16_t port);
/* Whether some target matches both. */
bool host_pattern_overlaps(const struct host_pattern *a, const struct host_pattern *b);
/* The canonical text, at most HOST_PATTERN_MAX_LEN bytes and a NUL; returns it without the NUL. */
struct slice host_pattern_format(const struct host_pattern *pattern, char *text);
