/* SPDX-License-Identifier: Apache-2.0 */
/* Values of declared stores: read once, gone from the environment, sent as often as needed. */
#include "process/supervisor/declared_values.h"

#include <event2/event.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char from_env[] = "stores:\n"
                               "  - name: one\n"
                               "    egress: [api.test]\n"
                               "    secrets:\n"
                               "      A: { from: env:SEALGATE_TEST_VALUE, hosts: [api.test] }\n"
                               "      B: { from: env:SEALGATE_TEST_VALUE }\n";

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct config_error why;

    assert_int_equal(config_parse(slice_from_string(text), SLICE("test.yaml"), &config, &why), OK);
    return config;
}

static void reading_wipes_the_variable(void **state UNUSED)
{
    struct config *config = parse(from_env);
    struct declared_values *declared = NULL;

    setenv("SEALGATE_TEST_VALUE", "canary-value", 1);
    const char *text = getenv("SEALGATE_TEST_VALUE");
    assert_int_equal(declared_values_read(config, NULL, &declared), OK);
    assert_null(getenv("SEALGATE_TEST_VALUE"));
    for (size_t i = 0; i < sizeof("canary-value"); i++)
        assert_int_equal(text[i], 0);
    declared_values_free(declared);
    config_free(config);
}

static void a_variable_that_is_not_set_is_an_error(void **state UNUSED)
{
    struct config *config = parse(from_env);
    struct declared_values *declared = NULL;

    unsetenv("SEALGATE_TEST_VALUE");
    assert_int_equal(declared_values_read(config, NULL, &declared), ERR_CONFIG);
    assert_null(declared);
    config_free(config);
}

static void a_refused_configuration_leaves_the_variable(void **state UNUSED)
{
    struct config *config = parse("stores:\n"
                                  "  - name: one\n"
                                  "    secrets:\n"
                                  "      A: { from: env:SEALGATE_TEST_VALUE }\n"
                                  "      B: { from: file:/nonexistent/sealgate-test }\n");
    struct declared_values *declared = NULL;

    setenv("SEALGATE_TEST_VALUE", "canary-value", 1);
    assert_int_equal(declared_values_read(config, NULL, &declared), ERR_CONFIG);
    assert_string_equal(getenv("SEALGATE_TEST_VALUE"), "canary-value");
    config_free(config);
}

static void an_empty_value_is_an_error(void **state UNUSED)
{
    struct config *config = parse(from_env);
    struct declared_values *declared = NULL;

    setenv("SEALGATE_TEST_VALUE", "", 1);
    assert_int_equal(declared_values_read(config, NULL, &declared), ERR_CONFIG);
    config_free(config);
}

struct seen {
    size_t stores, secrets, ends;
    char values[4][64];
    size_t value_count;
};

static void on_store(struct peer *peer, struct message *message)
{
    assert_true(slice_equals(message->declare_store.name, SLICE("one")));
    ((struct seen *)peer->context)->stores++;
}

static void on_secret(struct peer *peer, struct message *message UNUSED)
{
    ((struct seen *)peer->context)->secrets++;
}

static void on_value(struct peer *peer, struct message *message)
{
    struct seen *seen = peer->context;
    struct slice value = message->declare_value.value;

    assert_int_equal(seen->value_count + 1, seen->secrets);
    snprintf(seen->values[seen->value_count++], sizeof(seen->values[0]), "%.*s", SLICE_ARG(value));
}

static void on_nothing(struct peer *peer UNUSED, struct message *message UNUSED)
{
}

static void on_end(struct peer *peer, struct message *message UNUSED)
{
    ((struct seen *)peer->context)->ends++;
}

static message_handler *const handlers[MESSAGE_COUNT] = {
    [MESSAGE_DECLARE_BEGIN] = on_nothing, [MESSAGE_DECLARE_STORE] = on_store,
    [MESSAGE_DECLARE_SECRET] = on_secret, [MESSAGE_DECLARE_VALUE] = on_value,
    [MESSAGE_DECLARE_END] = on_end,
};

/* What control sees of it. */
static struct seen send_to_control(const struct declared_values *declared,
                                   const struct config *config)
{
    static message_handler *const none[MESSAGE_COUNT];
    struct event_base *base = event_base_new();
    struct seen seen = {0};
    struct peer supervisor = {.context = &seen, .handlers = handlers};
    struct peer control = {.handlers = none};
    int pair[2];

    assert_int_equal(channel_pair(pair), OK);
    assert_int_equal(peer_open(&supervisor, base, pair[0]), OK);
    assert_int_equal(peer_open(&control, base, pair[1]), OK);
    assert_int_equal(declared_values_send(declared, config, &control), OK);
    while (seen.ends == 0)
        event_base_loop(base, EVLOOP_ONCE);
    peer_close(&supervisor);
    peer_close(&control);
    event_base_free(base);
    return seen;
}

static void a_reload_gives_the_value_of_a_wiped_variable_again(void **state UNUSED)
{
    struct config *config = parse(from_env);
    struct declared_values *first = NULL, *second = NULL;

    setenv("SEALGATE_TEST_VALUE", "canary-value", 1);
    assert_int_equal(declared_values_read(config, NULL, &first), OK);
    assert_int_equal(declared_values_read(config, first, &second), OK);
    declared_values_free(first);

    struct seen seen = send_to_control(second, config);
    assert_int_equal(seen.stores, 1);
    assert_int_equal(seen.value_count, 2);
    assert_string_equal(seen.values[0], "canary-value");
    assert_string_equal(seen.values[1], "canary-value");
    declared_values_free(second);
    config_free(config);
}

static void a_file_loses_the_newline_at_its_end(void **state UNUSED)
{
    char path[] = "/tmp/sealgate-value-XXXXXX", text[256];
    int fd = mkstemp(path);
    struct declared_values *declared = NULL;

    assert_int_equal(write(fd, "from a file\n", 12), 12);
    close(fd);
    snprintf(text, sizeof(text),
             "stores:\n  - name: one\n    secrets:\n      A: { from: file:%s }\n", path);
    struct config *config = parse(text);
    assert_int_equal(declared_values_read(config, NULL, &declared), OK);
    struct seen seen = send_to_control(declared, config);
    assert_string_equal(seen.values[0], "from a file");
    unlink(path);
    declared_values_free(declared);
    config_free(config);
}

static void a_command_does_not_inherit_the_variable_of_another_secret(void **state UNUSED)
{
    struct config *config = parse(from_env);
    struct config_secret *second = &config->stores.items[0].secrets[1];
    struct declared_values *declared = NULL;

    second->source_kind = CONFIG_SOURCE_COMMAND;
    second->source = SLICE("echo ${SEALGATE_TEST_VALUE-unset}");
    setenv("SEALGATE_TEST_VALUE", "canary-value", 1);
    assert_int_equal(declared_values_read(config, NULL, &declared), OK);
    struct seen seen = send_to_control(declared, config);
    assert_string_equal(seen.values[0], "canary-value");
    assert_string_equal(seen.values[1], "unset");
    declared_values_free(declared);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_wipes_the_variable),
        cmocka_unit_test(a_variable_that_is_not_set_is_an_error),
        cmocka_unit_test(a_refused_configuration_leaves_the_variable),
        cmocka_unit_test(an_empty_value_is_an_error),
        cmocka_unit_test(a_reload_gives_the_value_of_a_wiped_variable_again),
        cmocka_unit_test(a_file_loses_the_newline_at_its_end),
        cmocka_unit_test(a_command_does_not_inherit_the_variable_of_another_secret),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
