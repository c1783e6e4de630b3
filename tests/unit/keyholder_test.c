/* SPDX-License-Identifier: Apache-2.0 */
/* The keyholder process, as a worker and control see it: a real one, over real channels. */
#include "process/keyholder/keyholder.h"

#include "policy/policy.h"
#include "process_fixture.h"
#include "seal/seal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { HANDLE = 1, TICKET = 5, CALL = 3 };

struct keyholder_world {
    struct process_fixture process;
    struct peer worker, control;
    struct buffer reply; /* of the last call */
    enum error reply_error;
    bool is_ready, has_reply;
    bool is_done, is_outdated;
    char value[64]; /* that the worker got */
};

static void on_ready(struct peer *peer, struct message *message UNUSED)
{
    struct keyholder_world *world = peer->context;

    world->is_ready = true;
}

static void on_nothing(struct peer *peer UNUSED, struct message *message UNUSED)
{
}

static void on_value(struct peer *peer, struct message *message)
{
    struct keyholder_world *world = peer->context;
    struct slice value = message->value.value;

    assert_int_equal(message->value.ticket, TICKET);
    assert_true(value.len < sizeof(world->value));
    memcpy(world->value, value.data, value.len);
}

static void on_values_done(struct peer *peer, struct message *message)
{
    struct keyholder_world *world = peer->context;

    assert_int_equal(message->values_done.error, OK);
    world->is_done = true;
}

static void on_view_outdated(struct peer *peer, struct message *message)
{
    struct keyholder_world *world = peer->context;

    assert_int_equal(message->view_outdated.ticket, TICKET);
    world->is_outdated = world->is_done = true;
}

static void on_reply(struct peer *peer, struct message *message)
{
    struct keyholder_world *world = peer->context;

    assert_int_equal(message->reply.call, CALL);
    world->reply_error = message->reply.error;
    buffer_clear(&world->reply);
    buffer_init(&world->reply, MESSAGE_BYTES_MAX);
    assert_int_equal(buffer_append(&world->reply, message->reply.bytes), OK);
    world->has_reply = true;
}

static message_handler *const supervisor_handlers[MESSAGE_COUNT] = {[MESSAGE_READY] = on_ready};
static message_handler *const control_handlers[MESSAGE_COUNT] = {[MESSAGE_REPLY] = on_reply};
static message_handler *const worker_handlers[MESSAGE_COUNT] = {
    [MESSAGE_TICKET_KEY] = on_nothing,
    [MESSAGE_OWN_CA] = on_nothing,
    [MESSAGE_VALUE] = on_value,
    [MESSAGE_VALUES_DONE] = on_values_done,
    [MESSAGE_VIEW_OUTDATED] = on_view_outdated,
};

/* As for `sealgate run`: its keys are in memory. */
static void send_configuration(struct keyholder_world *world)
{
    const struct message messages[] = {
        {.type = MESSAGE_PRIVATE},
        {.type = MESSAGE_CONFIGURATION, .configuration = {.path = SLICE("t.yaml")}},
        {.type = MESSAGE_TOPOLOGY, .topology = {.worker_count = 1}},
    };

    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        process_fixture_send(&world->process, &messages[i]);
    process_fixture_begin(&world->process);
}

static int set_up(void **state)
{
    struct keyholder_world *world = calloc(1, sizeof(*world));

    world->process.role = PROCESS_KEYHOLDER;
    world->control = (struct peer){.context = world, .handlers = control_handlers};
    world->worker = (struct peer){.context = world, .handlers = worker_handlers};
    process_fixture_start(&world->process, keyholder_main, supervisor_handlers, world);
    send_configuration(world);
    process_fixture_wait(&world->process, &world->is_ready);
    process_fixture_connect(&world->process, &world->control, PROCESS_CONTROL);
    process_fixture_connect(&world->process, &world->worker, PROCESS_WORKER);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct keyholder_world *world = *state;

    peer_close(&world->worker);
    peer_close(&world->control);
    int result = process_fixture_end(&world->process);
    buffer_clear(&world->reply);
    free(world);
    return result;
}

