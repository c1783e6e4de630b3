/* SPDX-License-Identifier: Apache-2.0 */
/* Dials against a nameserver and a listener of the test's own, all on loopback. */
#include "process/dialer/dial.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* What the nameserver knows. IPv4 only; an empty AAAA answer for each name. */
static const struct {
    const char *name;
    uint8_t addresses[2][4];
    unsigned count;
} zone[] = {
    {"here.test", {{127, 0, 0, 1}}, 1},
    {"private.test", {{10, 0, 0, 1}}, 1},
    {"mixed.test", {{10, 0, 0, 1}, {127, 0, 0, 1}}, 2},
    {"second.test", {{127, 0, 0, 2}, {127, 0, 0, 1}}, 2},
    {"half-silent.test", {{127, 0, 0, 1}}, 1}, /* AAAA is never answered */
    {"empty.test", {{0}}, 0},
};

struct world {
    size_t descriptors; /* open before it */
    struct event_base *base;
    int nameserver, listener;
    struct event *on_query;
    unsigned queries; /* for A */
    uint16_t port;    /* of the listener, on 127.0.0.1 alone */
    struct config *config;
    struct dial_means means;
};

struct expectation {
    struct world *world;
    struct dial *dial;
    struct dial_outcome outcome;
    bool is_done;
};

static int bind_loopback(int type, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* The name of the question as text; returns the length of the whole question. */
static size_t read_question(const uint8_t *query, size_t len, char *name)
{
    size_t at = 12, out = 0;

    while (at < len && query[at] != 0) {
        memcpy(name + out, query + at + 1, query[at]);
        out += query[at];
        name[out++] = '.';
        at += query[at] + 1U;
    }
    name[out == 0 ? 0 : out - 1] = '\0';
    return at + 1 + 4;
}

static size_t append_address(uint8_t *reply, const uint8_t address[4])
{
    const uint8_t head[12] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4};

    memcpy(reply, head, sizeof(head));
    memcpy(reply + sizeof(head), address, 4);
    return sizeof(head) + 4;
}

static size_t answer_query(struct world *world, uint8_t *message, size_t len)
{
    char name[256];
    size_t end = read_question(message, len, name);
    bool is_a = message[end - 3] == 1;

    message[2] = 0x84;
    message[3] = 3; /* no such name */
    memset(message + 6, 0, 6);
    world->queries += is_a;
    for (size_t i = 0; i < ARRAY_LEN(zone); i++) {
        if (strcmp(zone[i].name, name) != 0)
            continue;
        message[3] = 0;
        message[7] = is_a ? (uint8_t)zone[i].count : 0;
        for (unsigned j = 0; is_a && j < zone[i].count; j++)
            end += append_address(message + end, zone[i].addresses[j]);
    }
    return end;
}

static bool is_for_ipv6(const uint8_t *query, ssize_t len)
{
    char name[256];

    return query[read_question(query, (size_t)len, name) - 3] == 28;
}

static void on_query(evutil_socket_t fd, short what, void *argument)
{
    uint8_t message[1024];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    ssize_t len = recvfrom(fd, message, 512, 0, (struct sockaddr *)&from, &from_len);

    (void)what;
    assert_true(len > 12);
    if (memmem(message, (size_t)len, "\x06silent", 7) != NULL ||
        (memmem(message, (size_t)len, "half-silent", 11) != NULL && is_for_ipv6(message, len)))
        return;
    size_t end = answer_query(argument, message, (size_t)len);
    assert_int_equal(sendto(fd, message, end, 0, (struct sockaddr *)&from, from_len), (ssize_t)end);
}

