/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule of an allowlist may look like, and what it matches. */
#include "policy/host_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* what is set, what it is kept as */
static const struct {
    const char *text, *canonical;
} accepted[] = {
    {"api.example.com", "api.example.com"},
    {"API.Example.COM", "api.example.com"},
    {"api.example.com.", "api.example.com"},
    {"localhost", "localhost"},
    {"xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"*.example.com", "*.example.com"},
    {"*.Example.Com.", "*.example.com"},
    {"*.co.uk", "*.co.uk"},
    {"*", "*"},
    {"api.example.com:8443", "api.example.com:8443"},
    {"api.example.com.:8443", "api.example.com:8443"},
    {"api.example.com:443", "api.example.com:443"},
    {"api.example.com:1", "api.example.com:1"},
    {"api.example.com:65535", "api.example.com:65535"},
    {"api.example.com:*", "api.example.com:*"},
    {"*.example.com:*", "*.example.com:*"},
    {"*:8443", "*:8443"},
    {"*:*", "*:*"},
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1:8443", "192.0.2.1:8443"},
    {"::1", "::1"},
    {"[::1]", "::1"},
    {"[::1]:443", "[::1]:443"},
    {"[::1]:*", "[::1]:*"},
    {"2001:db8::1", "2001:db8::1"},
};

static void a_pattern_is_kept_in_one_canonical_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
        struct host_pattern pattern;
        char text[HOST_PATTERN_MAX_LEN + 1];

        if (host_pattern_parse(slice_from_string(accepted[i].text), &pattern, NULL) != OK)
            fail_msg("\"%s\" is refused", accepted[i].text);
        assert_string_equal(host_pattern_format(&pattern, text).data, accepted[i].canonical);
    }
}

/* what is set, a word of the sentence that the user gets */
static const struct {
    const char *text, *hint;
} refused[] = {
    {"", "empty"},
    /* wildcards */
    {"*.com", "two labels"},
    {"*.com.", "two labels"},
    {"*.com:443", "two labels"},
    {"*.localhost", "two labels"},
    {"api.*", "only wildcard"},
    {"api.*.com", "only wildcard"},
    {"*.*.com", "only wildcard"},
    {"*.api.*.com", "only wildcard"},
    {"**", "only wildcard"},
    {"**.example.com", "only wildcard"},
    {"*example.com", "only wildcard"},
    {"api*.example.com", "only wildcard"},
    {"*.", "Not a host name"},
    {"*..example.com", "Not a host name"},
    {"*.192.0.2.1", "in front of an IP address"},
    {"*.0.2.1", "Not a host name"},
    {"*.[::1]", "in front of an IP address"},
    /* hosts */
    {".example.com", "Not a host name"},
    {"example..com", "Not a host name"},
    {"exa_mple.com", "Not a host name"},
    {"-a.com", "Not a host name"},
    {"0x7f.0.0.1", "Not a host name"},
    {"127.1", "Not a host name"},
    {"127.0.0.01", "Not a host name"},
    {":443", "Not a host name"},
    {"b\xc3\xbc"
     "cher.example",
     "A-labels"},
    {"api example.com", "no spaces"},
    {" api.example.com", "no spaces"},
    {"api.example.com\n", "no spaces"},
    /* what people paste */
    {"https://api.example.com", "without a scheme"},
    {"api.example.com/v1", "without a scheme"},
    {"user@api.example.com", "without a scheme"},
    {"api.example.com?x", "without a scheme"},
    /* ports */
    {"api.example.com:", "port"},
    {"api.example.com:0", "port"},
    {"api.example.com:65536", "port"},
    {"api.example.com:0443", "port"},
    {"api.example.com:-1", "port"},
    {"api.example.com:https", "port"},
    {"api.example.com:**", "port"},
    {"api.example.com:4*", "port"},
    /* brackets */
    {"[::1", "brackets"},
    {"[::1]443", "brackets"},
    {"[::1]:", "port"},
    {"[192.0.2.1]", "brackets"},
    {"[api.example.com]:443", "brackets"},
    {"1:2:3:4:5:6:7:8:443", "brackets"},
    {"0:0:0:0:0:0:0:1", "brackets"},
    {"[fe80::1%25eth0]", "brackets"},
};

static void a_bad_pattern_is_refused_with_a_sentence_that_helps(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct host_pattern pattern;
        const char *why = NULL;
        struct slice text = slice_from_string(refused[i].text);

        if (host_pattern_parse(text, &pattern, &why) != ERR_SYNTAX)
            fail_msg("\"%s\" is accepted", refused[i].text);
        if (why == NULL || strstr(why, refused[i].hint) == NULL)
            fail_msg("\"%s\": %s", refused[i].text, why != NULL ? why : "(no sentence)");
        assert_int_equal(host_pattern_parse(text, &pattern, NULL), ERR_SYNTAX);
    }
}

static void a_nul_or_an_endless_pattern_is_refused(void **state)
{
    char endless[5000];
    struct host_pattern pattern;

    (void)state;
    memset(endless, 'a', sizeof(endless));
    assert_int_equal(host_pattern_parse(SLICE("a.com\0"), &pattern, NULL), ERR_SYNTAX);
    assert_int_equal(host_pattern_parse(SLICE("a.com\0.b.com"), &pattern, NULL), ERR_SYNTAX);
    for (size_t len = 254; len <= sizeof(endless); len++)
        assert_int_equal(host_pattern_parse(slice_of(endless, len), &pattern, NULL), ERR_SYNTAX);
}

enum { NO, YES };

