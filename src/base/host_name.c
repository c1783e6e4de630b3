/* SPDX-License-Identifier: Apache-2.0 */
/* The one canonical form of a host. Never accepts two spellings of one host that differ after it.
 */
#include "base/host_name.h"

enum { LABEL_MAX_LEN = 63 };

static bool label_is_valid(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX_LEN)
        return false;
    if (label.data[0] == '-' || label.data[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!ascii_is_alpha(label.data[i]) && !ascii_is_digit(label.data[i]) &&
            label.data[i] != '-')
            return false;
    return true;
}

/* What inet_aton() and URL parsers would take for a number: decimal, octal or 0x hexadecimal. */
static bool label_is_numeric(struct slice label)
{
    if (slice_starts_with_nocase(label, SLICE("0x")))
        return true;
    for (size_t i = 0; i < label.len; i++)
        if (!ascii_is_digit(label.data[i]))
            return false;
    return true;
}

static bool labels_are_valid(struct slice name)
{
    struct slice rest = name, label = SLICE_NONE;

    if (name.data[name.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        label = slice_split(&rest, '.');
        if (!label_is_valid(label))
            return false;
    }
    return !label_is_numeric(label);
}

static void store_lower_case(struct host_name *host, struct slice text)
{
    host->len = (uint8_t)text.len;
    for (size_t i = 0; i < text.len; i++)
        host->text[i] = ascii_lower(text.data[i]);
    host->text[text.len] = '\0';
}

enum error host_name_parse(struct slice text, struct host_name *out)
{
    struct host_name host = {0};

    if (ip_address_parse(text, &host.literal) == OK) {
        store_lower_case(&host, text);
        *out = host;
        return OK;
    }
    if (text.len > 0 && text.data[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > HOST_NAME_MAX_LEN || !labels_are_valid(text))
        return ERR_SYNTAX;
    store_lower_case(&host, text);
    *out = host;
    return OK;
}

enum error host_name_parse_bracketed(struct slice text, struct host_name *out)
{
    struct host_name host;
    bool bracketed = text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';

    TRY(host_name_parse(bracketed ? slice_take(slice_skip(text, 1), text.len - 2) : text, &host));
    if (bracketed != (host.literal.len == 16))
        return ERR_SYNTAX;
    *out = host;
    return OK;
}

struct slice host_name_view(const struct host_name *host)
{
    return slice_of(host->text, host->len);
}

bool host_name_equals(const struct host_name *a, const struct host_name *b)
{
    return slice_equals(host_name_view(a), host_name_view(b));
}

bool host_name_is_literal(const struct host_name *host)
{
    return host->literal.len != 0;
}

bool host_name_is_localhost(const struct host_name *host)
{
    static const struct slice suffix = SLICE_INIT(".localhost");
    struct slice name = host_name_view(host);

    return slice_equals(name, SLICE("localhost")) ||
           (name.len > suffix.len && slice_equals(slice_skip(name, name.len - suffix.len), suffix));
}

bool host_name_is_loopback(const struct host_name *host)
{
    static const uint8_t ipv6_loopback[16] = {[15] = 1};

    if (host->literal.len == 4)
        return host->literal.bytes[0] == 127;
    if (host->literal.len == 16)
        return memcmp(host->literal.bytes, ipv6_loopback, sizeof(ipv6_loopback)) == 0;
    return slice_equals(host_name_view(host), SLICE("localhost"));
}

/* The length of the host part: up to the colon that follows it, brackets counted. */
static size_t host_part_len(struct slice text)
{
    if (text.len > 0 && text.data[0] == '[') {
        size_t end = slice_find(text, ']');
        return end < text.len ? end + 1 : text.len;
    }
    return slice_find(text, ':');
}

enum error authority_parse(struct slice text, uint16_t default_port, struct authority *out)
{
    size_t host_len = host_part_len(text);
    struct slice port = slice_skip(text, host_len);
    struct authority authority;
    uint64_t number = default_port;

    TRY(host_name_parse_bracketed(slice_take(text, host_len), &authority.host));
    if (port.len > 0 && (port.data[0] != ':' || !slice_parse_u64(slice_skip(port, 1), &number)))
        return ERR_SYNTAX;
    if (number == 0 || number > UINT16_MAX)
        return ERR_SYNTAX;
    authority.port = (uint16_t)number;
    *out = authority;
    return OK;
}

bool authority_equals(const struct authority *a, const struct authority *b)
{
    return a->port == b->port && host_name_equals(&a->host, &b->host);
}