static size_t count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static int set_up(void **state)
{
    size_t descriptors = count_descriptors();
    static struct world world;
    struct config_error error;
    char text[512];
    uint16_t dns_port;

    world = (struct world){.base = event_base_new(), .descriptors = descriptors};
    world.nameserver = bind_loopback(SOCK_DGRAM, &dns_port);
    world.listener = bind_loopback(SOCK_STREAM, &world.port);
    assert_int_equal(listen(world.listener, 16), 0);
    world.on_query =
        event_new(world.base, world.nameserver, EV_READ | EV_PERSIST, on_query, &world);
    event_add(world.on_query, NULL);
    snprintf(text, sizeof(text),
             "limits: { connect_timeout: 30s }\n"
             "listen: { advertise: 'gate.test:3128' }\n"
             "upstream:\n  nameservers: ['127.0.0.1:%u']\n  allow_addresses: [127.0.0.0/8]\n"
             "  resolve: { fixed.test: '127.0.0.1:%u', bare.test: 127.0.0.1 }\n",
             dns_port, world.port);
    assert_int_equal(config_parse(slice_from_string(text), SLICE("t"), &world.config, &error), OK);
    world.means.base = world.base;
    world.means.config = world.config;
    dialer_guard_read_interfaces(&world.means.guard);
    dialer_guard_add_configured(&world.means.guard, world.config);
    assert_int_equal(resolver_new(world.base, world.config, &world.means.resolver), OK);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    resolver_free(world->means.resolver);
    event_free(world->on_query);
    event_base_free(world->base);
    config_free(world->config);
    close(world->nameserver);
    close(world->listener);
    /* None of an attempt that lost stays behind. */
    return count_descriptors() == world->descriptors ? 0 : -1;
}

static void on_done(void *context, const struct dial_outcome *outcome)
{
    struct expectation *expectation = context;

    expectation->outcome = *outcome;
    expectation->is_done = true;
    dial_free(TAKE(expectation->dial));
    event_base_loopbreak(expectation->world->base);
}

static struct dial_outcome dial_now(struct world *world, const char *host, uint16_t port,
                                    enum dial_kind kind)
{
    struct expectation expectation = {.world = world};
    struct authority target = {.port = port};

    assert_int_equal(host_name_parse(slice_from_string(host), &target.host), OK);
    assert_int_equal(dial_start(&world->means,
                                &(struct dial_question){.target = target, .kind = kind}, on_done,
                                &expectation, &expectation.dial),
                     OK);
    assert_false(expectation.is_done);
    while (!expectation.is_done)
        event_base_dispatch(world->base);
    return expectation.outcome;
}

static void assert_refused(struct world *world, const char *host, uint16_t port,
                           enum refusal_code code, const char *detail)
{
    struct dial_outcome outcome = dial_now(world, host, port, DIAL_CONNECT);

