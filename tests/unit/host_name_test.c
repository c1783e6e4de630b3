/* SPDX-License-Identifier: Apache-2.0 */
/* The one canonical form of a host: every rule about names is compared in it. */
#include "base/host_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxy"
#define NAME_253                                                                                   \
    LABEL_63 "." LABEL_63 "." LABEL_63 "."                                                         \
             "abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvw"

#define REFUSED NULL

static const struct {
    const char *text, *canonical;
} name_cases[] = {
    /* names */
    {"example.com", "example.com"},
    {"EXAMPLE.Com", "example.com"},
    {"example.com.", "example.com"},
    {"localhost", "localhost"},
    {"a", "a"},
    {"a-b.c--d.e", "a-b.c--d.e"},
    {"xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"1password.com", "1password.com"},
    {"1.example.com", "1.example.com"},
    {"1.2.3.4.com", "1.2.3.4.com"},
    {"0x7f.example", "0x7f.example"},
    {LABEL_63 ".com", LABEL_63 ".com"},
    {NAME_253, NAME_253},
    {NAME_253 ".", NAME_253},
    /* not names */
    {"", REFUSED},
    {".", REFUSED},
    {"..", REFUSED},
    {".example.com", REFUSED},
    {"example..com", REFUSED},
    {"example.com..", REFUSED},
    {"-example.com", REFUSED},
    {"example-.com", REFUSED},
    {"example.-com", REFUSED},
    {"example.com-", REFUSED},
    {"exa_mple.com", REFUSED},
    {"exa mple.com", REFUSED},
    {" example.com", REFUSED},
    {"example.com ", REFUSED},
    {"example.com\t", REFUSED},
    {"example.com\r\n", REFUSED},
    {"b\xc3\xbc"
     "cher.example",
     REFUSED},
    {"example\xe3\x80\x82"
     "com",
     REFUSED},                           /* the ideographic full stop */
    {"\xef\xbd\x85xample.com", REFUSED}, /* a full-width e */
    {"example%2ecom", REFUSED},
    {"*.example.com", REFUSED},
    {"*", REFUSED},
    {"example.com:443", REFUSED},
    {"user@example.com", REFUSED},
    {"example.com/", REFUSED},
    {"example.com\\", REFUSED},
    {"example.com?", REFUSED},
    {"example.com#", REFUSED},
    {"[example.com]", REFUSED},
    {"a" LABEL_63 ".com", REFUSED},
    {"a" NAME_253, REFUSED},
    {"a." NAME_253, REFUSED},
    /* IPv4: four decimal numbers, no other spelling of the same address */
    {"127.0.0.1", "127.0.0.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"127.1", REFUSED},
    {"127.0.1", REFUSED},
    {"2130706433", REFUSED},
    {"0x7f000001", REFUSED},
    {"0x7f.1", REFUSED},
    {"0x7f.0x0.0x0.0x1", REFUSED},
    {"127.0.0.0x1", REFUSED},
    {"127.0.0.0X1", REFUSED},
    {"127.0.0.0x", REFUSED},
    {"0177.0.0.1", REFUSED},
    {"127.000.000.001", REFUSED},
    {"127.0.0.01", REFUSED},
    {"127.0.0.1.", REFUSED},
    {"127.0.0.256", REFUSED},
    {"1.2.3.4.5", REFUSED},
    {"example.1", REFUSED},
    {"example.0x1", REFUSED},
    {"1", REFUSED},
    {"0", REFUSED},
    /* IPv6: RFC 5952 only */
    {"::1", "::1"},
    {"::", "::"},
    {"2001:db8::1", "2001:db8::1"},
    {"::ffff:127.0.0.1", "::ffff:127.0.0.1"},
    {"2001:DB8::1", REFUSED},
    {"2001:0db8::1", REFUSED},
    {"0:0:0:0:0:0:0:1", REFUSED},
    {"2001:db8:0:0::1", REFUSED},
    {"::ffff:7f00:1", REFUSED},
    {"fe80::1%eth0", REFUSED},
    {"fe80::1%25eth0", REFUSED},
    {"::1.", REFUSED},
    {":", REFUSED},
    {":::", REFUSED},
    {"[::1]", REFUSED},
};

static void a_host_has_one_canonical_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(name_cases); i++) {
        struct host_name host;
        enum error error = host_name_parse(slice_from_string(name_cases[i].text), &host);
        const char *expected = name_cases[i].canonical;

        if ((error == OK) != (expected != REFUSED))
            fail_msg("\"%s\": %s", name_cases[i].text, error_name(error));
        if (expected == REFUSED)
            continue;
        assert_string_equal(host.text, expected);
        assert_int_equal(host.len, strlen(expected));
    }
}

