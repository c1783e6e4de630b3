/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses are dialled, out of what a name resolves to. */
#include "process/dialer/dialer_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A machine with a public address of its own, and the default listeners. */
static struct dialer_guard machine(const struct config *config)
{
    struct dialer_guard guard = {.is_complete = true};

    assert_int_equal(ip_address_parse(SLICE("8.8.4.4"), &guard.local[guard.local_count++]), OK);
    assert_int_equal(ip_address_parse(SLICE("192.168.7.7"), &guard.local[guard.local_count++]), OK);
    dialer_guard_add_configured(&guard, config);
    return guard;
}

static struct config *config_of(const char *text)
{
    struct config *config = NULL;
    struct config_error error;

    assert_int_equal(config_parse(slice_from_string(text), SLICE("t"), &config, &error), OK);
    return config;
}

static size_t parse_addresses(const char *text, struct ip_address *out, size_t max)
{
    struct slice rest = slice_from_string(text);
    size_t count = 0;

    while (rest.len > 0 && count < max)
        assert_int_equal(ip_address_parse(slice_split(&rest, ' '), &out[count++]), OK);
    return count;
}

static const char *print(const struct dialer_plan *plan)
{
    static char text[1024];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < plan->count; i++) {
        char address[IP_ADDRESS_TEXT_MAX];

        ip_address_format(&plan->endpoints[i].address, address);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i == 0 ? "" : " ", address);
    }
    return text;
}

#define EXEMPT_ALL "upstream: { allow_addresses: [0.0.0.0/0, '::/0'] }"
#define LISTEN_ALL "listen: { proxy: [0.0.0.0:3128], control: [10.1.1.1:3180] }\n" EXEMPT_ALL
#define LISTEN_TRANSPARENT "listen: { transparent: [0.0.0.0:3129] }\n" EXEMPT_ALL

static const struct {
    const char *fact;
    const char *config;
    enum dialer_exemption exemption;
    uint16_t port;
    const char *addresses;
    const char *dialled;
    const char *refused;
} rows[] = {
    {"a public address is dialled", "", DIALER_CHECKED, 443, "1.1.1.1", "1.1.1.1", ""},
    {"IPv6 and IPv4 take turns, IPv6 first", "", DIALER_CHECKED, 443,
     "1.1.1.1 1.0.0.1 2606:4700::1 2606:4700::2", "2606:4700::1 1.1.1.1 2606:4700::2 1.0.0.1", ""},
    {"a private address is left out of a mixed answer", "", DIALER_CHECKED, 443, "10.0.0.1 1.1.1.1",
     "1.1.1.1", "10.0.0.1"},
    {"nothing is left of private addresses", "", DIALER_CHECKED, 443, "10.0.0.1 127.0.0.1 ::1", "",
     "::1"},
    {"cloud metadata is private", "", DIALER_CHECKED, 80, "169.254.169.254", "", "169.254.169.254"},
    {"a mapped address counts as what it maps", "", DIALER_CHECKED, 443, "::ffff:10.0.0.1", "",
     "::ffff:10.0.0.1"},
    {"an exempt network is dialled", "upstream: { allow_addresses: [10.0.0.0/8] }", DIALER_CHECKED,
     443, "10.0.0.1 192.168.0.1", "10.0.0.1", "192.168.0.1"},
    {"an address beside a name in the configuration is exempt", "", DIALER_EXEMPT, 443, "127.0.0.1",
     "127.0.0.1", ""},
    {"multicast stays forbidden whatever is exempt", EXEMPT_ALL, DIALER_EXEMPT, 443, "224.0.0.1",
     "", "224.0.0.1"},
    {"the machine's own public address is refused", "", DIALER_CHECKED, 443, "8.8.4.4", "",
     "8.8.4.4"},
    {"unless it is exempt", "upstream: { allow_addresses: [8.8.4.4] }", DIALER_CHECKED, 443,
     "8.8.4.4", "8.8.4.4", ""},
    {"the proxy is no target on loopback", EXEMPT_ALL, DIALER_CHECKED, 3128, "127.0.0.1", "",
     "127.0.0.1"},
    {"nor as a mapped address", EXEMPT_ALL, DIALER_CHECKED, 3128, "::ffff:127.0.0.1", "",
     "::ffff:127.0.0.1"},
    {"nor in 127/8", EXEMPT_ALL, DIALER_CHECKED, 3128, "127.9.9.9", "", "127.9.9.9"},
    {"nor by an entry of the configuration", "", DIALER_EXEMPT, 3180, "127.0.0.1", "", "127.0.0.1"},
    {"nor through an interface", LISTEN_ALL, DIALER_CHECKED, 3128, "192.168.7.7", "",
     "192.168.7.7"},
    {"nor by its listening address alone", LISTEN_ALL, DIALER_EXEMPT, 3180, "10.1.1.1", "",
     "10.1.1.1"},
    {"nor a transparent listener", LISTEN_TRANSPARENT, DIALER_CHECKED, 3129, "127.0.0.1", "",
     "127.0.0.1"},
    {"a named target may be private", "", DIALER_NAMED, 443, "10.0.0.1 fd12::1 1.1.1.1",
     "fd12::1 10.0.0.1 1.1.1.1", ""},
    {"but not on loopback", "", DIALER_NAMED, 443, "127.0.0.1 ::1", "", "::1"},
    {"nor link-local", "", DIALER_NAMED, 80, "169.254.169.254 169.254.0.1", "", "169.254.169.254"},
    {"nor a metadata service of IPv6", "", DIALER_NAMED, 80, "fd00:ec2::254", "", "fd00:ec2::254"},
    {"nor this machine", "", DIALER_NAMED, 443, "192.168.7.7 192.168.7.8", "192.168.7.8",
     "192.168.7.7"},
    {"nor one of its listeners", LISTEN_ALL, DIALER_NAMED, 3180, "10.1.1.1", "", "10.1.1.1"},
    {"a mapped address counts as what it maps, named or not", "", DIALER_NAMED, 443,
     "::ffff:10.0.0.1 ::ffff:127.0.0.1", "10.0.0.1", "::ffff:127.0.0.1"},
    {"its port elsewhere is another machine's", "", DIALER_CHECKED, 3128, "1.1.1.1", "1.1.1.1", ""},
};

