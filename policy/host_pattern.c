/* SPDX-License-Identifier: Apache-2.0 */
/* One rule of an allowlist: parsed once into its canonical form, then only compared. Never matches
 * an IP address with anything but the same literal. */
#include "policy/host_pattern.h"

#include <stdio.h>

static const char why_empty[] = "A host pattern must not be empty.";
static const char why_long[] = "A host name has at most 253 characters.";
static const char why_url[] =
    "Give the host alone, without a scheme, a path or a user name: api.example.com, not "
    "https://api.example.com/v1.";
static const char why_space[] = "A host pattern contains no spaces and no control characters.";
static const char why_not_ascii[] =
    "A host pattern is ASCII; write an international name as A-labels (xn--...).";
static const char why_port[] =
    "A port is a number from 1 to 65535 without leading zeros, or \"*\".";
static const char why_brackets[] =
    "Only an IPv6 address stands in brackets, and it needs them when a port follows: [::1]:443.";
static const char why_star[] = "The only wildcard is \"*.\" in front of a name, or \"*\" alone.";
static const char why_star_top[] =
    "A wildcard needs at least two labels behind it: \"*.example.com\", not \"*.com\".";
static const char why_star_literal[] = "A wildcard cannot stand in front of an IP address.";
static const char why_not_one[] =
    "Name one host: no wildcard and no port here; the egress allowlist says which ports.";
static const char why_host[] =
    "Not a host name (letters, digits and hyphens in labels of 1 to 63 characters, separated by "
    "dots), nor an IP address in its standard spelling.";

static enum error refuse(const char **why, const char *sentence)
{
    if (why != NULL)
        *why = sentence;
    return ERR_SYNTAX;
}

/* The mistakes that are worth a sentence of their own; NULL when the characters look like a host.
 */
static const char *bad_characters(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c <= ' ' || c == 0x7f)
            return why_space;
        if (c > 0x7f)
            return why_not_ascii;
        if (c == '/' || c == '@' || c == '?' || c == '#')
            return why_url;
    }
    return NULL;
}

static bool has_two_colons(struct slice text)
{
    struct slice rest = slice_skip(text, slice_find(text, ':') + 1);

    return slice_find(rest, ':') < rest.len;
}

/* The length of the host part. Two colons without brackets are an IPv6 address without a port. */
static size_t host_part_len(struct slice text)
{
    if (text.data[0] == '[') {
        size_t end = slice_find(text, ']');
        return end < text.len ? end + 1 : text.len;
    }
    return has_two_colons(text) ? text.len : slice_find(text, ':');
}

