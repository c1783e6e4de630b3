/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses are public. Never judges by spelling: bytes only. */
#include "policy/address_guard.h"

struct range {
    struct ip_network network;
    enum address_class class;
};

/* clang-format off */
#define IPV4(a, b, c, d, len) {{4, {a, b, c, d}}, len}
/* The first six bytes of an address whose others are 0. */
#define IPV6(a, b, c, d, e, f, len) {{16, {a, b, c, d, e, f}}, len}

/* The first range that contains an address counts; outside of all of them it is public. */
static const struct range ipv4_ranges[] = {
    {IPV4(0, 0, 0, 0, 8), ADDRESS_FORBIDDEN},      /* "this network": on Linux, this host */
    {IPV4(10, 0, 0, 0, 8), ADDRESS_PRIVATE},       /* private use, RFC 1918 */
    {IPV4(100, 64, 0, 0, 10), ADDRESS_PRIVATE},    /* carrier-grade NAT, RFC 6598 */
    {IPV4(127, 0, 0, 0, 8), ADDRESS_PRIVATE},      /* loopback */
    {IPV4(168, 63, 129, 16, 32), ADDRESS_PRIVATE}, /* Azure's own, seen by its machines alone */
    {IPV4(169, 254, 0, 0, 16), ADDRESS_PRIVATE},   /* link-local; cloud metadata */
    {IPV4(172, 16, 0, 0, 12), ADDRESS_PRIVATE},    /* private use */
    {IPV4(192, 0, 0, 0, 24), ADDRESS_PRIVATE},     /* IETF protocols; our own NAT */
    {IPV4(192, 0, 2, 0, 24), ADDRESS_PRIVATE},     /* documentation, TEST-NET-1 */
    {IPV4(192, 88, 99, 0, 24), ADDRESS_PRIVATE},   /* 6to4 relay anycast, withdrawn */
    {IPV4(192, 168, 0, 0, 16), ADDRESS_PRIVATE},   /* private use */
    {IPV4(198, 18, 0, 0, 15), ADDRESS_PRIVATE},    /* benchmarking */
    {IPV4(198, 51, 100, 0, 24), ADDRESS_PRIVATE},  /* documentation, TEST-NET-2 */
    {IPV4(203, 0, 113, 0, 24), ADDRESS_PRIVATE},   /* documentation, TEST-NET-3 */
    {IPV4(224, 0, 0, 0, 3), ADDRESS_FORBIDDEN},    /* multicast, reserved, broadcast */
};

static const struct range ipv6_ranges[] = {
    {{{16, {[15] = 1}}, 128}, ADDRESS_PRIVATE},                      /* ::1, loopback */
    {IPV6(0, 0, 0, 0, 0, 0, 96), ADDRESS_FORBIDDEN},                 /* ::, IPv4-compatible */
    {IPV6(0x00, 0x64, 0xff, 0x9b, 0x00, 0x01, 48), ADDRESS_PRIVATE}, /* NAT64 of a network's own */
    {IPV6(0x01, 0x00, 0, 0, 0, 0, 64), ADDRESS_PRIVATE},             /* discard only */
    {IPV6(0x5f, 0x00, 0, 0, 0, 0, 16), ADDRESS_PRIVATE},             /* segment routing */
    {IPV6(0xfc, 0x00, 0, 0, 0, 0, 7), ADDRESS_PRIVATE},              /* unique local */
    {IPV6(0xfe, 0x80, 0, 0, 0, 0, 10), ADDRESS_PRIVATE},             /* link-local */
    {IPV6(0xfe, 0xc0, 0, 0, 0, 0, 10), ADDRESS_PRIVATE},             /* site-local */
    {IPV6(0x20, 0x01, 0x00, 0x04, 0x01, 0x12, 48), ADDRESS_PUBLIC},  /* AS112 */
    {IPV6(0x20, 0x01, 0x00, 0x00, 0, 0, 23), ADDRESS_PRIVATE},       /* IETF protocols, Teredo */
    {IPV6(0x20, 0x01, 0x0d, 0xb8, 0, 0, 32), ADDRESS_PRIVATE},       /* documentation */
    {IPV6(0x3f, 0xff, 0x00, 0x00, 0, 0, 20), ADDRESS_PRIVATE},       /* documentation, RFC 9637 */
    {IPV6(0x20, 0x00, 0, 0, 0, 0, 3), ADDRESS_PUBLIC},               /* global unicast */
    {IPV6(0, 0, 0, 0, 0, 0, 0), ADDRESS_FORBIDDEN},                  /* multicast, unassigned */
};

