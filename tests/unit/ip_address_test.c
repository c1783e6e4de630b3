/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, networks and endpoints: one spelling each. */
#include "base/ip_address.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *text;
    uint8_t len; /* 0: refused */
} address_cases[] = {
    {"0.0.0.0", 4},
    {"192.0.2.1", 4},
    {"255.255.255.255", 4},
    {"::", 16},
    {"::1", 16},
    {"2001:db8::1", 16},
    {"::ffff:1.2.3.4", 16},
    {"1:2:3:4:5:6:7:8", 16},
    {"1:0:0:4:5:6:7:8", 0},
    {"1::4:5:6:7:8", 16},
    {"", 0},
    {"1.2.3", 0},
    {"1.2.3.4.5", 0},
    {"01.2.3.4", 0},
    {"1.2.3.256", 0},
    {" 1.2.3.4", 0},
    {"1.2.3.4 ", 0},
    {"::FFFF:1.2.3.4", 0},
    {"2001:DB8::1", 0},
    {"::01", 0},
    {"::1%lo", 0},
    {"[::1]", 0},
    {"1::2::3", 0},
    {"0:0:0:0:0:0:0:0", 0},
    {"::ffff:102:304", 0},
    {"1:2:3:4:5:6:7", 0},
    {"aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:255.255.255.2555", 0},
};

static void an_address_has_one_spelling_and_prints_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(address_cases); i++) {
        struct slice text = slice_from_string(address_cases[i].text);
        struct ip_address address = {0};
        char printed[IP_ADDRESS_TEXT_MAX];

        if ((ip_address_parse(text, &address) == OK) != (address_cases[i].len > 0))
            fail_msg("\"%s\"", address_cases[i].text);
        assert_int_equal(address.len, address_cases[i].len);
        if (address.len > 0)
            assert_true(slice_equals(ip_address_format(&address, printed), text));
    }
}

static void addresses_of_two_families_are_never_equal(void **state)
{
    struct ip_address ipv4, mapped;

    (void)state;
    assert_int_equal(ip_address_parse(SLICE("0.0.0.0"), &ipv4), OK);
    assert_int_equal(ip_address_parse(SLICE("::"), &mapped), OK);
    assert_false(ip_address_equals(&ipv4, &mapped));
    assert_true(ip_address_equals(&ipv4, &ipv4));
}

static const struct {
    const char *network, *inside, *outside; /* NULL inside: the network is refused */
} network_cases[] = {
    {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
    {"0.0.0.0/0", "8.8.8.8", "::"},
    {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
    {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
    {"172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
    {"2001:db8::/32", "2001:db8:ffff::", "2001:db9::"},
    {"fe80::/10", "febf::1", "fec0::"},
    {"::1/128", "::1", "::"},
    {"::/0", "ffff::", "255.255.255.255"},
    {"10.0.0.1/8", NULL, NULL}, /* host bits */
    {"10.0.0.0/", NULL, NULL},
    {"10.0.0.0/33", NULL, NULL},
    {"10.0.0.0/08", NULL, NULL},
    {"10.0.0.0/-1", NULL, NULL},
    {"10.0.0.0/8/8", NULL, NULL},
    {"10/8", NULL, NULL},
    {"2001:db8::/129", NULL, NULL},
    {"2001:db8::1/64", NULL, NULL},
    {"/8", NULL, NULL},
    {"", NULL, NULL},
};

static void a_network_contains_what_shares_its_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(network_cases); i++) {
        struct ip_network network;
        struct ip_address inside, outside;
        enum error error = ip_network_parse(slice_from_string(network_cases[i].network), &network);

        if ((error == OK) != (network_cases[i].inside != NULL))
            fail_msg("\"%s\"", network_cases[i].network);
        if (error != OK)
            continue;
        assert_int_equal(ip_address_parse(slice_from_string(network_cases[i].inside), &inside), OK);
        assert_int_equal(ip_address_parse(slice_from_string(network_cases[i].outside), &outside),
                         OK);
        assert_true(ip_network_contains(&network, &inside));
        assert_false(ip_network_contains(&network, &outside));
    }
}

static const struct {
    const char *text;
    int port; /* -1: refused */
} endpoint_cases[] = {
    {"127.0.0.1:3128", 3128},
    {"[::1]:3128", 3128},
    {"0.0.0.0:0", 0},
    {"[::]:65535", 65535},
    {"127.0.0.1", -1},
    {"127.0.0.1:", -1},
    {"127.0.0.1:65536", -1},
    {"127.0.0.1:080", -1},
    {":3128", -1},
    {"::1:3128", -1},
    {"[::1]", -1},
    {"[::1]:", -1},
    {"[::1]3128", -1},
    {"[::1", -1},
    {"[127.0.0.1]:80", -1},
    {"[]:80", -1},
    {"localhost:80", -1},
    {"", -1},
    {"[", -1},
    {":", -1},
};

static void an_endpoint_is_an_address_and_a_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(endpoint_cases); i++) {
        struct ip_endpoint endpoint;
        enum error error = ip_endpoint_parse(slice_from_string(endpoint_cases[i].text), &endpoint);

        if ((error == OK) != (endpoint_cases[i].port >= 0))
            fail_msg("\"%s\"", endpoint_cases[i].text);
        if (error == OK)
            assert_int_equal(endpoint.port, endpoint_cases[i].port);
    }
}

static void an_endpoint_survives_the_way_through_a_sockaddr(void **state)
{
    static const struct slice texts[] = {SLICE_INIT("192.0.2.7:443"),
                                         SLICE_INIT("[2001:db8::7]:1")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct ip_endpoint before, after;
        struct sockaddr_storage address;

        assert_int_equal(ip_endpoint_parse(texts[i], &before), OK);
        assert_true(ip_endpoint_to_sockaddr(&before, &address) > 0);
        assert_true(ip_endpoint_from_sockaddr((struct sockaddr *)&address, &after));
        assert_true(ip_address_equals(&before.address, &after.address));
        assert_int_equal(before.port, after.port);
    }
}

static void a_mapped_peer_is_the_ipv4_address_it_wraps(void **state)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(99)};
    struct ip_endpoint endpoint;
    char text[IP_ADDRESS_TEXT_MAX];

    (void)state;
    memcpy(mapped.sin6_addr.s6_addr + 10, "\xff\xff\x0a\x00\x00\x01", 6);
    assert_true(ip_endpoint_from_sockaddr((struct sockaddr *)&mapped, &endpoint));
    assert_true(slice_equals(ip_address_format(&endpoint.address, text), SLICE("10.0.0.1")));
    assert_int_equal(endpoint.port, 99);
}

static void another_family_is_no_endpoint(void **state)
{
    struct sockaddr local = {.sa_family = AF_UNIX};
    struct ip_endpoint endpoint;

    (void)state;
    assert_false(ip_endpoint_from_sockaddr(&local, &endpoint));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_one_spelling_and_prints_back),
        cmocka_unit_test(addresses_of_two_families_are_never_equal),
        cmocka_unit_test(a_network_contains_what_shares_its_prefix),
        cmocka_unit_test(an_endpoint_is_an_address_and_a_port),
        cmocka_unit_test(an_endpoint_survives_the_way_through_a_sockaddr),
        cmocka_unit_test(a_mapped_peer_is_the_ipv4_address_it_wraps),
        cmocka_unit_test(another_family_is_no_endpoint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