static void a_canonical_form_parses_into_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(name_cases); i++) {
        struct host_name first, second;

        if (name_cases[i].canonical == REFUSED)
            continue;
        assert_int_equal(host_name_parse(slice_from_string(name_cases[i].text), &first), OK);
        assert_int_equal(host_name_parse(host_name_view(&first), &second), OK);
        assert_true(host_name_equals(&first, &second));
        assert_int_equal(first.literal.len, second.literal.len);
    }
}

static void no_byte_but_letters_digits_hyphen_and_dot_stands_in_a_name(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[] = {'a', (char)c, 'b', '.', 'c', 'o', 'm'};
        struct host_name host;
        bool is_letter_or_digit = ascii_is_alpha((char)c) || ascii_is_digit((char)c);
        bool expected = is_letter_or_digit || c == '-' || c == '.';

        if ((host_name_parse(slice_of(text, sizeof(text)), &host) == OK) != expected)
            fail_msg("byte %02x", (unsigned)c);
    }
}

static void a_nul_never_cuts_a_name_short(void **state)
{
    struct host_name host;

    (void)state;
    assert_int_equal(host_name_parse(SLICE("example.com\0.evil.test"), &host), ERR_SYNTAX);
    assert_int_equal(host_name_parse(SLICE("example.com\0"), &host), ERR_SYNTAX);
    assert_int_equal(host_name_parse(SLICE("127.0.0.1\0"), &host), ERR_SYNTAX);
    assert_int_equal(host_name_parse(SLICE("\0"), &host), ERR_SYNTAX);
}

static void a_refused_host_leaves_the_output_untouched(void **state)
{
    struct host_name host = {.len = 3, .text = "old"};

    (void)state;
    assert_int_equal(host_name_parse(SLICE("not a host"), &host), ERR_SYNTAX);
    assert_int_equal(host_name_parse_bracketed(SLICE("[1.2.3.4]"), &host), ERR_SYNTAX);
    assert_string_equal(host.text, "old");
}

static void a_literal_is_told_from_a_name(void **state)
{
    struct host_name name, ipv4, ipv6;

    (void)state;
    assert_int_equal(host_name_parse(SLICE("example.com"), &name), OK);
    assert_int_equal(host_name_parse(SLICE("10.1.2.3"), &ipv4), OK);
    assert_int_equal(host_name_parse(SLICE("2001:db8::1"), &ipv6), OK);
    assert_false(host_name_is_literal(&name));
    assert_true(host_name_is_literal(&ipv4));
    assert_true(host_name_is_literal(&ipv6));
    assert_int_equal(ipv4.literal.len, 4);
    assert_memory_equal(ipv4.literal.bytes, "\x0a\x01\x02\x03", 4);
    assert_int_equal(ipv6.literal.len, 16);
}

static const struct {
    const char *text, *canonical;
} bracketed_cases[] = {
    {"[::1]", "::1"},        {"example.com", "example.com"},
    {"1.2.3.4", "1.2.3.4"},  {"::1", REFUSED},
    {"[1.2.3.4]", REFUSED},  {"[example.com]", REFUSED},
    {"[::1", REFUSED},       {"::1]", REFUSED},
    {"[[::1]]", REFUSED},    {"[]", REFUSED},
    {"[", REFUSED},          {"]", REFUSED},
    {"[::1%25lo]", REFUSED}, {"[v1.fe80]", REFUSED},
};

static void brackets_are_for_ipv6_and_ipv6_needs_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bracketed_cases); i++) {
        struct host_name host;
        struct slice text = slice_from_string(bracketed_cases[i].text);
        const char *expected = bracketed_cases[i].canonical;

        if ((host_name_parse_bracketed(text, &host) == OK) != (expected != REFUSED))
            fail_msg("\"%s\"", bracketed_cases[i].text);
        if (expected != REFUSED)
            assert_string_equal(host.text, expected);
    }
}

