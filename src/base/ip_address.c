/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and their one standard spelling. Never resolves a name. */
#include "base/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static char *put_decimal(char *at, unsigned byte)
{
    if (byte >= 100)
        *at++ = (char)('0' + byte / 100);
    if (byte >= 10)
        *at++ = (char)('0' + byte / 10 % 10);
    *at++ = (char)('0' + byte % 10);
    return at;
}

/* Two of them are written for each request, and inet_ntop() uses sprintf(). */
static struct slice format_ipv4(const uint8_t *bytes, char *text)
{
    char *at = text;

    for (size_t i = 0; i < 4; i++) {
        at = put_decimal(at, bytes[i]);
        *at++ = '.';
    }
    *--at = '\0';
    return slice_of(text, (size_t)(at - text));
}

struct slice ip_address_format(const struct ip_address *address, char *text)
{
    if (address->len == 4)
        return format_ipv4(address->bytes, text);
    if (inet_ntop(AF_INET6, address->bytes, text, IP_ADDRESS_TEXT_MAX) == NULL)
        text[0] = '\0';
    return slice_from_string(text);
}

bool ip_address_equals(const struct ip_address *a, const struct ip_address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* inet_pton() takes more spellings than the standard one: what does not print back is refused. */
enum error ip_address_parse(struct slice text, struct ip_address *out)
{
    char copy[IP_ADDRESS_TEXT_MAX], printed[IP_ADDRESS_TEXT_MAX];
    struct ip_address address = {0};

    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len) != NULL)
        return ERR_SYNTAX;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';

    bool is_ipv6 = memchr(copy, ':', text.len) != NULL;
    if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, copy, address.bytes) != 1)
        return ERR_SYNTAX;
    address.len = is_ipv6 ? 16 : 4;
    if (!slice_equals(ip_address_format(&address, printed), text))
        return ERR_SYNTAX;
    *out = address;
    return OK;
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, size_t bits)
{
    size_t whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool ip_network_contains(const struct ip_network *network, const struct ip_address *address)
{
    return network->address.len == address->len &&
           bits_equal(network->address.bytes, address->bytes, network->prefix_len);
}

static bool host_bits_are_zero(const struct ip_network *network)
{
    for (size_t bit = network->prefix_len; bit < network->address.len * 8U; bit++)
        if (network->address.bytes[bit / 8] & (0x80U >> bit % 8))
            return false;
    return true;
}

enum error ip_network_parse(struct slice text, struct ip_network *out)
{
    struct slice prefix = text;
    struct slice address = slice_split(&prefix, '/');
    struct ip_network network;
    uint64_t bits;

    TRY(ip_address_parse(address, &network.address));
    bits = network.address.len * 8U;
    if (address.len < text.len &&
        (!slice_parse_u64(prefix, &bits) || bits > network.address.len * 8U))
        return ERR_SYNTAX;
    network.prefix_len = (uint8_t)bits;
    if (!host_bits_are_zero(&network))
        return ERR_SYNTAX;
    *out = network;
    return OK;
}

/* Splits "[::1]:80" and "1.2.3.4:80" into address and port texts. */
static bool split_port(struct slice text, struct slice *address, struct slice *port)
{
    bool bracketed = text.len > 0 && text.data[0] == '[';
    struct slice rest = bracketed ? slice_skip(text, 1) : text;

    *address = slice_split(&rest, bracketed ? ']' : ':');
    if (bracketed) {
        if (rest.len == 0 || rest.data[0] != ':')
            return false;
        rest = slice_skip(rest, 1);
    }
    *port = rest;
    return bracketed == (memchr(address->data, ':', address->len) != NULL);
}

enum error ip_endpoint_parse(struct slice text, struct ip_endpoint *out)
{
    struct slice address, port;
    struct ip_endpoint endpoint;
    uint64_t number;

    if (text.len == 0 || !split_port(text, &address, &port))
        return ERR_SYNTAX;
    TRY(ip_address_parse(address, &endpoint.address));
    if (!slice_parse_u64(port, &number) || number > UINT16_MAX)
        return ERR_SYNTAX;
    endpoint.port = (uint16_t)number;
    *out = endpoint;
    return OK;
}

bool ip_endpoint_from_sockaddr(const struct sockaddr *from, struct ip_endpoint *out)
{
    *out = (struct ip_endpoint){0};
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof(in));
        out->address.len = 4;
        memcpy(out->address.bytes, &in.sin_addr, 4);
        out->port = ntohs(in.sin_port);
        return true;
    }
    if (from->sa_family != AF_INET6)
        return false;

    struct sockaddr_in6 in6;
    memcpy(&in6, from, sizeof(in6));
    bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
    out->address.len = mapped ? 4 : 16;
    memcpy(out->address.bytes, in6.sin6_addr.s6_addr + (mapped ? 12 : 0), out->address.len);
    out->port = ntohs(in6.sin6_port);
    return true;
}

socklen_t ip_endpoint_to_sockaddr(const struct ip_endpoint *endpoint, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (endpoint->address.len == 4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        memcpy(&in.sin_addr, endpoint->address.bytes, 4);
        memcpy(out, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    memcpy(&in6.sin6_addr, endpoint->address.bytes, 16);
    memcpy(out, &in6, sizeof(in6));
    return sizeof(in6);
}