static void every_row_of_the_table_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        OWNED_STRUCT(config) *config = config_of(rows[i].config);
        const struct dialer_guard guard = machine(config);
        struct ip_address addresses[8];
        size_t count = parse_addresses(rows[i].addresses, addresses, ARRAY_LEN(addresses));
        struct dialer_plan plan = {.count = 0};
        char refused[IP_ADDRESS_TEXT_MAX] = "";

        dialer_guard_plan(
            &guard, config,
            &(struct dialer_candidates){addresses, count, rows[i].port, rows[i].exemption}, &plan);
        if (plan.refused.len != 0)
            ip_address_format(&plan.refused, refused);
        if (strcmp(print(&plan), rows[i].dialled) != 0 || strcmp(refused, rows[i].refused) != 0)
            fail_msg("%s: dials \"%s\", refuses \"%s\"", rows[i].fact, print(&plan), refused);
    }
}

static void unknown_interfaces_make_every_address_one_of_ours(void **state)
{
    (void)state;
    OWNED_STRUCT(config) *config = config_of(EXEMPT_ALL);
    struct dialer_guard guard = machine(config);
    struct dialer_plan plan = {.count = 0};
    struct ip_address address;

    guard.is_complete = false;
    assert_int_equal(ip_address_parse(SLICE("1.1.1.1"), &address), OK);
    dialer_guard_plan(&guard, config,
                      &(struct dialer_candidates){&address, 1, 3128, DIALER_CHECKED}, &plan);
    assert_int_equal(plan.count, 0);
    dialer_guard_plan(&guard, config, &(struct dialer_candidates){&address, 1, 443, DIALER_CHECKED},
                      &plan);
    assert_int_equal(plan.count, 1);
}

static void more_listeners_than_fit_close_the_machine(void **state)
{
    (void)state;
    OWNED_STRUCT(config) *config = config_of(EXEMPT_ALL);
    struct dialer_guard guard = machine(config);
    struct dialer_plan plan = {.count = 0};
    struct ip_endpoint listener;

    assert_int_equal(ip_endpoint_parse(SLICE("127.0.0.1:1"), &listener), OK);
    for (unsigned port = 20000; port < 20000 + DIALER_GUARD_LISTENERS_MAX; port++) {
        listener.port = (uint16_t)port;
        dialer_guard_add_listener(&guard, &listener);
    }
    dialer_guard_plan(&guard, config,
                      &(struct dialer_candidates){&listener.address, 1, 9, DIALER_CHECKED}, &plan);
    assert_int_equal(plan.count, 0);
}

static void loopback_is_among_the_interfaces(void **state)
{
    struct dialer_guard guard = {.is_complete = false};
    struct ip_address loopback;
    bool found = false;

    (void)state;
    assert_int_equal(ip_address_parse(SLICE("127.0.0.1"), &loopback), OK);
    dialer_guard_read_interfaces(&guard);
    for (size_t i = 0; i < guard.local_count; i++)
        found |= ip_address_equals(&guard.local[i], &loopback);
    assert_true(found);
    assert_true(guard.is_complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_holds),
        cmocka_unit_test(unknown_interfaces_make_every_address_one_of_ours),
        cmocka_unit_test(more_listeners_than_fit_close_the_machine),
        cmocka_unit_test(loopback_is_among_the_interfaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
