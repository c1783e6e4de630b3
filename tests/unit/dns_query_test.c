/* SPDX-License-Identifier: Apache-2.0 */
/* What is a query, and what is wrong with everything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/dns_query.h"

/* id 0x1234, recursion desired; then questions, answers, authorities, additionals */
#define HEAD(counts) "\x12\x34\x01\x00" counts
#define ONE_QUESTION "\0\1\0\0\0\0\0\0"
#define AND_OPTIONS "\0\1\0\0\0\0\0\1"
#define API_TEST "\3api\4test\0"
#define A_IN "\0\1\0\1"
/* root, OPT, 4096 bytes, rcode, version 0, DO, no options */
#define EDNS "\0\0\x29\x10\0\0\0\x80\0\0\0"

#define LABEL_63                                                                                   \
    "?"                                                                                            \
    "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq"
#define NAME_253                                                                                   \
    LABEL_63 LABEL_63 LABEL_63 "="                                                                 \
                               "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmno"

static struct dns_query parsed(struct slice message)
{
    struct dns_query query;

    assert_int_equal(dns_query_parse(message, &query), OK);
    return query;
}

static void a_question_is_read_with_its_name_in_one_form(void **state)
{
    (void)state;
    struct dns_query query = parsed(SLICE(HEAD(ONE_QUESTION) "\3"
                                                             "ApI\4tEsT\0" A_IN));

    assert_int_equal(query.rcode, DNS_NOERROR);
    assert_int_equal(query.id, 0x1234);
    assert_true(query.recursion_desired);
    assert_true(query.is_host);
    assert_string_equal(query.host.text, "api.test");
    assert_int_equal(query.type, DNS_A);
    assert_int_equal(query.class, DNS_IN);
    assert_false(query.has_edns);
    assert_int_equal(dns_query_udp_limit(&query), 512);
    /* as it was asked, for the echo */
    assert_true(slice_equals(slice_of(query.name, query.name_len), SLICE("\3"
                                                                         "ApI\4tEsT\0")));
}

static void options_say_what_the_client_takes(void **state)
{
    (void)state;
    struct dns_query query = parsed(SLICE(HEAD(AND_OPTIONS) API_TEST A_IN EDNS));

    assert_int_equal(query.rcode, DNS_NOERROR);
    assert_true(query.has_edns);
    assert_true(query.dnssec_ok);
    assert_int_equal(query.udp_size, 4096);
    assert_int_equal(dns_query_udp_limit(&query), DNS_UDP_MAX);
    query.udp_size = 700;
    assert_int_equal(dns_query_udp_limit(&query), 700);
    query.udp_size = 100;
    assert_int_equal(dns_query_udp_limit(&query), 512);
}

static void the_longest_name_is_a_host(void **state)
{
    (void)state;
    struct dns_query query = parsed(SLICE(HEAD(ONE_QUESTION) NAME_253 "\0" A_IN));

    assert_int_equal(query.rcode, DNS_NOERROR);
    assert_int_equal(query.name_len, 255);
    assert_true(query.is_host);
    assert_int_equal(query.host.len, 253);
}

#define CASE(what, message)                                                                        \
    {                                                                                              \
        what, SLICE_INIT(message)                                                                  \
    }

static void what_is_no_query_is_never_answered(void **state)
{
    static const struct {
        const char *what;
        struct slice message;
    } cases[] = {
        CASE("nothing", ""),
        CASE("half a header", "\x12\x34\x01\x00\0\1"),
        CASE("a response", "\x12\x34\x81\x80" ONE_QUESTION API_TEST A_IN),
        CASE("a response of another opcode", "\x12\x34\xa1\x80" ONE_QUESTION API_TEST A_IN),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dns_query query;

        if (dns_query_parse(cases[i].message, &query) != ERR_SYNTAX)
            fail_msg("%s", cases[i].what);
    }
}

