/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to another proxy, and which of its answers makes a tunnel. */
#include "process/dialer/proxy_answer.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *answer;
    enum proxy_verdict verdict;
    unsigned status;
} rows[] = {
    {"HTTP/1.1 200 Connection established\r\n\r\n", PROXY_CONNECTED, 0},
    {"HTTP/1.0 200 OK\r\nVia: squid\r\n\r\n", PROXY_CONNECTED, 0},
    {"HTTP/1.1 204 No Content\r\n\r\n", PROXY_CONNECTED, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", PROXY_CONNECTED, 0}, /* means nothing here */
    {"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", PROXY_REFUSED, 407},
    {"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", PROXY_REFUSED, 302},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", PROXY_REFUSED, 100},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", PROXY_REFUSED, 101},
    {"HTTP/1.1 200 OK\r\n\r\nx", PROXY_MALFORMED, 0},
    {"HTTP/1.1 200 OK\n\n", PROXY_MALFORMED, 0},
    {"HTTP/1.1 200 OK\r\n X: y\r\n\r\n", PROXY_MALFORMED, 0},
    {"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", PROXY_MALFORMED, 0},
    {"HTTP/2 200\r\n\r\n", PROXY_MALFORMED, 0},
    {"HTTP/1.1 2000 OK\r\n\r\n", PROXY_MALFORMED, 0},
    {"\r\nHTTP/1.1 200 OK\r\n\r\n", PROXY_MALFORMED, 0},
    {"\x16\x03\x03", PROXY_MALFORMED, 0},
    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", PROXY_MALFORMED, 0},
    {"HTTP/1.1 200 OK\r\n", PROXY_AWAITS_MORE, 0},
    {"", PROXY_AWAITS_MORE, 0},
};

static void only_a_whole_head_of_2xx_makes_a_tunnel(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        OWNED_STRUCT(proxy_answer) *answer = proxy_answer_new();
        uint16_t status = 0;
        enum proxy_verdict verdict =
            proxy_answer_feed(answer, slice_from_string(rows[i].answer), &status);

        if (verdict != rows[i].verdict || status != rows[i].status)
            fail_msg("row %zu: verdict %d, status %u", i, verdict, status);
    }
}

static void a_head_without_an_end_is_given_up(void **state)
{
    OWNED_STRUCT(proxy_answer) *answer = proxy_answer_new();
    uint16_t status = 0;
    size_t fed = 0;
    enum proxy_verdict verdict = proxy_answer_feed(answer, SLICE("HTTP/1.1 200 OK\r\n"), &status);

    (void)state;
    for (; verdict == PROXY_AWAITS_MORE; fed++)
        verdict = proxy_answer_feed(answer, SLICE("X-Padding: 0123456789\r\n"), &status);
    assert_int_equal(verdict, PROXY_MALFORMED);
    assert_true(fed < PROXY_ANSWER_MAX / 20);
}

static void assert_request(const char *host, const char *credentials, const char *expected)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = PROXY_REQUEST_MAX};
    struct proxy_credentials *held = NULL;
    struct authority target = {.port = 443};

    assert_int_equal(host_name_parse(slice_from_string(host), &target.host), OK);
    if (credentials != NULL)
        assert_int_equal(proxy_credentials_new(slice_from_string(credentials), &held), OK);
    assert_int_equal(proxy_answer_request(&target, held, out), OK);
    assert_int_equal(buffer_len(out), strlen(expected));
    assert_memory_equal(buffer_view(out).data, expected, strlen(expected));
    proxy_credentials_unref(held);
}

static void the_request_names_the_target_and_nothing_else(void **state)
{
    (void)state;
    assert_request("api.test", NULL, "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n");
    assert_request("2001:4860::1", NULL,
                   "CONNECT [2001:4860::1]:443 HTTP/1.1\r\nHost: [2001:4860::1]:443\r\n\r\n");
    assert_request("api.test", "Aladdin:open sesame",
                   "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n"
                   "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

static void credentials_have_a_colon_and_no_line_break(void **state)
{
    static const char *const refused[] = {"", "user", "user:pass\r\nX: y", "user:pa\tss"};
    struct proxy_credentials *held = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(proxy_credentials_new(slice_from_string(refused[i]), &held), ERR_SYNTAX);
    assert_null(held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_whole_head_of_2xx_makes_a_tunnel),
        cmocka_unit_test(a_head_without_an_end_is_given_up),
        cmocka_unit_test(the_request_names_the_target_and_nothing_else),
        cmocka_unit_test(credentials_have_a_colon_and_no_line_break),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