/* rule, target, does it match */
static const struct {
    const char *rule, *target;
    int matches;
} match_cases[] = {
    /* an exact name is that name and nothing around it */
    {"api.example.com", "api.example.com:443", YES},
    {"api.example.com", "API.EXAMPLE.COM.:443", YES},
    {"API.EXAMPLE.COM.", "api.example.com:443", YES},
    {"api.example.com", "example.com:443", NO},
    {"api.example.com", "v1.api.example.com:443", NO},
    {"api.example.com", "xapi.example.com:443", NO},
    {"api.example.com", "api.example.com.evil.test:443", NO},
    {"api.example.com", "api.example.co:443", NO},
    /* a wildcard is one or more labels, never the apex */
    {"*.example.com", "a.example.com:443", YES},
    {"*.example.com", "a.b.c.example.com:443", YES},
    {"*.example.com", "example.com:443", NO},
    {"*.example.com", "badexample.com:443", NO},
    {"*.example.com", "a.badexample.com:443", NO},
    {"*.example.com", "a.example.com.evil.test:443", NO},
    {"*.example.com", "a.example.org:443", NO},
    /* the star is every name, no address */
    {"*", "anything.test:443", YES},
    {"*", "localhost:80", YES},
    {"*", "192.0.2.1:443", NO},
    {"*", "[::1]:443", NO},
    {"*:*", "192.0.2.1:443", NO},
    /* an address is matched by the same address only */
    {"192.0.2.1", "192.0.2.1:443", YES},
    {"192.0.2.1", "192.0.2.10:443", NO},
    {"192.0.2.1", "[::ffff:192.0.2.1]:443", NO},
    {"[2001:db8::1]", "[2001:db8::1]:443", YES},
    {"2001:db8::1", "[2001:db8::1]:80", YES},
    {"2001:db8::1", "[2001:db8::2]:443", NO},
    /* ports: without one 443 and 80, else that one, or any */
    {"api.example.com", "api.example.com:80", YES},
    {"api.example.com", "api.example.com:8443", NO},
    {"api.example.com", "api.example.com:8080", NO},
    {"api.example.com:8443", "api.example.com:8443", YES},
    {"api.example.com:8443", "api.example.com:443", NO},
    {"api.example.com:443", "api.example.com:80", NO},
    {"api.example.com:*", "api.example.com:1", YES},
    {"api.example.com:*", "api.example.com:65535", YES},
    {"*.example.com:8443", "a.example.com:8443", YES},
    {"*.example.com:8443", "a.example.com:443", NO},
    {"*:8443", "a.test:8443", YES},
    {"*:8443", "a.test:443", NO},
    {"[::1]:8443", "[::1]:8443", YES},
    {"[::1]:8443", "[::1]:443", NO},
};

static void a_pattern_matches_what_its_rule_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(match_cases); i++) {
        struct host_pattern pattern;
        struct authority target;
        struct slice rule = slice_from_string(match_cases[i].rule);

        assert_int_equal(host_pattern_parse(rule, &pattern, NULL), OK);
        assert_int_equal(authority_parse(slice_from_string(match_cases[i].target), 0, &target), OK);
        if (host_pattern_matches(&pattern, &target) != match_cases[i].matches)
            fail_msg("rule \"%s\", target \"%s\"", match_cases[i].rule, match_cases[i].target);
    }
}

static void a_host_alone_has_neither_wildcard_nor_port(void **state)
{
    static const char *const good[] = {"db.internal", "10.1.2.3", "fd00::1", "[fd00::1]"};
    static const char *const bad[] = {
        "*", "*.internal.test", "db.internal:443", "db.internal:*", "10.0.0.0/8", "10.1.2.3:443",
        ""};
    struct host_pattern pattern;
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(host_pattern_parse_host(slice_from_string(good[i]), &pattern, &why), OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++, why = NULL) {
        assert_int_equal(host_pattern_parse_host(slice_from_string(bad[i]), &pattern, &why),
                         ERR_SYNTAX);
        assert_non_null(why);
    }
}

static void two_patterns_overlap_when_some_target_is_both(void **state)
{
    static const struct {
        const char *one, *other;
        bool overlap;
    } pairs[] = {
        {"a.test", "a.test", true},
        {"a.test", "b.test", false},
        {"*.a.test", "x.a.test", true},
        {"*.a.test", "a.test", false},
        {"*.a.test", "*.b.a.test", true},
        {"*.a.test", "*.b.test", false},
        {"*", "*.a.test", true},
        {"*", "192.0.2.1", false},
        {"a.test", "a.test:443", true},
        {"a.test", "a.test:8443", false},
        {"a.test:*", "a.test:8443", true},
        {"*.a.test:80", "x.a.test", true},
        {"*.a.test:81", "x.a.test", false},
    };
    struct host_pattern one, other;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        assert_int_equal(host_pattern_parse(slice_from_string(pairs[i].one), &one, NULL), OK);
        assert_int_equal(host_pattern_parse(slice_from_string(pairs[i].other), &other, NULL), OK);
        if (host_pattern_overlaps(&one, &other) != pairs[i].overlap ||
            host_pattern_overlaps(&other, &one) != pairs[i].overlap)
            fail_msg("%s, %s", pairs[i].one, pairs[i].other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_kept_in_one_canonical_form),
        cmocka_unit_test(a_bad_pattern_is_refused_with_a_sentence_that_helps),
        cmocka_unit_test(a_nul_or_an_endless_pattern_is_refused),
        cmocka_unit_test(a_pattern_matches_what_its_rule_says),
        cmocka_unit_test(a_host_alone_has_neither_wildcard_nor_port),
        cmocka_unit_test(two_patterns_overlap_when_some_target_is_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
