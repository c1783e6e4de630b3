/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses may be dialled: the first and the last of each special range, and the public ones
 * next to it. */
#include "policy/address_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FORBIDDEN = ADDRESS_FORBIDDEN, PRIVATE = ADDRESS_PRIVATE, PUBLIC = ADDRESS_PUBLIC };

static const struct {
    const char *address;
    int class;
} cases[] = {
    {"0.0.0.0", FORBIDDEN},
    {"0.255.255.255", FORBIDDEN},
    {"1.0.0.0", PUBLIC},
    {"8.8.8.8", PUBLIC},
    {"9.255.255.255", PUBLIC},
    {"10.0.0.0", PRIVATE},
    {"10.255.255.255", PRIVATE},
    {"11.0.0.0", PUBLIC},
    {"100.63.255.255", PUBLIC},
    {"100.64.0.0", PRIVATE},
    {"100.127.255.255", PRIVATE},
    {"100.128.0.0", PUBLIC},
    {"126.255.255.255", PUBLIC},
    {"127.0.0.1", PRIVATE},
    {"127.255.255.255", PRIVATE},
    {"128.0.0.0", PUBLIC},
    {"168.63.129.15", PUBLIC},
    {"168.63.129.16", PRIVATE}, /* certificates and settings of a machine at Azure */
    {"168.63.129.17", PUBLIC},
    {"169.253.255.255", PUBLIC},
    {"169.254.169.254", PRIVATE}, /* cloud metadata */
    {"169.255.0.0", PUBLIC},
    {"172.15.255.255", PUBLIC},
    {"172.16.0.0", PRIVATE},
    {"172.31.255.255", PRIVATE},
    {"172.32.0.0", PUBLIC},
    {"192.0.0.0", PRIVATE},
    {"192.0.0.9", PRIVATE},   /* an anycast that ends at our own gateway */
    {"192.0.0.170", PRIVATE}, /* NAT64 discovery */
    {"192.0.0.255", PRIVATE},
    {"192.0.1.0", PUBLIC},
    {"192.0.2.1", PRIVATE}, /* documentation */
    {"192.0.3.0", PUBLIC},
    {"192.31.196.1", PUBLIC}, /* AS112: globally reachable */
    {"192.52.193.1", PUBLIC}, /* AMT: globally reachable */
    {"192.88.98.255", PUBLIC},
    {"192.88.99.1", PRIVATE}, /* 6to4 relays */
    {"192.88.100.0", PUBLIC},
    {"192.167.255.255", PUBLIC},
    {"192.168.0.0", PRIVATE},
    {"192.168.255.255", PRIVATE},
    {"192.169.0.0", PUBLIC},
    {"192.175.48.1", PUBLIC}, /* AS112 */
    {"198.17.255.255", PUBLIC},
    {"198.18.0.0", PRIVATE}, /* benchmarking */
    {"198.19.255.255", PRIVATE},
    {"198.20.0.0", PUBLIC},
    {"198.51.100.7", PRIVATE}, /* documentation */
    {"203.0.113.7", PRIVATE},  /* documentation */
    {"203.0.114.0", PUBLIC},
    {"223.255.255.255", PUBLIC},
    {"224.0.0.1", FORBIDDEN}, /* multicast */
    {"239.255.255.255", FORBIDDEN},
    {"240.0.0.1", FORBIDDEN}, /* reserved */
    {"255.255.255.255", FORBIDDEN},

    {"::", FORBIDDEN},
    {"::1", PRIVATE},
    {"::2", FORBIDDEN},
    {"::8.8.8.8", FORBIDDEN}, /* IPv4-compatible */
    {"::127.0.0.1", FORBIDDEN},
    {"::ffff:8.8.8.8", PUBLIC}, /* mapped counts as IPv4 */
    {"::ffff:127.0.0.1", PRIVATE},
    {"::ffff:169.254.169.254", PRIVATE},
    {"::ffff:0.0.0.0", FORBIDDEN},
    {"::ffff:224.0.0.1", FORBIDDEN},
    {"::ffff:255.255.255.255", FORBIDDEN},
    {"::fffe:ffff:ffff", FORBIDDEN}, /* next to mapped */
    {"::1:0:0:0", FORBIDDEN},
    {"::ffff:0:808:808", FORBIDDEN}, /* IPv4-translated */
    {"64:ff9b::808:808", PUBLIC},    /* NAT64 counts as IPv4 */
    {"64:ff9b::a00:1", PRIVATE},
    {"64:ff9b::7f00:1", PRIVATE},
    {"64:ff9b::a9fe:a9fe", PRIVATE},   /* cloud metadata through NAT64 */
    {"64:ff9b::1:808:808", FORBIDDEN}, /* longer than its /96 */
    {"64:ff9b::e000:1", FORBIDDEN},
    {"64:ff9b:1::808:808", PRIVATE}, /* NAT64 of a network's own */
    {"64:ff9b:2::1", FORBIDDEN},
    {"64:ff9b:1:ffff::1", PRIVATE},
    {"100::1", PRIVATE},
    {"100::ffff:ffff:ffff:ffff", PRIVATE},
    {"100:0:0:1::1", FORBIDDEN},
    {"1fff:ffff::1", FORBIDDEN},
    {"2000::1", PUBLIC},
    {"2001::1", PRIVATE},                              /* Teredo */
    {"2001:0:4136:e378:8000:63bf:f7f7:f7f7", PRIVATE}, /* Teredo around 8.8.8.8 */
    {"2001::a00:1", PRIVATE},                          /* Teredo by a server of ours */
    {"2001:1::1", PRIVATE},                            /* anycast that ends at our own gateway */
    {"2001:2::1", PRIVATE},                            /* benchmarking */
    {"2001:3::1", PRIVATE},                            /* AMT */
    {"2001:4:111:ffff::1", PRIVATE},
    {"2001:4:112::1", PUBLIC}, /* AS112 */
    {"2001:20::1", PRIVATE},   /* identifiers, not addresses */
    {"2001:10::1", PRIVATE},   /* identifiers, deprecated */
    {"2001:30::1", PRIVATE},   /* identifiers of aircraft */
    {"2001:1ff:ffff::1", PRIVATE},
    {"2001:200::1", PUBLIC},
    {"2001:4860:4860::8888", PUBLIC},
    {"2001:db7:ffff::1", PUBLIC},
    {"2001:db8::1", PRIVATE},
    {"2001:db8:ffff::1", PRIVATE},
    {"2001:db9::1", PUBLIC},
    {"2002:808:808::1", PUBLIC}, /* 6to4 counts as IPv4 */
    {"2002:a00:1::1", PRIVATE},
    {"2002:7f00:1::1", PRIVATE},
    {"2002:a9fe:a9fe::1", PRIVATE},
    {"2002:c0a8:101::1", PRIVATE},
    {"2002:e000:1::1", FORBIDDEN},
    {"2002:ffff:ffff::1", FORBIDDEN},
    {"2002:c000:201::1", PRIVATE}, /* documentation, in 6to4 */
    {"2002::1", FORBIDDEN},
    {"2003::1", PUBLIC},
    {"2620:4f:8000::1", PUBLIC}, /* AS112 */
    {"2606:4700::1111", PUBLIC},
    {"3ffe:ffff::1", PUBLIC},
    {"3fff::1", PRIVATE}, /* documentation */
    {"3fff:fff::1", PRIVATE},
    {"3fff:1000::1", PUBLIC},
    {"4000::1", FORBIDDEN},
    {"5eff::1", FORBIDDEN},
    {"5f00::1", PRIVATE},
    {"5f01::1", FORBIDDEN},
    {"fbff::1", FORBIDDEN},
    {"fc00::1", PRIVATE},
    {"fdff:ffff::1", PRIVATE},
    {"fe00::1", FORBIDDEN},
    {"fe80::1", PRIVATE},
    {"fe80::5efe:808:808", PRIVATE}, /* ISATAP */
    {"febf::1", PRIVATE},
    {"fec0::1", PRIVATE},
    {"feff::1", PRIVATE},
    {"ff02::1", FORBIDDEN},
    {"ffff:ffff::1", FORBIDDEN},
};

