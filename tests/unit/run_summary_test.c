/* SPDX-License-Identifier: Apache-2.0 */
/* What `sealgate run` says at its end. */
#include "process/run/run_summary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define REFUSED(host, port, code)                                                                  \
    "{\"host\":\"" host "\",\"port\":" port ",\"decision\":\"refused\",\"code\":\"" code           \
    "\",\"secrets\":[\"KEY\"]}\n"
#define ALLOWED(host, port)                                                                        \
    "{\"host\":\"" host "\",\"port\":" port ",\"decision\":\"allowed\",\"secrets\":[]}\n"

#define UNOPENED(host)                                                                             \
    "{\"host\":\"" host                                                                            \
    "\",\"port\":443,\"decision\":\"allowed\",\"protocol\":\"tls-passthrough\","                   \
    "\"secrets\":[]}\n"

static void print_refusals(const struct run_summary *summary, FILE *out)
{
    run_summary_print_refusals(summary, true, out);
}

static void print_refusals_of_server(const struct run_summary *summary, FILE *out)
{
    run_summary_print_refusals(summary, false, out);
}

static void print_learned(const struct run_summary *summary, FILE *out)
{
    struct host_list *private_hosts = host_list_new();

    assert_non_null(private_hosts);
    assert_int_equal(host_list_add(private_hosts, SLICE("db.test"), NULL), OK);
    run_summary_print_learned(summary, private_hosts, out);
    host_list_free(private_hosts);
}

/* What one of them prints for these records, added in pieces of `piece` bytes. */
static char *printed(const char *records, size_t piece,
                     void (*print)(const struct run_summary *, FILE *))
{
    struct run_summary *summary = run_summary_new();
    struct slice rest = slice_from_string(records);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(summary);
    for (; rest.len > 0; rest = slice_skip(rest, piece))
        run_summary_add(summary, slice_take(rest, piece));
    print(summary, out);
    fclose(out);
    run_summary_free(summary);
    return text;
}

