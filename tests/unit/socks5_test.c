/* SPDX-License-Identifier: Apache-2.0 */
/* What SOCKS5 clients say. */
#include "proxy/client/socks5.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BYTES(literal) ((struct slice){literal, sizeof(literal) - 1})

struct request_case {
    struct slice bytes;
    enum socks5_status status;
    bool is_connect, is_valid;
    const char *host;
    uint16_t port;
};

static const struct request_case requests[] = {
    {{"\5\1\0\3\17api.example.com\1\273", 22}, SOCKS5_COMPLETE, true, true, "api.example.com", 443},
    {{"\5\1\0\3\17API.Example.COM\1\273", 22}, SOCKS5_COMPLETE, true, true, "api.example.com", 443},
    {{"\5\1\0\1\300\0\2\1\0\120", 10}, SOCKS5_COMPLETE, true, true, "192.0.2.1", 80},
    {{"\5\1\0\4\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\1\273", 22},
     SOCKS5_COMPLETE,
     true,
     true,
     "2001:db8::1",
     443},
    /* an address where a name belongs, a name that is none, port 0 */
    {{"\5\1\0\3\11"
      "127.0.0.1\1\273",
      16},
     SOCKS5_COMPLETE,
     true,
     false,
     NULL,
     443},
    {{"\5\1\0\3\3a b\1\273", 10}, SOCKS5_COMPLETE, true, false, NULL, 443},
    {{"\5\1\0\3\0\1\273", 7}, SOCKS5_COMPLETE, true, false, NULL, 443},
    {{"\5\1\0\3\3a.b\0\0", 10}, SOCKS5_COMPLETE, true, false, NULL, 0},
    /* BIND and UDP ASSOCIATE */
    {{"\5\2\0\1\300\0\2\1\0\120", 10}, SOCKS5_COMPLETE, false, true, "192.0.2.1", 80},
    {{"\5\3\0\1\300\0\2\1\0\120", 10}, SOCKS5_COMPLETE, false, true, "192.0.2.1", 80},
    /* not SOCKS5 */
    {{"\4\1\0\1\300\0\2\1\0\120", 10}, SOCKS5_FAULT, false, false, NULL, 0},
    {{"\5\1\0\2\300\0\2\1\0\120", 10}, SOCKS5_FAULT, false, false, NULL, 0},
    {{"\5\1\1\1\300\0\2\1\0\120", 10}, SOCKS5_FAULT, false, false, NULL, 0},
};

static void requests_are_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        const struct request_case *c = &requests[i];
        struct slice input = c->bytes;
        struct socks5_request request = {0};

        assert_int_equal(socks5_parse_request(&input, &request), c->status);
        if (c->status != SOCKS5_COMPLETE)
            continue;
        assert_int_equal(input.len, 0);
        assert_int_equal(request.is_connect, c->is_connect);
        assert_int_equal(request.is_valid, c->is_valid);
        if (c->is_valid)
            assert_string_equal(request.target.host.text, c->host);
        assert_int_equal(request.target.port, c->port);
    }
}

static void a_part_of_a_message_is_left_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        for (size_t len = 0; len < requests[i].bytes.len; len++) {
            struct slice input = slice_take(requests[i].bytes, len);
            struct socks5_request request = {0};
            enum socks5_status status = socks5_parse_request(&input, &request);

            assert_int_not_equal(status, SOCKS5_COMPLETE);
            assert_int_equal(input.len, len);
        }
    }
}

static void what_follows_a_message_is_left_alone(void **state)
{
    struct slice input = BYTES("\5\1\2\1\4user\4pass");
    struct socks5_greeting greeting;
    struct socks5_login login;

    (void)state;
    assert_int_equal(socks5_parse_greeting(&input, &greeting), SOCKS5_COMPLETE);
    assert_true(greeting.offers_login);
    assert_false(greeting.offers_no_login);
    assert_int_equal(socks5_parse_login(&input, &login), SOCKS5_COMPLETE);
    assert_true(slice_equals(login.user, SLICE("user")));
    assert_true(slice_equals(login.password, SLICE("pass")));
    assert_int_equal(input.len, 0);
}

static void other_protocols_are_told_apart_by_their_first_byte(void **state)
{
    struct slice http = SLICE("GET / HTTP/1.1\r\n"), socks4 = BYTES("\4\1");
    struct socks5_greeting greeting;
    struct socks5_login login;

    (void)state;
    assert_int_equal(socks5_parse_greeting(&http, &greeting), SOCKS5_FAULT);
    assert_int_equal(socks5_parse_greeting(&socks4, &greeting), SOCKS5_FAULT);
    assert_int_equal(socks5_parse_login(&http, &login), SOCKS5_FAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_understood),
        cmocka_unit_test(a_part_of_a_message_is_left_alone),
        cmocka_unit_test(what_follows_a_message_is_left_alone),
        cmocka_unit_test(other_protocols_are_told_apart_by_their_first_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