static struct ip_address address_of(const char *text)
{
    struct ip_address address;

    if (ip_address_parse(slice_from_string(text), &address) != OK)
        fail_msg("\"%s\" is no address", text);
    return address;
}

static void every_special_range_is_told_from_public_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ip_address address = address_of(cases[i].address);
        if ((int)address_guard_classify(&address) != cases[i].class)
            fail_msg("%s is in class %d", cases[i].address, address_guard_classify(&address));
    }
}

static void without_exemptions_only_public_addresses_are_permitted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ip_address address = address_of(cases[i].address);
        assert_int_equal(address_guard_permits(&address, NULL, 0), cases[i].class == PUBLIC);
    }
}

enum { NO, YES };

static const struct {
    const char *exempt, *address;
    int permitted;
} exemptions[] = {
    {"10.0.0.0/8", "10.1.2.3", YES},
    {"10.0.0.0/8", "192.168.0.1", NO},
    {"10.0.0.0/8", "8.8.8.8", YES},
    {"10.0.0.0/8", "::ffff:10.1.2.3", YES},
    {"::ffff:10.0.0.0/104", "::ffff:10.1.2.3", YES},
    {"::ffff:10.0.0.0/104", "10.1.2.3", NO},
    {"127.0.0.1", "127.0.0.1", YES},
    {"127.0.0.1", "127.0.0.2", NO},
    {"fc00::/7", "fd00::1", YES},
    {"::1", "::1", YES},
    {"::/0", "fd00::1", YES},
    {"::/0", "10.1.2.3", NO},
    /* what nobody can mean stays forbidden */
    {"0.0.0.0/0", "0.0.0.0", NO},
    {"0.0.0.0/0", "224.0.0.1", NO},
    {"0.0.0.0/0", "255.255.255.255", NO},
    {"::/0", "::", NO},
    {"::/0", "ff02::1", NO},
    {"::/0", "::ffff:0.0.0.0", NO},
};