static void what_is_malformed_is_refused_without_its_question(void **state)
{
    static const struct {
        const char *what;
        struct slice message;
        enum dns_rcode rcode;
    } cases[] = {
#define BAD(what, message) {what, SLICE_INIT(message), DNS_FORMERR}
        BAD("a header alone", HEAD("\0\0\0\0\0\0\0\0")),
        BAD("no question", HEAD("\0\1\0\0\0\0\0\0")),
        BAD("two questions", HEAD("\0\2\0\0\0\0\0\0") API_TEST A_IN API_TEST A_IN),
        BAD("an answer", HEAD("\0\1\0\1\0\0\0\0") API_TEST A_IN),
        BAD("an authority", HEAD("\0\1\0\0\0\1\0\0") API_TEST A_IN),
        BAD("two additionals", HEAD("\0\1\0\0\0\0\0\2") API_TEST A_IN EDNS EDNS),
        BAD("a name without end", HEAD(ONE_QUESTION) "\3api"),
        BAD("half a type", HEAD(ONE_QUESTION) API_TEST "\0"),
        BAD("no class", HEAD(ONE_QUESTION) API_TEST "\0\1"),
        BAD("bytes left over", HEAD(ONE_QUESTION) API_TEST A_IN "\0"),
        BAD("a pointer to the header", HEAD(ONE_QUESTION) "\xc0\0" A_IN),
        BAD("a pointer to itself", HEAD(ONE_QUESTION) "\xc0\x0c" A_IN),
        BAD("a pointer behind a label", HEAD(ONE_QUESTION) "\3api\xc0\x0c" A_IN),
        BAD("a label of 64", HEAD(ONE_QUESTION) "@"
                                                "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd"
                                                "efghijklmnopqr\0" A_IN),
        BAD("a name of 256", HEAD(ONE_QUESTION) LABEL_63 LABEL_63 LABEL_63
            ">"
            "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop\0" A_IN),
        BAD("an additional that is no OPT",
            HEAD(AND_OPTIONS) API_TEST A_IN "\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4"),
        BAD("an OPT with a name", HEAD(AND_OPTIONS) API_TEST A_IN "\1x\0\0\x29\x10\0\0\0\0\0\0\0"),
        BAD("an OPT cut off", HEAD(AND_OPTIONS) API_TEST A_IN "\0\0\x29\x10\0\0\0\0"),
        BAD("options longer than they say",
            HEAD(AND_OPTIONS) API_TEST A_IN "\0\0\x29\x10\0\0\0\0\0\0\0\0"),
        BAD("options shorter than they say",
            HEAD(AND_OPTIONS) API_TEST A_IN "\0\0\x29\x10\0\0\0\0\0\0\5\0\xa\0\0"),
        BAD("an option over the record's end",
            HEAD(AND_OPTIONS) API_TEST A_IN "\0\0\x29\x10\0\0\0\0\0\0\5\0\xa\0\2z"),
        {"a status query", SLICE_INIT("\x12\x34\x11\x00" ONE_QUESTION API_TEST A_IN), DNS_NOTIMP},
        {"an update", SLICE_INIT("\x12\x34\x28\x00" ONE_QUESTION API_TEST A_IN), DNS_NOTIMP},
        {"a notification of nothing", SLICE_INIT("\x12\x34\x20\x00\0\0\0\0\0\0\0\0"), DNS_NOTIMP},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dns_query query = parsed(cases[i].message);

        if (query.rcode != cases[i].rcode || query.id != 0x1234 || query.name_len != 0 ||
            query.is_host || query.has_edns)
            fail_msg("%s: rcode %d", cases[i].what, query.rcode);
    }
}

static void another_version_of_edns_is_told_so(void **state)
{
    (void)state;
    struct dns_query query =
        parsed(SLICE(HEAD(AND_OPTIONS) API_TEST A_IN "\0\0\x29\x10\0\0\1\0\0\0\0"));

    assert_int_equal(query.rcode, DNS_BADVERS);
    assert_true(query.has_edns);
}

static void a_name_that_no_host_can_have_is_none(void **state)
{
    static const struct {
        const char *what;
        struct slice name;
    } cases[] = {
        CASE("the root", "\0"),
        CASE("an underscore", "\4_dns\4test\0"),
        CASE("a space", "\3"
                        "a b\4test\0"),
        CASE("a NUL", "\3"
                      "a\0b\4test\0"),
        CASE("a dot in a label", "\7"
                                 "a.b.com\4test\0"),
        CASE("a dot that would make a host of two labels", "\10"
                                                           "api.test\0"),
        CASE("not ASCII", "\3"
                          "a\xc3\xa4\4test\0"),
        CASE("an IPv4 address in labels", "\1"
                                          "1\1"
                                          "2\1"
                                          "3\1"
                                          "4\0"),
        CASE("an IPv4 address in one label", "\7"
                                             "1.2.3.4\0"),
        CASE("an IPv6 address", "\3::1\0"),
        CASE("a number", "\12"
                         "2130706433\0"),
        CASE("a hyphen in front", "\4-api\4test\0"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char message[64] = HEAD(ONE_QUESTION);
        size_t len = cases[i].name.len;

        memcpy(message + DNS_HEADER_LEN, cases[i].name.data, len);
        memcpy(message + DNS_HEADER_LEN + len, A_IN, 4);
        struct dns_query query = parsed(slice_of(message, DNS_HEADER_LEN + len + 4));
        if (query.rcode != DNS_NOERROR || query.is_host || query.name_len != len)
            fail_msg("%s: rcode %d, %s", cases[i].what, query.rcode, query.host.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read_with_its_name_in_one_form),
        cmocka_unit_test(options_say_what_the_client_takes),
        cmocka_unit_test(the_longest_name_is_a_host),
        cmocka_unit_test(what_is_no_query_is_never_answered),
        cmocka_unit_test(what_is_malformed_is_refused_without_its_question),
        cmocka_unit_test(another_version_of_edns_is_told_so),
        cmocka_unit_test(a_name_that_no_host_can_have_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
