/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of `sealgate run`'s command. */
#include "process/run/run_environment.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define VALUE "sk-0123456789"

/* A store with one secret, taken from the variable SECRET. */
static struct declared_values *declared(void)
{
    static struct config_secret secret = {.name = SLICE_INIT("KEY"),
                                          .source_kind = CONFIG_SOURCE_ENV,
                                          .source = SLICE_INIT("SECRET")};
    static struct config_store store = {
        .name = SLICE_INIT("s"), .secrets = &secret, .secret_count = 1};
    const struct config config = {.stores = {&store, 1}};
    struct declared_values *values = NULL;

    assert_int_equal(declared_values_read(&config, NULL, &values), OK);
    return values;
}

static void fill_environment(void)
{
    clearenv();
    setenv("SECRET", VALUE, 1);
    setenv("URL", "postgresql://u:" VALUE "@db/x", 1);
    setenv("PATH", "/bin", 1);
    setenv("SSH_AUTH_SOCK", "/tmp/agent.1", 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1/bus,guid=1", 1);
    setenv("DOCKER_HOST", "unix:///run/docker.sock", 1);
    setenv("HTTPS_PROXY", "http://corporate:3128", 1);
    setenv("WAYLAND_DISPLAY", "wayland-0", 1);
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
}

/* With a space where a NUL is. */
static char *built(const struct process_run_options *options)
{
    static const struct slice own[] = {SLICE_INIT("HTTPS_PROXY=http://127.0.0.1:3128"),
                                       SLICE_INIT("KEY=osb_sealed_x")};
    const struct message_list sandbox = {own, ARRAY_LEN(own)};
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 65536};
    OWNED_STRUCT(declared_values) *values = declared();

    assert_int_equal(run_environment_build(options, values, &sandbox, out), OK);
    char *text = slice_dup(buffer_view(out));
    for (size_t i = 0; i < buffer_len(out); i++)
        text[i] = text[i] == '\0' ? ' ' : text[i];
    return text;
}

static void secrets_and_ways_out_are_removed(void **state)
{
    const struct process_run_options options = {.config_path = NULL};

    (void)state;
    fill_environment();
    char *text = built(&options);
    assert_string_equal(text, "PATH=/bin XDG_RUNTIME_DIR=/run/user/1 "
                              "HTTPS_PROXY=http://127.0.0.1:3128 KEY=osb_sealed_x ");
    free(text);
}

static void what_the_caller_sets_wins(void **state)
{
    static const char *const own[] = {"KEY=mine", "PATH=/opt"};
    const struct process_run_options options = {.environment = {own, ARRAY_LEN(own)}};

    (void)state;
    fill_environment();
    char *text = built(&options);
    assert_string_equal(text, "XDG_RUNTIME_DIR=/run/user/1 HTTPS_PROXY=http://127.0.0.1:3128 "
                              "KEY=mine PATH=/opt ");
    free(text);
}

static void a_shared_variable_stays(void **state)
{
    static const char *const names[] = {"SSH_AUTH_SOCK"};
    const struct process_run_options options = {.share = {names, 1}};

    (void)state;
    fill_environment();
    char *text = built(&options);
    assert_non_null(strstr(text, "SSH_AUTH_SOCK=/tmp/agent.1"));
    assert_null(strstr(text, "DOCKER_HOST"));
    free(text);
}

static void a_shared_variable_leads_to_its_path(void **state)
{
    static const struct {
        const char *name, *path;
    } cases[] = {
        {"SSH_AUTH_SOCK", "/tmp/agent.1"},   {"DBUS_SESSION_BUS_ADDRESS", "/run/user/1/bus"},
        {"DOCKER_HOST", "/run/docker.sock"}, {"WAYLAND_DISPLAY", "/run/user/1/wayland-0"},
        {"/some/path", "/some/path"},
    };

    (void)state;
    fill_environment();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct process_run_options options = {.share = {&cases[i].name, 1}};
        char *path = NULL;

        assert_int_equal(run_environment_shared_paths(&options, &path, 1), 1);
        assert_string_equal(path, cases[i].path);
        free(path);
    }
}

static int setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_and_ways_out_are_removed),
        cmocka_unit_test(what_the_caller_sets_wins),
        cmocka_unit_test(a_shared_variable_stays),
        cmocka_unit_test(a_shared_variable_leads_to_its_path),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