static struct slice call(struct keyholder_world *world, const struct message *message)
{
    world->has_reply = false;
    assert_int_equal(peer_send(&world->control, message), OK);
    process_fixture_wait(&world->process, &world->has_reply);
    assert_int_equal(world->reply_error, OK);
    return buffer_view(&world->reply);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void seal(struct keyholder_world *world, struct buffer *out)
{
    static const struct slice hosts[] = {SLICE_INIT("api.example.com")};
    static const struct slice places[] = {SLICE_INIT("header")};
    const struct seal_binding binding = {
        SLICE("org"), SLICE("store"), SLICE("KEY"), places, 1, hosts, 1};
    struct seal_public_key public;
    struct slice bytes =
        call(world, &(struct message){.type = MESSAGE_CURRENT_KEY, .current_key = {.call = CALL}});

    assert_int_equal(bytes.len, SEAL_PUBLIC_KEY_SIZE);
    seal_public_key_from_bytes((const uint8_t *)bytes.data, &public);
    assert_int_equal(seal_value(&public, &binding, SLICE("the value itself"), out), OK);
}

static void sign_sandbox(struct keyholder_world *world, struct view *view)
{
    static const struct slice layer = SLICE_INIT("store");
    const struct message message = {
        .type = MESSAGE_SIGN_SANDBOX,
        .sign_sandbox = {
            .call = CALL, .org = view->org_id, .sandbox = view->sandbox_id, .layers = {&layer, 1}}};
    struct slice mac = call(world, &message);

    assert_int_equal(mac.len, VIEW_MAC_SIZE);
    memcpy(view->sandbox_mac, mac.data, VIEW_MAC_SIZE);
}

static void sign_store(struct keyholder_world *world, const struct view *view)
{
    const struct message message = {
        .type = MESSAGE_SIGN_STORE,
        .sign_store = {.call = CALL, .org = view->org_id, .store = view->layers[0].store_id}};
    struct slice mac = call(world, &message);

    assert_int_equal(mac.len, VIEW_MAC_SIZE);
    memcpy(view->layers[0].mac, mac.data, VIEW_MAC_SIZE);
}

static void send_view(struct keyholder_world *world, const struct view *view)
{
    OWNED_STRUCT(buffer) *encoded = &(struct buffer){.limit = 65536};
    struct message message = {.type = MESSAGE_PRESENT_VIEW, .present_view = {.handle = HANDLE}};

    assert_int_equal(view_encode(view, encoded), OK);
    message.present_view.view = buffer_view(encoded);
    view_mac_sign(&world->process.key, message.present_view.view, message.present_view.mac);
    assert_int_equal(peer_send(&world->worker, &message), OK);
}

/* What a view says of the secret; the box says "store", "KEY", api.example.com and header. */
struct claim {
    struct slice store, name, host, place;
};

static const struct claim truth = {SLICE_INIT("store"), SLICE_INIT("KEY"),
                                   SLICE_INIT("api.example.com"), SLICE_INIT("header")};

/* A running sandbox "sb-1" with one secret, whose view was built at this moment. */
static void present_as(struct keyholder_world *world, uint64_t generation,
                       const struct claim *claim, void (*tamper)(struct view_layer *layer))
{
    OWNED_STRUCT(buffer) *box = &(struct buffer){.limit = SEAL_TEXT_MAX};
    struct host_list *hosts = host_list_new();
    struct view_layer layer = {.store_id = claim->store, .store_name = SLICE("store")};
    struct place place;
    struct view_secret secret = {
        .name = claim->name, .hosts = hosts, .places = &place, .place_count = 1};
    struct view view = {.generation = generation,
                        .sandbox_id = SLICE("sb-1"),
                        .org_id = SLICE("org"),
                        .status = VIEW_RUNNING,
                        .layers = &layer,
                        .layer_count = 1,
                        .secrets = &secret,
                        .secret_count = 1};

    assert_int_equal(place_parse(claim->place, &place, NULL), OK);
    assert_int_equal(host_list_add(hosts, claim->host, NULL), OK);
    seal(world, box);
    secret.box = buffer_view(box);
    sign_sandbox(world, &view);
    sign_store(world, &view);
    if (tamper != NULL)
        tamper(&layer);
    send_view(world, &view);
    host_list_free(hosts);
    host_list_free(layer.private_hosts);
}

static void present(struct keyholder_world *world, uint64_t generation)
{
    present_as(world, generation, &truth, NULL);
}

static void ask_for_values_at(struct keyholder_world *world, struct slice target)
{
    struct message message = {.type = MESSAGE_OPEN_VALUES,
                              .open_values = {.ticket = TICKET, .handle = HANDLE}};

    assert_int_equal(authority_parse(target, 0, &message.open_values.target), OK);
    world->is_done = world->is_outdated = false;
    memset(world->value, 0, sizeof(world->value));
    assert_int_equal(peer_send(&world->worker, &message), OK);
    process_fixture_wait(&world->process, &world->is_done);
}

static void ask_for_values(struct keyholder_world *world)
{
    ask_for_values_at(world, SLICE("api.example.com:443"));
}

static void outdate(struct keyholder_world *world, struct slice sandbox_id, uint64_t generation)
{
    const struct message message = {
        .type = MESSAGE_OUTDATE_VIEWS,
        .outdate_views = {.call = CALL,
                          .generation = generation,
                          .sandboxes = {&sandbox_id, sandbox_id.len > 0}}};

    call(world, &message);
}

static void a_view_of_now_opens_its_values(void **state)
{
    struct keyholder_world *world = *state;

    present(world, now_ns());
    ask_for_values(world);
    assert_false(world->is_outdated);
    assert_string_equal(world->value, "the value itself");
}

/* A worker that somebody has taken over may ask for anything. */
static void a_value_is_for_its_own_hosts_whoever_asks(void **state)
{
    static const struct slice others[] = {
        SLICE_INIT("other.example.com:443"), SLICE_INIT("example.com:443"),
        SLICE_INIT("api.example.com.evil.test:443"), SLICE_INIT("api.example.com:8443"),
        SLICE_INIT("192.0.2.1:443")};
    struct keyholder_world *world = *state;

    present(world, now_ns());
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        ask_for_values_at(world, others[i]);
        assert_string_equal(world->value, "");
    }
    ask_for_values_at(world, SLICE("api.example.com:443"));
    assert_string_equal(world->value, "the value itself");
}