/* What follows the host: nothing, ":*", or ":" and a number. */
static bool parse_port(struct slice text, uint32_t *out)
{
    uint64_t number;

    if (text.len == 0) {
        *out = HOST_PATTERN_PORT_WEB;
        return true;
    }
    if (slice_equals(text, SLICE(":*"))) {
        *out = HOST_PATTERN_PORT_ANY;
        return true;
    }
    if (text.data[0] != ':' || !slice_parse_u64(slice_skip(text, 1), &number) || number == 0 ||
        number > UINT16_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

static enum error parse_suffix(struct slice name, struct host_pattern *out, const char **why)
{
    if (slice_find(name, '*') < name.len)
        return refuse(why, why_star);
    if (host_name_parse_bracketed(name, &out->host) != OK)
        return refuse(why, why_host);
    if (host_name_is_literal(&out->host))
        return refuse(why, why_star_literal);
    if (slice_find(host_name_view(&out->host), '.') == out->host.len)
        return refuse(why, why_star_top);
    out->kind = HOST_PATTERN_SUFFIX;
    return OK;
}

static enum error parse_exact(struct slice host, struct host_pattern *out, const char **why)
{
    bool bracketed = host.data[0] == '[';

    out->kind = HOST_PATTERN_EXACT;
    if (bracketed || slice_find(host, ':') == host.len) {
        if (host_name_parse_bracketed(host, &out->host) != OK)
            return refuse(why, bracketed ? why_brackets : why_host);
        return OK;
    }
    /* An IPv6 address without brackets, and so without a port. */
    return host_name_parse(host, &out->host) == OK ? OK : refuse(why, why_brackets);
}

static enum error parse_host(struct slice host, struct host_pattern *out, const char **why)
{
    if (host.len == 0)
        return refuse(why, why_host);
    if (slice_equals(host, SLICE("*"))) {
        out->kind = HOST_PATTERN_ANY;
        return OK;
    }
    if (slice_starts_with(host, SLICE("*.")))
        return parse_suffix(slice_skip(host, 2), out, why);
    if (slice_find(host, '*') < host.len)
        return refuse(why, why_star);
    return parse_exact(host, out, why);
}

enum error host_pattern_parse(struct slice text, struct host_pattern *out, const char **why)
{
    struct host_pattern pattern = {0};
    const char *mistake = NULL;

    if (text.len == 0)
        return refuse(why, why_empty);
    if (text.len > HOST_PATTERN_MAX_LEN)
        return refuse(why, why_long);
    mistake = bad_characters(text);
    if (mistake != NULL)
        return refuse(why, mistake);

    size_t host_len = host_part_len(text);
    if (!parse_port(slice_skip(text, host_len), &pattern.port))
        return refuse(why,
                      text.data[0] == '[' && text.data[host_len] != ':' ? why_brackets : why_port);
    TRY(parse_host(slice_take(text, host_len), &pattern, why));
    *out = pattern;
    return OK;
}

enum error host_pattern_parse_host(struct slice text, struct host_pattern *out, const char **why)
{
    struct host_pattern pattern;

    TRY(host_pattern_parse(text, &pattern, why));
    if (pattern.kind != HOST_PATTERN_EXACT || pattern.port != HOST_PATTERN_PORT_WEB)
        return refuse(why, why_not_one);
    *out = pattern;
    return OK;
}

bool host_pattern_port_matches(uint32_t rule, uint16_t port)
{
    if (rule == HOST_PATTERN_PORT_WEB)
        return port == 443 || port == 80;
    return rule == HOST_PATTERN_PORT_ANY || rule == port;
}

static bool is_below(const struct host_name *host, const struct host_name *apex)
{
    return !host_name_is_literal(host) && host->len > apex->len + 1 &&
           host->text[host->len - apex->len - 1] == '.' &&
           memcmp(host->text + host->len - apex->len, apex->text, apex->len) == 0;
}

bool host_pattern_matches(const struct host_pattern *pattern, const struct authority *target)
{
    if (!host_pattern_port_matches(pattern->port, target->port))
        return false;
    switch (pattern->kind) {
    case HOST_PATTERN_EXACT:
        return host_name_equals(&pattern->host, &target->host);
    case HOST_PATTERN_SUFFIX:
        return is_below(&target->host, &pattern->host);
    case HOST_PATTERN_ANY:
        return !host_name_is_literal(&target->host);
    }
    return false;
}

/* Whether `outer` matches every host that `inner` does. */
static bool covers_hosts(const struct host_pattern *outer, const struct host_pattern *inner)
{
    switch (outer->kind) {
    case HOST_PATTERN_EXACT:
        return inner->kind == HOST_PATTERN_EXACT && host_name_equals(&outer->host, &inner->host);
    case HOST_PATTERN_SUFFIX:
        return inner->kind != HOST_PATTERN_ANY && (is_below(&inner->host, &outer->host) ||
                                                   (inner->kind == HOST_PATTERN_SUFFIX &&
                                                    host_name_equals(&inner->host, &outer->host)));
    case HOST_PATTERN_ANY:
        return !host_name_is_literal(&inner->host);
    }
    return false;
}

static bool ports_overlap(uint32_t a, uint32_t b)
{
    if (a == b || a == HOST_PATTERN_PORT_ANY || b == HOST_PATTERN_PORT_ANY)
        return true;
    if (a == HOST_PATTERN_PORT_WEB)
        return host_pattern_port_matches(a, (uint16_t)b);
    return b == HOST_PATTERN_PORT_WEB && host_pattern_port_matches(b, (uint16_t)a);
}

/* Two sets of hosts have none in common, or one of them lies within the other. */
bool host_pattern_overlaps(const struct host_pattern *a, const struct host_pattern *b)
{
    return ports_overlap(a->port, b->port) && (covers_hosts(a, b) || covers_hosts(b, a));
}

static const char *format_port(uint32_t port, char text[8])
{
    if (port == HOST_PATTERN_PORT_WEB)
        return "";
    if (port == HOST_PATTERN_PORT_ANY)
        return ":*";
    snprintf(text, 8, ":%u", (unsigned)(port & UINT16_MAX));
    return text;
}

struct slice host_pattern_format(const struct host_pattern *pattern, char *text)
{
    static const char *const before[] = {"", "*.", "*"};
    char port_text[8];
    const char *port = format_port(pattern->port, port_text);
    bool brackets = pattern->host.literal.len == 16 && port[0] != '\0';

    snprintf(text, HOST_PATTERN_MAX_LEN + 1, "%s%s%s%s%s", before[pattern->kind],
             brackets ? "[" : "", pattern->host.text, brackets ? "]" : "", port);
    return slice_from_string(text);
}
