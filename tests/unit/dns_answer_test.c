/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns/dns_answer.h"

#define QUESTION(type)                                                                             \
    "\3"                                                                                           \
    "ApI\4test\0" type "\0\1"
#define ASKED(counts, type) "\x12\x34\x01\x00" counts QUESTION(type)
#define A "\0\1"
#define AAAA "\0\x1c"
#define HTTPS "\0\x41"
#define EDNS "\0\0\x29\x10\0\0\0\0\0\0\0"

static const struct ip_address addresses[] = {
    {4, {192, 0, 2, 1}},
    {16, {0x20, 1, 0xd, 0xb8, [15] = 1}},
    {4, {192, 0, 2, 2}},
};

static const struct dns_answer three = {.rcode = DNS_NOERROR,
                                        .addresses = addresses,
                                        .address_count = ARRAY_LEN(addresses),
                                        .ttl_s = 60};
static const struct dns_answer refused = {
    .rcode = DNS_REFUSED, .extended = DNS_EXTENDED_BLOCKED, .text = SLICE_INIT("No.")};

static const struct {
    const char *what;
    struct slice query;
    const struct dns_answer *answer;
    struct slice expected;
} cases[] = {
    {"addresses of the family that was asked for, and the question as it was asked",
     SLICE_INIT(ASKED("\0\1\0\0\0\0\0\0", A)), &three,
     SLICE_INIT("\x12\x34\x81\x80\0\1\0\2\0\0\0\0" QUESTION(
         A) "\xc0\x0c" A "\0\1\0\0\0\x3c\0\4\xc0\0\2\1\xc0\x0c" A "\0\1\0\0\0\x3c\0\4\xc0\0\2\2")},
    {"IPv6", SLICE_INIT(ASKED("\0\1\0\0\0\0\0\0", AAAA)), &three,
     SLICE_INIT("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" QUESTION(
         AAAA) "\xc0\x0c" AAAA "\0\1\0\0\0\x3c\0\x10\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1")},
    {"no address for a type that has none", SLICE_INIT(ASKED("\0\1\0\0\0\0\0\0", HTTPS)), &three,
     SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\0" QUESTION(HTTPS))},
    {"a refusal with its reason", SLICE_INIT(ASKED("\0\1\0\0\0\0\0\1", A) EDNS), &refused,
     SLICE_INIT("\x12\x34\x81\x85\0\1\0\0\0\0\0\1" QUESTION(
         A) "\0\0\x29\x04\xd0\0\0\0\0\0\x9\0\xf\0\5\0\xfNo.")},
    {"no reason for a client without EDNS", SLICE_INIT(ASKED("\0\1\0\0\0\0\0\0", A)), &refused,
     SLICE_INIT("\x12\x34\x81\x85\0\1\0\0\0\0\0\0" QUESTION(A))},
    {"flags are those of the client",
     SLICE_INIT("\x12\x34\x00\x10\0\1\0\0\0\0\0\1" QUESTION(A) "\0\0\x29\x10\0\0\0\x80\0\0\0"),
     &(const struct dns_answer){.rcode = DNS_NXDOMAIN},
     SLICE_INIT("\x12\x34\x80\x93\0\1\0\0\0\0\0\1" QUESTION(A) "\0\0\x29\x04\xd0\0\0\x80\0\0\0")},
    {"a rcode of more than four bits", SLICE_INIT(ASKED("\0\1\0\0\0\0\0\1", A) EDNS),
     &(const struct dns_answer){.rcode = DNS_BADVERS},
     SLICE_INIT("\x12\x34\x81\x80\0\1\0\0\0\0\0\1" QUESTION(A) "\0\0\x29\x04\xd0\1\0\0\0\0\0")},
    {"what was not understood is not echoed", SLICE_INIT("\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3ap"),
     &(const struct dns_answer){.rcode = DNS_FORMERR},
     SLICE_INIT("\x12\x34\x81\x81\0\0\0\0\0\0\0\0")},
    {"nor another opcode's", SLICE_INIT("\x12\x34\x28\x00\0\1\0\0\0\0\0\0" QUESTION(A)),
     &(const struct dns_answer){.rcode = DNS_NOTIMP},
     SLICE_INIT("\x12\x34\xa8\x84\0\0\0\0\0\0\0\0")},
};

static void an_answer_has_exactly_these_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = DNS_MESSAGE_MAX};
        struct dns_query query;

        assert_int_equal(dns_query_parse(cases[i].query, &query), OK);
        assert_int_equal(dns_answer_write(&query, cases[i].answer, DNS_UDP_MIN, out), OK);
        if (!slice_equals(buffer_view(out), cases[i].expected))
            fail_msg("%s", cases[i].what);
    }
}

static struct dns_query asked_for_ipv6(struct slice message)
{
    struct dns_query query;

    assert_int_equal(dns_query_parse(message, &query), OK);
    return query;
}

/* 12 of header, 14 of question, 28 of each record */
static void an_answer_over_the_limit_is_truncated_to_nothing(void **state)
{
    struct dns_query query = asked_for_ipv6(SLICE(ASKED("\0\1\0\0\0\0\0\0", AAAA)));
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = DNS_MESSAGE_MAX};
    struct ip_address many[18];
    struct dns_answer answer = {.addresses = many, .address_count = 17, .ttl_s = 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = addresses[1];
    assert_int_equal(dns_answer_write(&query, &answer, DNS_UDP_MIN, out), OK);
    assert_int_equal(buffer_len(out), 12 + 14 + 17 * 28);
    buffer_reset(out);
    answer.address_count = 18;
    assert_int_equal(dns_answer_write(&query, &answer, DNS_UDP_MIN, out), OK);
    assert_true(
        slice_equals(buffer_view(out), SLICE("\x12\x34\x83\x80\0\1\0\0\0\0\0\0" QUESTION(AAAA))));
    buffer_reset(out);
    assert_int_equal(dns_answer_write(&query, &answer, DNS_UDP_MAX, out), OK);
    assert_int_equal(buffer_len(out), 12 + 14 + 18 * 28);
}

static void a_long_reason_is_cut(void **state)
{
    struct dns_query query = asked_for_ipv6(SLICE(ASKED("\0\1\0\0\0\0\0\1", AAAA) EDNS));
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = DNS_MESSAGE_MAX};
    char text[500] = "";
    struct dns_answer answer = {.rcode = DNS_REFUSED,
                                .extended = DNS_EXTENDED_BLOCKED,
                                .text = slice_of(text, sizeof(text))};

    (void)state;
    assert_int_equal(dns_answer_write(&query, &answer, DNS_UDP_MIN, out), OK);
    assert_int_equal(buffer_len(out), 12 + 14 + 11 + 4 + 2 + DNS_EXTENDED_TEXT_MAX);
}

static void an_answer_without_room_leaves_nothing_behind(void **state)
{
    struct dns_query query = asked_for_ipv6(SLICE(ASKED("\0\1\0\0\0\0\0\0", AAAA)));
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 20};

    (void)state;
    assert_int_equal(buffer_append(out, SLICE("ab")), OK);
    assert_int_equal(dns_answer_write(&query, &refused, DNS_UDP_MIN, out), ERR_TOO_LARGE);
    assert_true(slice_equals(buffer_view(out), SLICE("ab")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_exactly_these_bytes),
        cmocka_unit_test(an_answer_over_the_limit_is_truncated_to_nothing),
        cmocka_unit_test(a_long_reason_is_cut),
        cmocka_unit_test(an_answer_without_room_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
