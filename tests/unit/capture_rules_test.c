/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor sees in the rules of nftables. */
#include "cli/capture_rules.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NAT                                                                                        \
    "table inet t {\n\tchain c {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
#define FORWARD "table inet t {\n\tchain c {\n\t\ttype filter hook forward priority filter;\n"
#define INPUT "table inet t {\n\tchain c {\n\t\ttype filter hook input priority filter;\n"
#define END "\t}\n}\n"

/* r: redirects, t: uses_tproxy, f: refuses, i: guards_input, s: checks_paths */
static const struct {
    const char *fact;
    const char *ruleset;
    const char *found;
} rows[] = {
    {"nothing says nothing", "", ""},
    {"a redirect is one", NAT "\t\ttcp dport { 80, 443 } redirect to :3129\n" END, "r"},
    {"also to a range", NAT "\t\tredirect to :3129-3130\n" END, "r"},
    {"a longer port is another", NAT "\t\tredirect to :31290\n" END, ""},
    {"a longer port does not hide it", NAT "\t\tredirect to :31290 redirect to :3129\n" END, "r"},
    {"so is DNAT", NAT "\t\tdnat ip to 10.0.0.1:3129\n" END, "r"},
    {"a port alone is none", NAT "\t\tip daddr . tcp dport { 10.0.0.1:3129 } accept\n" END, ""},
    {"TPROXY is told apart", NAT "\t\ttproxy to :3129 accept\n" END, "t"},
    {"TPROXY of one family", NAT "\t\ttproxy ip to 10.0.0.1:3129\n" END, "t"},
    {"a drop at the forward hook", FORWARD "\t\tiifname \"a\" drop\n" END, "f"},
    {"a reject at the forward hook", FORWARD "\t\tiifname \"a\" reject with tcp reset\n" END, "f"},
    {"an accept refuses nothing", FORWARD "\t\tiifname \"a\" accept\n" END, ""},
    {"a drop elsewhere is not forwarding's", NAT "\t\tiifname \"a\" drop\n" END, ""},
    {"a drop of the next table neither", FORWARD END "table ip u {\n\tchain x {\n\t\tdrop\n" END,
     ""},
    {"a drop at the input hook", INPUT "\t\tdrop\n" END, "i"},
    {"or where it jumps to", INPUT "\t\tjump x\n\t}\n\n\tchain x {\n\t\tdrop\n" END, "i"},
    {"source addresses", NAT "\t\tfib saddr . iif oif missing drop\n" END, "s"},
};

static void every_row_of_the_table_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct capture_rules rules = capture_rules_read(slice_from_string(rows[i].ruleset), 3129);
        char found[6] = "", *end = found;

        *end = 'r', end += rules.redirects;
        *end = 't', end += rules.uses_tproxy;
        *end = 'f', end += rules.refuses;
        *end = 'i', end += rules.guards_input;
        *end = 's', end += rules.checks_paths;
        *end = '\0';
        if (strcmp(found, rows[i].found) != 0)
            print_error("%s: found \"%s\"\n", rows[i].fact, found);
        assert_string_equal(found, rows[i].found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row_of_the_table_holds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