/* Control's word, from a database that somebody has written to. */
static void a_box_opens_only_where_it_says_the_same_as_the_view(void **state)
{
    struct claim lies[] = {truth, truth, truth, truth, truth};
    struct keyholder_world *world = *state;

    lies[0].name = SLICE("OTHER");
    lies[1].host = SLICE("*.example.com");
    lies[2].place = SLICE("header:x-echo");
    lies[3].place = SLICE("websocket");
    lies[4].store = SLICE("another");
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        present_as(world, now_ns(), &lies[i], NULL);
        ask_for_values(world);
        if (world->value[0] != '\0')
            fail_msg("lie %zu is believed", i);
    }
}

static void a_view_from_before_a_change_opens_nothing(void **state)
{
    struct keyholder_world *world = *state;
    uint64_t before = now_ns();

    present(world, before);
    outdate(world, SLICE("sb-2"), now_ns());
    ask_for_values(world);
    assert_false(world->is_outdated);
    outdate(world, SLICE("sb-1"), now_ns());
    ask_for_values(world);
    assert_true(world->is_outdated);
    assert_string_equal(world->value, "");
    present(world, before); /* once more makes it no newer */
    ask_for_values(world);
    assert_true(world->is_outdated);
}

static void the_view_after_it_opens_them_again(void **state)
{
    struct keyholder_world *world = *state;

    outdate(world, SLICE_NONE, now_ns());
    present(world, now_ns());
    ask_for_values(world);
    assert_string_equal(world->value, "the value itself");
}

static void a_view_from_before_it_began_opens_nothing(void **state)
{
    struct keyholder_world *world = *state;

    present(world, 1);
    ask_for_values(world);
    assert_true(world->is_outdated);
}

static void add_private_host(struct view_layer *layer)
{
    layer->private_hosts = host_list_new();
    assert_int_equal(host_list_add(layer->private_hosts, SLICE("db.internal"), NULL), OK);
}

static void turn_redaction_on(struct view_layer *layer)
{
    layer->redact_responses = true; /* it was signed with it off */
}

static void a_store_that_was_not_signed_like_this_opens_nothing(void **state)
{
    struct keyholder_world *world = *state;

    present_as(world, now_ns(), &truth, add_private_host);
    ask_for_values(world);
    assert_string_equal(world->value, "");
    present_as(world, now_ns(), &truth, turn_redaction_on);
    ask_for_values(world);
    assert_string_equal(world->value, "");
    present(world, now_ns());
    ask_for_values(world);
    assert_string_equal(world->value, "the value itself");
}

#define KEYHOLDER_TEST(fact) cmocka_unit_test_setup_teardown(fact, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYHOLDER_TEST(a_view_of_now_opens_its_values),
        KEYHOLDER_TEST(a_value_is_for_its_own_hosts_whoever_asks),
        KEYHOLDER_TEST(a_box_opens_only_where_it_says_the_same_as_the_view),
        KEYHOLDER_TEST(a_view_from_before_a_change_opens_nothing),
        KEYHOLDER_TEST(the_view_after_it_opens_them_again),
        KEYHOLDER_TEST(a_view_from_before_it_began_opens_nothing),
        KEYHOLDER_TEST(a_store_that_was_not_signed_like_this_opens_nothing),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