static void each_refusal_names_the_flag_that_would_allow_it(void **state)
{
    static const struct {
        const char *record, *line;
    } cases[] = {
        {REFUSED("a.test", "443", "host_not_allowed"),
         "  a.test: host_not_allowed (allow it with --allow a.test)\n"},
        {REFUSED("a.test", "8443", "host_not_allowed"),
         "  a.test:8443: host_not_allowed (allow it with --allow a.test:8443)\n"},
        {REFUSED("2001:db8::1", "8443", "host_not_allowed"),
         "  [2001:db8::1]:8443: host_not_allowed (allow it with --allow [2001:db8::1]:8443)\n"},
        {REFUSED("a.test", "443", "secret_host_not_allowed"),
         "  a.test: secret_host_not_allowed (allow it with --secret KEY=SOURCE@a.test)\n"},
        {REFUSED("db.test", "5432", "address_not_allowed"),
         "  db.test:5432: address_not_allowed (allow it with --private db.test; for a loopback or "
         "link-local address, --config FILE with db.test in upstream.resolve)\n"},
        {REFUSED("10.1.2.3", "443", "address_not_allowed"),
         "  10.1.2.3: address_not_allowed (allow it with --private 10.1.2.3)\n"},
        {REFUSED("127.0.0.1", "443", "address_not_allowed"),
         "  127.0.0.1: address_not_allowed (allow it with --config FILE with "
         "upstream.allow_addresses)\n"},
        {REFUSED("a.test", "443", "bad_request"), "  a.test: bad_request\n"},
        {REFUSED("", "443", "identity_required"), "  a connection: identity_required\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = printed(cases[i].record, 1000, print_refusals);
        assert_string_equal(strchr(text, '\n') + 1, cases[i].line);
        free(text);
    }
}

static void what_a_server_decides_is_no_flag_of_ours(void **state)
{
    char *text =
        printed(REFUSED("a.test", "443", "host_not_allowed"), 1000, print_refusals_of_server);

    (void)state;
    assert_string_equal(text,
                        "sealgate: refused:\n  a.test: host_not_allowed (its store does not allow "
                        "it)\n");
    free(text);
}

static void what_is_alike_is_counted(void **state)
{
    char *text = printed(REFUSED("a.test", "443", "host_not_allowed")
                             REFUSED("a.test", "80", "host_not_allowed")
                                 REFUSED("a.test", "0", "host_not_allowed"),
                         7, print_refusals);

    (void)state;
    assert_string_equal(text, "sealgate: refused:\n  a.test: host_not_allowed, 3 times (allow it "
                              "with --allow a.test)\n");
    free(text);
}

static void nothing_refused_prints_nothing(void **state)
{
    char *text = printed(ALLOWED("a.test", "443"), 1000, print_refusals);

    (void)state;
    assert_string_equal(text, "");
    free(text);
}

static void bytes_of_a_peer_never_reach_the_terminal(void **state)
{
    char *text = printed(REFUSED("a\\u001b]0;x", "443", "host_not_allowed") "not json\n" REFUSED(
                             "b.test", "443", "\\u001b[31m"),
                         1000, print_refusals);

    (void)state;
    assert_null(strchr(text, 0x1b));
    free(text);
}

static void the_learned_list_is_yaml_of_what_was_reached(void **state)
{
    char *text = printed(ALLOWED("a.test", "443") ALLOWED("a.test", "80") ALLOWED("b.test", "8443")
                             REFUSED("c.test", "443", "address_not_allowed"),
                         1000, print_learned);

    (void)state;
    assert_string_equal(text, "stores:\n  - name: learned\n    egress:\n"
                              "      - \"a.test\"\n      - \"b.test:8443\"\n");
    free(text);
}

static void what_was_learned_says_how_each_host_was_reached(void **state)
{
    char *text = printed(UNOPENED("a.test") ALLOWED("a.test", "80") ALLOWED("db.test", "5432"),
                         1000, print_learned);

    (void)state;
    assert_string_equal(text, "stores:\n  - name: learned\n    egress:\n"
                              "      - \"a.test\"\n      - \"db.test:5432\"\n"
                              "    passthroughHosts:\n      - \"a.test\"\n"
                              "    privateHosts:\n      - \"db.test\"\n");
    free(text);
}

static void nothing_reached_is_an_empty_list(void **state)
{
    char *text = printed("", 1, print_learned);

    (void)state;
    assert_string_equal(text, "stores:\n  - name: learned\n    egress: []\n");
    free(text);
}

static void it_does_not_grow_without_bound(void **state)
{
    struct run_summary *summary = run_summary_new();
    char line[200], *text = NULL;
    size_t size, lines = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    for (int i = 0; i < 2000; i++) {
        int len = snprintf(line, sizeof(line),
                           "{\"host\":\"h%d.test\",\"decision\":\"refused\",\"code\":\"x\"}\n", i);
        run_summary_add(summary, slice_of(line, (size_t)len));
    }
    run_summary_print_refusals(summary, true, out);
    fclose(out);
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    assert_in_range(lines, 500, 502);
    assert_non_null(strstr(text, "and 1500 more records"));
    free(text);
    run_summary_free(summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_names_the_flag_that_would_allow_it),
        cmocka_unit_test(what_a_server_decides_is_no_flag_of_ours),
        cmocka_unit_test(what_is_alike_is_counted),
        cmocka_unit_test(nothing_refused_prints_nothing),
        cmocka_unit_test(bytes_of_a_peer_never_reach_the_terminal),
        cmocka_unit_test(the_learned_list_is_yaml_of_what_was_reached),
        cmocka_unit_test(what_was_learned_says_how_each_host_was_reached),
        cmocka_unit_test(nothing_reached_is_an_empty_list),
        cmocka_unit_test(it_does_not_grow_without_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
