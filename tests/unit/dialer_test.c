/* SPDX-License-Identifier: Apache-2.0 */
/* The dialer process, as a worker and control see it: a real one, over real channels. */
#include "process/dialer/dialer.h"

#include "policy/policy.h"
#include "process_fixture.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct dialer_world {
    struct process_fixture process;
    int listener;
    uint16_t port;
    struct peer worker, control;
    bool is_ready, is_worker_gone, is_lost;
    struct message_dialed dialed;
    struct message_looked_up looked_up;
    bool is_outdated, has_taken;
    char detail[512];
    bool has_answer;
};

static void on_ready(struct peer *peer, struct message *message UNUSED)
{
    struct dialer_world *world = peer->context;

    world->is_ready = true;
}

static void on_peer_lost(struct peer *peer, struct message *message UNUSED)
{
    struct dialer_world *world = peer->context;

    world->is_lost = true;
}

static void note(struct dialer_world *world, struct slice detail)
{
    snprintf(world->detail, sizeof(world->detail), "%.*s", SLICE_ARG(detail));
    world->has_answer = true;
}

static void on_dialed(struct peer *peer, struct message *message)
{
    struct dialer_world *world = peer->context;

    world->dialed = message->dialed;
    world->dialed.socket = message_take_fd(&message->dialed.socket);
    note(world, message->dialed.detail);
}

static void on_looked_up(struct peer *peer, struct message *message)
{
    struct dialer_world *world = peer->context;

    world->looked_up = message->looked_up;
    world->has_answer = true;
}

static void on_resolved(struct peer *peer, struct message *message)
{
    struct dialer_world *world = peer->context;

    world->dialed = (struct message_dialed){.ticket = message->resolved.ticket,
                                            .code = message->resolved.code,
                                            .address = message->resolved.address,
                                            .socket = -1};
    note(world, message->resolved.detail);
}

static void on_view_outdated(struct peer *peer, struct message *message)
{
    struct dialer_world *world = peer->context;

    assert_int_equal(message->view_outdated.ticket, 5);
    world->is_outdated = true;
    world->has_answer = true;
}

static void on_view_taken(struct peer *peer, struct message *message)
{
    struct dialer_world *world = peer->context;

    assert_int_equal(message->view_taken.push, 3);
    world->has_taken = true;
}

static void on_worker_gone(struct peer *peer)
{
    struct dialer_world *world = peer->context;

    world->is_worker_gone = true;
}

static message_handler *const supervisor_handlers[MESSAGE_COUNT] = {
    [MESSAGE_READY] = on_ready, [MESSAGE_PEER_LOST] = on_peer_lost};
static message_handler *const worker_handlers[MESSAGE_COUNT] = {[MESSAGE_DIALED] = on_dialed,
                                                                [MESSAGE_LOOKED_UP] = on_looked_up,
                                                                [MESSAGE_VIEW_OUTDATED] =
                                                                    on_view_outdated};
static message_handler *const control_handlers[MESSAGE_COUNT] = {
    [MESSAGE_RESOLVED] = on_resolved, [MESSAGE_VIEW_TAKEN] = on_view_taken};

static void listen_on_loopback(struct dialer_world *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);

    world->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(world->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(world->listener, 16), 0);
    assert_int_equal(getsockname(world->listener, (struct sockaddr *)&address, &len), 0);
    world->port = ntohs(address.sin_port);
}

static void send_configuration(struct dialer_world *world, uint64_t route_tag)
{
    char text[512];

    snprintf(text, sizeof(text),
             "upstream: { resolve: { ok.test: '127.0.0.1:%u', private.test: 10.0.0.1,\n"
             "  six.test: 'fd00::1', other.test: 10.0.0.3 } }\n",
             world->port);
    const struct message configuration = {.type = MESSAGE_CONFIGURATION,
                                          .configuration = {.path = SLICE("t.yaml"),
                                                            .text = slice_from_string(text),
                                                            .data_dir = SLICE("/tmp"),
                                                            .route_tag = route_tag}};
    process_fixture_send(&world->process, &configuration);
}