static void an_operators_network_is_exempt_but_never_a_forbidden_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(exemptions); i++) {
        struct ip_address address = address_of(exemptions[i].address);
        struct ip_network exempt[2];

        assert_int_equal(ip_network_parse(SLICE("192.0.2.0/24"), &exempt[0]), OK);
        assert_int_equal(ip_network_parse(slice_from_string(exemptions[i].exempt), &exempt[1]), OK);
        if (address_guard_permits(&address, exempt, 2) != exemptions[i].permitted)
            fail_msg("%s with %s", exemptions[i].address, exemptions[i].exempt);
    }
}

static void a_named_exception_reaches_numbered_networks_and_no_metadata(void **state)
{
    static const struct {
        const char *address;
        bool is_internal;
    } addresses[] = {
        {"10.0.0.0", true},         {"10.255.255.255", true},
        {"100.64.0.0", true},       {"100.127.255.255", true},
        {"172.16.0.0", true},       {"172.31.255.255", true},
        {"192.168.0.0", true},      {"192.168.255.255", true},
        {"fc00::1", true},          {"fd12:3456::1", true},
        {"0.0.0.0", false},         {"127.0.0.1", false},
        {"169.254.169.254", false}, {"169.254.0.1", false},
        {"192.0.0.1", false},       {"192.0.2.1", false},
        {"198.18.0.1", false},      {"224.0.0.1", false},
        {"168.63.129.16", false},   {"8.8.8.8", false},
        {"100.100.100.200", false}, {"::1", false},
        {"fe80::1", false},         {"fec0::1", false},
        {"fd00:ec2::254", false},   {"fd20:ce::254", false},
        {"::ffff:10.0.0.1", false}, {"64:ff9b::a00:1", false},
        {"2002:a00:1::", false},    {"2001:db8::1", false},
        {"2606:4700::1", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        struct ip_address address;
        assert_int_equal(ip_address_parse(slice_from_string(addresses[i].address), &address), OK);
        if (address_guard_is_internal(&address) != addresses[i].is_internal)
            fail_msg("%s", addresses[i].address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_special_range_is_told_from_public_addresses),
        cmocka_unit_test(without_exemptions_only_public_addresses_are_permitted),
        cmocka_unit_test(a_named_exception_reaches_numbered_networks_and_no_metadata),
        cmocka_unit_test(an_operators_network_is_exempt_but_never_a_forbidden_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
