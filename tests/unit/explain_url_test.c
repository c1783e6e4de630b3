/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that a user asks `explain` about. */
#include "control/explain_url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *url;
    bool valid, is_https;
    const char *host;
    uint16_t port;
} cases[] = {
    {"https://api.example.com/v1/x?y=z", true, true, "api.example.com", 443},
    {"HTTPS://API.example.com", true, true, "api.example.com", 443},
    {"http://example.com:8080/", true, false, "example.com", 8080},
    {"http://example.com?q", true, false, "example.com", 80},
    {"https://example.com#f", true, true, "example.com", 443},
    {"https://[::1]:444/", true, true, "::1", 444},
    {"ftp://example.com/", false},
    {"example.com", false},
    {"https://", false},
    {"https://user@example.com/", false},
    {"https://example.com:0/", false},
    {"https://example.com:65536/", false},
    {"https://exa mple.com/", false},
    {"https://allowed.example\\@evil.example/", false},
    {"https://127.1/", false},
    {"https://a_b.example/", false},
};

static void urls_are_read_as_the_data_plane_would(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct explain_url url;
        enum error error = explain_url_parse(slice_from_string(cases[i].url), &url);
        if ((error == OK) != cases[i].valid)
            print_error("%s\n", cases[i].url);
        assert_int_equal(error == OK, cases[i].valid);
        if (!cases[i].valid)
            continue;
        assert_int_equal(url.is_https, cases[i].is_https);
        assert_string_equal(url.authority.host.text, cases[i].host);
        assert_int_equal(url.authority.port, cases[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(urls_are_read_as_the_data_plane_would)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