    assert_string_equal(refusal_code_name(outcome.code), refusal_code_name(code));
    assert_int_equal(outcome.fd, -1);
    if (strstr(outcome.detail, detail) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", outcome.detail, detail);
}

static void assert_connected(struct world *world, const char *host, uint16_t port)
{
    struct dial_outcome outcome = dial_now(world, host, port, DIAL_CONNECT);
    int value = 0;
    socklen_t len = sizeof(value);

    if (outcome.code != REFUSAL_NONE)
        fail_msg("%s: %s", host, outcome.detail);
    assert_int_equal(outcome.endpoint.port, world->port);
    assert_int_equal(getsockopt(outcome.fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    assert_int_not_equal(value, 0);
    assert_int_not_equal(fcntl(outcome.fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_not_equal(fcntl(outcome.fd, F_GETFD) & FD_CLOEXEC, 0);
    close(outcome.fd);
}

static void a_name_is_resolved_and_connected(void **state)
{
    struct world *world = *state;

    assert_connected(world, "here.test", world->port);
}

static void an_answer_is_asked_for_once_while_it_lives(void **state)
{
    struct world *world = *state;

    assert_connected(world, "here.test", world->port);
    assert_connected(world, "here.test", world->port);
    assert_int_equal(world->queries, 1);
}

static void a_literal_needs_no_nameserver(void **state)
{
    struct world *world = *state;

    assert_connected(world, "127.0.0.1", world->port);
    assert_int_equal(world->queries, 0);
}

static void an_entry_of_the_configuration_replaces_address_and_port(void **state)
{
    struct world *world = *state;

    assert_connected(world, "fixed.test", 443);
    assert_connected(world, "bare.test", world->port);
    assert_int_equal(world->queries, 0);
}

static void a_forbidden_address_in_a_mixed_answer_is_passed_over(void **state)
{
    struct world *world = *state;

    assert_connected(world, "mixed.test", world->port);
}

static void the_next_address_is_tried_when_one_refuses(void **state)
{
    struct world *world = *state;

    assert_connected(world, "second.test", world->port);
}

static void a_private_address_is_refused_by_name(void **state)
{
    assert_refused(*state, "private.test", 443, REFUSAL_ADDRESS_NOT_ALLOWED,
                   "private.test resolves to 10.0.0.1, which is not a public address.");
    assert_refused(*state, "10.0.0.1", 443, REFUSAL_ADDRESS_NOT_ALLOWED,
                   "10.0.0.1 is not a public address.");
}

static void a_named_private_target_is_let_through(void **state)
{
    struct world *world = *state;
    struct dial_question question = {.target.port = 443, .kind = DIAL_RESOLVE_ONLY};
    struct expectation expectation = {.world = world};

    for (int i = 0; i < 2; i++) {
        question.is_private_target = i == 1;
        expectation = (struct expectation){.world = world};
        assert_int_equal(host_name_parse(SLICE("private.test"), &question.target.host), OK);
        assert_int_equal(
            dial_start(&world->means, &question, on_done, &expectation, &expectation.dial), OK);
        while (!expectation.is_done)
            event_base_dispatch(world->base);
        assert_int_equal(expectation.outcome.code,
                         i == 1 ? REFUSAL_NONE : REFUSAL_ADDRESS_NOT_ALLOWED);
    }
    assert_memory_equal(expectation.outcome.endpoint.address.bytes, "\x0a\0\0\1", 4);
}

static void the_proxy_itself_is_no_target(void **state)
{
    assert_refused(*state, "here.test", 3128, REFUSAL_ADDRESS_NOT_ALLOWED, "127.0.0.1");
    assert_refused(*state, "bare.test", 3180, REFUSAL_ADDRESS_NOT_ALLOWED, "127.0.0.1");
    assert_refused(*state, "gate.test", 3128, REFUSAL_ADDRESS_NOT_ALLOWED, "the proxy itself");
}

static void a_name_without_an_address_is_a_dns_refusal(void **state)
{
    assert_refused(*state, "unknown.test", 443, REFUSAL_UPSTREAM_DNS, "has no address");
    assert_refused(*state, "empty.test", 443, REFUSAL_UPSTREAM_DNS, "has no address");
}

static void a_closed_port_is_a_connect_refusal_with_the_reason(void **state)
{
    struct world *world = *state;
    uint16_t port;
    int closed = bind_loopback(SOCK_STREAM, &port); /* bound, not listening */

    assert_refused(world, "here.test", port, REFUSAL_UPSTREAM_CONNECT, "Connection refused");
    close(closed);
}

static void a_silent_nameserver_is_a_dns_refusal_at_the_deadline(void **state)
{
    struct world *world = *state;

    world->config->connect_timeout_ms = 100;
    assert_refused(world, "silent.test", 443, REFUSAL_UPSTREAM_DNS, "in time");
}

/* A nameserver that swallows AAAA would hold the dial up for longer than it has. */
static void a_family_that_is_never_answered_holds_nothing_up(void **state)
{
    struct world *world = *state;

    world->config->connect_timeout_ms = 1500; /* c-ares asks again after 2 s */
    assert_connected(world, "half-silent.test", world->port);
}

/* A full accept queue drops what comes next, as a dead host does. */
struct dead_host {
    int listener, waiting[8];
};

static void dead_host_open(struct dead_host *host, uint8_t last, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(*port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK - 1 + last)}};
    socklen_t len = sizeof(address);

    host->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(host->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(host->listener, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    assert_int_equal(listen(host->listener, 0), 0);
    for (size_t i = 0; i < ARRAY_LEN(host->waiting); i++) {
        host->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(host->waiting[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static void dead_host_close(struct dead_host *host)
{
    for (size_t i = 0; i < ARRAY_LEN(host->waiting); i++)
        close(host->waiting[i]);
    close(host->listener);
}

static void a_silent_host_is_a_timeout_at_the_deadline(void **state)
{
    struct world *world = *state;
    struct dead_host host;
    uint16_t port = 0;

    dead_host_open(&host, 1, &port);
    world->config->connect_timeout_ms = 100;
    assert_refused(world, "here.test", port, REFUSAL_UPSTREAM_TIMEOUT, "in time");
    dead_host_close(&host);
}

static void the_next_address_is_tried_while_one_is_silent(void **state)
{
    struct world *world = *state;
    struct dead_host host;

    dead_host_open(&host, 2, &world->port); /* 127.0.0.2, the first of the two */
    assert_connected(world, "second.test", world->port);
    dead_host_close(&host);
}

static void resolving_alone_opens_no_connection(void **state)
{
    struct world *world = *state;
    struct dial_outcome outcome = dial_now(world, "here.test", world->port, DIAL_RESOLVE_ONLY);

    assert_int_equal(outcome.code, REFUSAL_NONE);
    assert_int_equal(outcome.fd, -1);
    assert_int_equal(outcome.endpoint.port, world->port);
    assert_int_equal(accept(world->listener, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
}

static void a_dial_can_be_given_up_in_every_state(void **state)
{
    struct world *world = *state;
    struct expectation expectation = {.world = world};
    struct authority target = {.port = world->port};

    assert_int_equal(host_name_parse(SLICE("here.test"), &target.host), OK);
    for (int turns = 0; turns < 6; turns++) {
        assert_int_equal(dial_start(&world->means, &(struct dial_question){.target = target},
                                    on_done, &expectation, &expectation.dial),
                         OK);
        for (int i = 0; i < turns && !expectation.is_done; i++)
            event_base_loop(world->base, EVLOOP_ONCE);
        dial_free(expectation.dial);
        if (expectation.is_done && expectation.outcome.fd >= 0)
            close(expectation.outcome.fd);
        expectation = (struct expectation){.world = world};
    }
}

static void other_nameservers_forget_what_was_known(void **state)
{
    struct world *world = *state;

    assert_connected(world, "here.test", world->port);
    assert_int_equal(resolver_reconfigure(world->means.resolver, world->config), OK);
    assert_connected(world, "here.test", world->port);
    assert_int_equal(world->queries, 2);
}

#define WORLD_TEST(fact) cmocka_unit_test_setup_teardown(fact, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_name_is_resolved_and_connected),
        WORLD_TEST(an_answer_is_asked_for_once_while_it_lives),
        WORLD_TEST(a_literal_needs_no_nameserver),
        WORLD_TEST(an_entry_of_the_configuration_replaces_address_and_port),
        WORLD_TEST(a_forbidden_address_in_a_mixed_answer_is_passed_over),
        WORLD_TEST(the_next_address_is_tried_when_one_refuses),
        WORLD_TEST(a_private_address_is_refused_by_name),
        WORLD_TEST(a_named_private_target_is_let_through),
        WORLD_TEST(the_proxy_itself_is_no_target),
        WORLD_TEST(a_name_without_an_address_is_a_dns_refusal),
        WORLD_TEST(a_closed_port_is_a_connect_refusal_with_the_reason),
        WORLD_TEST(a_silent_nameserver_is_a_dns_refusal_at_the_deadline),
        WORLD_TEST(a_silent_host_is_a_timeout_at_the_deadline),
        WORLD_TEST(the_next_address_is_tried_while_one_is_silent),
        WORLD_TEST(a_family_that_is_never_answered_holds_nothing_up),
        WORLD_TEST(resolving_alone_opens_no_connection),
        WORLD_TEST(a_dial_can_be_given_up_in_every_state),
        WORLD_TEST(other_nameservers_forget_what_was_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