/* IPv6 addresses that count as the IPv4 address they wrap, and where in them it stands. */
static const struct {
    struct ip_network network;
    size_t at;
} wrappings[] = {
    {{{16, {[10] = 0xff, [11] = 0xff}}, 96}, 12},                       /* mapped */
    {{{16, {[1] = 0x64, [2] = 0xff, [3] = 0x9b}}, 96}, 12},             /* NAT64 */
    {{{16, {0x20, 0x02}}, 16}, 2},                                      /* 6to4 */
};
/* clang-format on */

static bool unwrap(const struct ip_address *address, struct ip_address *out)
{
    for (size_t i = 0; i < ARRAY_LEN(wrappings); i++) {
        if (!ip_network_contains(&wrappings[i].network, address))
            continue;
        *out = (struct ip_address){.len = 4};
        memcpy(out->bytes, address->bytes + wrappings[i].at, 4);
        return true;
    }
    return false;
}

static enum address_class class_in(const struct range *ranges, size_t count,
                                   const struct ip_address *address, enum address_class otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (ip_network_contains(&ranges[i].network, address))
            return ranges[i].class;
    return otherwise;
}

enum address_class address_guard_classify(const struct ip_address *address)
{
    struct ip_address inner;

    if (address->len == 4)
        return class_in(ipv4_ranges, ARRAY_LEN(ipv4_ranges), address, ADDRESS_PUBLIC);
    if (unwrap(address, &inner))
        return address_guard_classify(&inner);
    return class_in(ipv6_ranges, ARRAY_LEN(ipv6_ranges), address, ADDRESS_FORBIDDEN);
}

/* clang-format off */
static const struct ip_network internal_networks[] = {
    IPV4(10, 0, 0, 0, 8),
    IPV4(100, 64, 0, 0, 10),
    IPV4(172, 16, 0, 0, 12),
    IPV4(192, 168, 0, 0, 16),
    IPV6(0xfc, 0x00, 0, 0, 0, 0, 7),
};
/* Whoever reaches one of these can become the machine: credentials are handed out there. */
static const struct ip_network metadata_networks[] = {
    IPV4(100, 100, 100, 200, 32),
    IPV6(0xfd, 0x00, 0x0e, 0xc2, 0, 0, 32),
    IPV6(0xfd, 0x20, 0x00, 0xce, 0, 0, 32),
};
/* clang-format on */

static bool is_in(const struct ip_address *address, const struct ip_network *networks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ip_network_contains(&networks[i], address))
            return true;
    return false;
}

bool address_guard_is_internal(const struct ip_address *address)
{
    return is_in(address, internal_networks, ARRAY_LEN(internal_networks)) &&
           !is_in(address, metadata_networks, ARRAY_LEN(metadata_networks));
}

bool address_guard_permits(const struct ip_address *address, const struct ip_network *exempt,
                           size_t exempt_count)
{
    struct ip_address inner;

    switch (address_guard_classify(address)) {
    case ADDRESS_FORBIDDEN:
        return false;
    case ADDRESS_PUBLIC:
        return true;
    case ADDRESS_PRIVATE:
        return is_in(address, exempt, exempt_count) ||
               (unwrap(address, &inner) && is_in(&inner, exempt, exempt_count));
    }
    return false;
}