static const struct {
    const char *text;
    uint16_t default_port;
    const char *host; /* NULL: refused */
    uint16_t port;
} authority_cases[] = {
    {"example.com", 443, "example.com", 443},
    {"EXAMPLE.com.", 80, "example.com", 80},
    {"example.com:8443", 443, "example.com", 8443},
    {"example.com.:8443", 443, "example.com", 8443},
    {"example.com:1", 443, "example.com", 1},
    {"example.com:65535", 443, "example.com", 65535},
    {"1.2.3.4:443", 0, "1.2.3.4", 443},
    {"[::1]:443", 0, "::1", 443},
    {"[::1]", 443, "::1", 443},
    {"example.com", 0, REFUSED, 0}, /* the port is mandatory here */
    {"example.com:", 443, REFUSED, 0},
    {"example.com:0", 443, REFUSED, 0},
    {"example.com:65536", 443, REFUSED, 0},
    {"example.com:18446744073709551617", 443, REFUSED, 0},
    {"example.com:0443", 443, REFUSED, 0},
    {"example.com:+443", 443, REFUSED, 0},
    {"example.com:-1", 443, REFUSED, 0},
    {"example.com: 443", 443, REFUSED, 0},
    {"example.com:443 ", 443, REFUSED, 0},
    {"example.com:0x1bb", 443, REFUSED, 0},
    {"example.com:https", 443, REFUSED, 0},
    {"example.com:443:443", 443, REFUSED, 0},
    {"user@example.com", 443, REFUSED, 0},
    {"user:pass@example.com", 443, REFUSED, 0},
    {"example.com:443@evil.test", 443, REFUSED, 0},
    {"::1", 443, REFUSED, 0},
    {"::1:443", 443, REFUSED, 0},
    {"[::1]443", 443, REFUSED, 0},
    {"[::1]:", 443, REFUSED, 0},
    {"[::1", 443, REFUSED, 0},
    {"[::1]:443]", 443, REFUSED, 0},
    {"[example.com]:443", 443, REFUSED, 0},
    {":443", 443, REFUSED, 0},
    {"", 443, REFUSED, 0},
};

static void an_authority_is_a_host_and_a_plain_decimal_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(authority_cases); i++) {
        struct authority authority;
        struct slice text = slice_from_string(authority_cases[i].text);
        enum error error = authority_parse(text, authority_cases[i].default_port, &authority);

        if ((error == OK) != (authority_cases[i].host != REFUSED))
            fail_msg("\"%s\": %s", authority_cases[i].text, error_name(error));
        if (error != OK)
            continue;
        assert_string_equal(authority.host.text, authority_cases[i].host);
        assert_int_equal(authority.port, authority_cases[i].port);
    }
}

static void authorities_are_equal_only_with_the_same_host_and_port(void **state)
{
    struct authority a, b, other_port, other_host;

    (void)state;
    assert_int_equal(authority_parse(SLICE("Example.com."), 443, &a), OK);
    assert_int_equal(authority_parse(SLICE("example.com:443"), 80, &b), OK);
    assert_int_equal(authority_parse(SLICE("example.com"), 80, &other_port), OK);
    assert_int_equal(authority_parse(SLICE("example.co"), 443, &other_host), OK);
    assert_true(authority_equals(&a, &b));
    assert_false(authority_equals(&a, &other_port));
    assert_false(authority_equals(&a, &other_host));
}

static void loopback_is_what_never_leaves_the_machine(void **state)
{
    static const struct {
        struct slice host;
        bool is_loopback;
    } cases[] = {
        {SLICE_INIT("127.0.0.1"), true},    {SLICE_INIT("127.9.9.9"), true},
        {SLICE_INIT("::1"), true},          {SLICE_INIT("localhost"), true},
        {SLICE_INIT("128.0.0.1"), false},   {SLICE_INIT("::"), false},
        {SLICE_INIT("a.localhost"), false}, {SLICE_INIT("localhost.test"), false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct host_name host;

        assert_int_equal(host_name_parse(cases[i].host, &host), OK);
        assert_int_equal(host_name_is_loopback(&host), cases[i].is_loopback);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_has_one_canonical_form),
        cmocka_unit_test(a_canonical_form_parses_into_itself),
        cmocka_unit_test(no_byte_but_letters_digits_hyphen_and_dot_stands_in_a_name),
        cmocka_unit_test(a_nul_never_cuts_a_name_short),
        cmocka_unit_test(a_refused_host_leaves_the_output_untouched),
        cmocka_unit_test(a_literal_is_told_from_a_name),
        cmocka_unit_test(loopback_is_what_never_leaves_the_machine),
        cmocka_unit_test(brackets_are_for_ipv6_and_ipv6_needs_them),
        cmocka_unit_test(an_authority_is_a_host_and_a_plain_decimal_port),
        cmocka_unit_test(authorities_are_equal_only_with_the_same_host_and_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