static int set_up(void **state)
{
    struct dialer_world *world = calloc(1, sizeof(*world));

    world->process.role = PROCESS_DIALER;
    world->worker =
        (struct peer){.context = world, .handlers = worker_handlers, .on_gone = on_worker_gone};
    world->control = (struct peer){.context = world, .handlers = control_handlers};
    listen_on_loopback(world);
    process_fixture_start(&world->process, dialer_main, supervisor_handlers, world);
    send_configuration(world, 1);
    process_fixture_begin(&world->process);
    process_fixture_connect(&world->process, &world->worker, PROCESS_WORKER);
    process_fixture_connect(&world->process, &world->control, PROCESS_CONTROL);
    process_fixture_wait(&world->process, &world->is_ready);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct dialer_world *world = *state;

    peer_close(&world->worker);
    peer_close(&world->control);
    int result = process_fixture_end(&world->process);
    close(world->listener);
    free(world);
    return result;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A sandbox whose one store allows some hosts, as control would build its view now. */
static void encode_view(enum view_status status, struct buffer *out)
{
    struct host_list *allowlist = host_list_new();
    struct view_layer layer = {SLICE("st-1"), SLICE("store"), allowlist, {0}};
    struct view view = {.generation = now_ns(),
                        .sandbox_id = SLICE("sb-1"),
                        .org_id = SLICE("org-1"),
                        .status = status,
                        .layers = &layer,
                        .layer_count = 1};

    assert_int_equal(host_list_add(allowlist, SLICE("ok.test:*"), NULL), OK);
    assert_int_equal(host_list_add(allowlist, SLICE("private.test:*"), NULL), OK);
    assert_int_equal(host_list_add(allowlist, SLICE("six.test:8443"), NULL), OK);
    assert_int_equal(host_list_add(allowlist, SLICE("10.0.0.2:*"), NULL), OK);
    assert_int_equal(view_encode(&view, out), OK);
    host_list_free(allowlist);
}

static void present(struct dialer_world *world, uint64_t handle, enum view_status status)
{
    OWNED_STRUCT(buffer) *encoded = &(struct buffer){.limit = 4096};
    struct message message = {.type = MESSAGE_PRESENT_VIEW};

    encode_view(status, encoded);
    message.present_view.handle = handle;
    message.present_view.view = buffer_view(encoded);
    view_mac_sign(&world->process.key, message.present_view.view, message.present_view.mac);
    assert_int_equal(peer_send(&world->worker, &message), OK);
}

static struct message dial_message(uint64_t handle, const char *host, uint16_t port)
{
    struct message message = {.type = MESSAGE_DIAL, .dial = {.ticket = 5, .handle = handle}};

    message.dial.target.port = port;
    assert_int_equal(host_name_parse(slice_from_string(host), &message.dial.target.host), OK);
    return message;
}

static void dial(struct dialer_world *world, uint64_t handle, const char *host, uint16_t port)
{
    const struct message message = dial_message(handle, host, port);

    world->has_answer = false;
    assert_int_equal(peer_send(&world->worker, &message), OK);
    process_fixture_wait(&world->process, &world->has_answer);
    assert_int_equal(world->dialed.ticket, 5);
}

static void assert_refused(struct dialer_world *world, const char *host, uint16_t port,
                           const char *code)
{
    dial(world, 1, host, port);
    assert_string_equal(refusal_code_name(world->dialed.code), code);
    assert_int_equal(world->dialed.socket, -1);
}

static void a_worker_gets_a_connected_socket(void **state)
{
    struct dialer_world *world = *state;
    char byte = 0;

    present(world, 1, VIEW_RUNNING);
    dial(world, 1, "ok.test", 443);
    assert_int_equal(world->dialed.code, REFUSAL_NONE);
    assert_int_equal(world->dialed.address.port, world->port);
    int upstream = accept(world->listener, NULL, NULL);
    assert_int_equal(write(upstream, "x", 1), 1);
    while (read(world->dialed.socket, &byte, 1) != 1)
        continue; /* it is non-blocking */
    assert_int_equal(byte, 'x');
    close(upstream);
    close(world->dialed.socket);
}

static void an_answer_says_which_configuration_it_went_by(void **state)
{
    struct dialer_world *world = *state;

    present(world, 1, VIEW_RUNNING);
    dial(world, 1, "ok.test", 443);
    assert_int_equal(world->dialed.route_tag, 1);
    close(world->dialed.socket);
    send_configuration(world, 2);
    while (world->dialed.route_tag == 1) { /* the two channels are read in any order */
        dial(world, 1, "ok.test", 443);
        close(world->dialed.socket);
    }
    assert_int_equal(world->dialed.route_tag, 2);
}

static void what_the_view_does_not_allow_is_refused(void **state)
{
    struct dialer_world *world = *state;

    present(world, 1, VIEW_RUNNING);
    assert_refused(world, "other.test", 443, "host_not_allowed");
    assert_refused(world, "10.0.0.2", 443, "address_not_allowed");
}

static void a_suspended_sandbox_dials_nothing(void **state)
{
    struct dialer_world *world = *state;

    present(world, 1, VIEW_SUSPENDED);
    assert_refused(world, "ok.test", 443, "sandbox_suspended");
}

static void a_view_presented_anew_replaces_the_old_one(void **state)
{
    struct dialer_world *world = *state;

    present(world, 1, VIEW_RUNNING);
    present(world, 1, VIEW_SUSPENDED);
    assert_refused(world, "ok.test", 443, "sandbox_suspended");
}

static void ask_for_outdated(struct dialer_world *world, const struct message *message)
{
    world->has_answer = world->is_outdated = false;
    assert_int_equal(peer_send(&world->worker, message), OK);
    process_fixture_wait(&world->process, &world->has_answer);
    assert_true(world->is_outdated);
}

static void outdate(struct dialer_world *world, struct slice sandbox_id, uint64_t generation)
{
    const struct message message = {
        .type = MESSAGE_OUTDATE_VIEWS,
        .outdate_views = {
            .call = 3, .generation = generation, .sandboxes = {&sandbox_id, sandbox_id.len > 0}}};

    world->has_taken = false;
    assert_int_equal(peer_send(&world->control, &message), OK);
    process_fixture_wait(&world->process, &world->has_taken);
}

static void a_view_from_before_a_change_is_neither_dialled_for_nor_looked_up(void **state)
{
    struct dialer_world *world = *state;
    const struct message dialing = dial_message(1, "ok.test", 443);
    struct message looking = {.type = MESSAGE_LOOKUP, .lookup = {.ticket = 5, .handle = 1}};

    looking.lookup.host = dialing.dial.target.host;
    present(world, 1, VIEW_RUNNING);
    outdate(world, SLICE("sb-2"), now_ns());
    assert_refused(world, "other.test", 443, "host_not_allowed"); /* judged: it still counts */
    outdate(world, SLICE("sb-1"), now_ns());
    ask_for_outdated(world, &dialing);
    ask_for_outdated(world, &looking);
    present(world, 1, VIEW_SUSPENDED);
    assert_refused(world, "ok.test", 443, "sandbox_suspended");
    outdate(world, SLICE_NONE, now_ns());
    ask_for_outdated(world, &dialing);
}

static void a_view_with_a_wrong_mac_costs_the_worker_its_channel(void **state)
{
    struct dialer_world *world = *state;

    world->process.key.bytes[0] ^= 1;
    present(world, 1, VIEW_RUNNING);
    process_fixture_wait(&world->process, &world->is_worker_gone);
    process_fixture_wait(&world->process, &world->is_lost);
}

static void so_does_a_handle_that_was_never_presented(void **state)
{
    struct dialer_world *world = *state;
    const struct message message = dial_message(9, "ok.test", 443);

    present(world, 1, VIEW_RUNNING);
    assert_int_equal(peer_send(&world->worker, &message), OK);
    process_fixture_wait(&world->process, &world->is_worker_gone);
}

static void so_does_a_handle_that_was_forgotten(void **state)
{
    struct dialer_world *world = *state;
    const struct message forget = {.type = MESSAGE_FORGET_VIEW, .forget_view = {.handle = 1}};
    const struct message message = dial_message(1, "ok.test", 443);

    present(world, 1, VIEW_RUNNING);
    assert_int_equal(peer_send(&world->worker, &forget), OK);
    assert_int_equal(peer_send(&world->worker, &message), OK);
    process_fixture_wait(&world->process, &world->is_worker_gone);
}

static void a_worker_may_not_resolve_without_a_view(void **state)
{
    struct dialer_world *world = *state;
    struct message message = {.type = MESSAGE_RESOLVE, .resolve = {.ticket = 5}};

    message.resolve.target = dial_message(1, "ok.test", 443).dial.target;
    assert_int_equal(peer_send(&world->worker, &message), OK);
    process_fixture_wait(&world->process, &world->is_worker_gone);
}

static void control_learns_what_would_be_dialled(void **state)
{
    struct dialer_world *world = *state;
    struct message message = {.type = MESSAGE_RESOLVE, .resolve = {.ticket = 6}};

    message.resolve.target = dial_message(1, "private.test", 443).dial.target;
    assert_int_equal(peer_send(&world->control, &message), OK);
    process_fixture_wait(&world->process, &world->has_answer);
    assert_int_equal(world->dialed.ticket, 6);
    assert_int_equal(world->dialed.code, REFUSAL_NONE);
    assert_int_equal(world->dialed.address.address.bytes[0], 10);
    assert_int_equal(world->dialed.address.port, 443);
}

static struct message lookup_message(uint64_t handle, const char *host, bool wants_ipv6)
{
    struct message message = {.type = MESSAGE_LOOKUP,
                              .lookup = {.ticket = 7, .handle = handle, .wants_ipv6 = wants_ipv6}};

    assert_int_equal(host_name_parse(slice_from_string(host), &message.lookup.host), OK);
    return message;
}

static const struct message_looked_up *look_up(struct dialer_world *world, const char *host,
                                               bool wants_ipv6)
{
    const struct message message = lookup_message(1, host, wants_ipv6);

    world->has_answer = false;
    assert_int_equal(peer_send(&world->worker, &message), OK);
    process_fixture_wait(&world->process, &world->has_answer);
    assert_int_equal(world->looked_up.ticket, 7);
    return &world->looked_up;
}

static void a_name_of_the_configuration_has_its_address_and_no_other(void **state)
{
    struct dialer_world *world = *state;

    present(world, 1, VIEW_RUNNING);
    const struct message_looked_up *answer = look_up(world, "private.test", false);
    assert_int_equal(answer->code, REFUSAL_NONE);
    assert_true(answer->exists);
    assert_int_equal(answer->addresses.count, 1);
    assert_memory_equal(answer->addresses.items[0].bytes, ((uint8_t[]){10, 0, 0, 1}), 4);
    assert_in_range(answer->ttl_s, 1, 60);
    assert_int_equal(look_up(world, "private.test", true)->addresses.count, 0);
    assert_true(world->looked_up.exists);
    assert_int_equal(look_up(world, "six.test", false)->addresses.count, 0);
    assert_int_equal(look_up(world, "six.test", true)->addresses.count, 1);
}

static void a_name_that_the_view_does_not_allow_is_not_looked_up(void **state)
{
    struct dialer_world *world = *state;

    present(world, 1, VIEW_RUNNING);
    assert_int_equal(look_up(world, "other.test", false)->code, REFUSAL_HOST_NOT_ALLOWED);
    assert_int_equal(world->looked_up.addresses.count, 0);
    assert_int_equal(look_up(world, "10.0.0.2", false)->code, REFUSAL_HOST_NOT_ALLOWED);
    present(world, 1, VIEW_SUSPENDED);
    assert_int_equal(look_up(world, "ok.test", false)->code, REFUSAL_SANDBOX_SUSPENDED);
}

static void a_look_up_without_a_view_costs_the_worker_its_channel(void **state)
{
    struct dialer_world *world = *state;
    const struct message message = lookup_message(9, "ok.test", false);

    assert_int_equal(peer_send(&world->worker, &message), OK);
    process_fixture_wait(&world->process, &world->is_worker_gone);
}

#define DIALER_TEST(fact) cmocka_unit_test_setup_teardown(fact, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIALER_TEST(a_worker_gets_a_connected_socket),
        DIALER_TEST(an_answer_says_which_configuration_it_went_by),
        DIALER_TEST(what_the_view_does_not_allow_is_refused),
        DIALER_TEST(a_suspended_sandbox_dials_nothing),
        DIALER_TEST(a_view_presented_anew_replaces_the_old_one),
        DIALER_TEST(a_view_from_before_a_change_is_neither_dialled_for_nor_looked_up),
        DIALER_TEST(a_view_with_a_wrong_mac_costs_the_worker_its_channel),
        DIALER_TEST(so_does_a_handle_that_was_never_presented),
        DIALER_TEST(so_does_a_handle_that_was_forgotten),
        DIALER_TEST(a_worker_may_not_resolve_without_a_view),
        DIALER_TEST(control_learns_what_would_be_dialled),
        DIALER_TEST(a_name_of_the_configuration_has_its_address_and_no_other),
        DIALER_TEST(a_name_that_the_view_does_not_allow_is_not_looked_up),
        DIALER_TEST(a_look_up_without_a_view_costs_the_worker_its_channel),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
