/* SPDX-License-Identifier: Apache-2.0 */
/* DATA_DIR's layout, and the sockets. */
#include "process/supervisor/data_dir.h"
#include "process/supervisor/listeners.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char parent[64], path[128];
    int folder, lock;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    snprintf(fixture->parent, sizeof(fixture->parent), "/tmp/sealgate-data-XXXXXX");
    assert_non_null(mkdtemp(fixture->parent));
    snprintf(fixture->path, sizeof(fixture->path), "%s/a/b", fixture->parent);
    assert_int_equal(
        data_dir_prepare(slice_from_string(fixture->path), &fixture->folder, &fixture->lock), OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    close(fixture->folder);
    close(fixture->lock);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->parent);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static unsigned mode_of(const struct fixture *fixture, const char *name)
{
    struct stat status;

    assert_int_equal(fstatat(fixture->folder, name, &status, AT_SYMLINK_NOFOLLOW), 0);
    return status.st_mode & 07777;
}

static void each_part_has_its_mode(void **state)
{
    assert_int_equal(mode_of(*state, "."), 0711);
    assert_int_equal(mode_of(*state, "keys"), 0700);
    assert_int_equal(mode_of(*state, "db"), 0700);
}

static void modes_that_were_widened_are_put_right(void **state)
{
    struct fixture *fixture = *state;
    int folder, lock;

    assert_int_equal(fchmodat(fixture->folder, "keys", 0777, 0), 0);
    close(fixture->lock);
    assert_int_equal(data_dir_prepare(slice_from_string(fixture->path), &folder, &lock), OK);
    assert_int_equal(mode_of(fixture, "keys"), 0700);
    close(folder);
    fixture->lock = lock;
}

static void a_second_supervisor_is_refused(void **state)
{
    struct fixture *fixture = *state;
    int folder, lock;

    assert_int_equal(data_dir_prepare(slice_from_string(fixture->path), &folder, &lock),
                     ERR_CONFLICT);
}

static void keys_that_are_a_link_are_refused(void **state)
{
    struct fixture *fixture = *state;
    int folder, lock;

    close(fixture->lock);
    assert_int_equal(unlinkat(fixture->folder, "keys", AT_REMOVEDIR), 0);
    assert_int_equal(symlinkat("/tmp", fixture->folder, "keys"), 0);
    assert_int_equal(data_dir_prepare(slice_from_string(fixture->path), &folder, &lock),
                     ERR_SYSTEM);
    fixture->lock = dup(fixture->folder);
}

static void the_control_socket_is_for_its_owner(void **state)
{
    struct fixture *fixture = *state;
    struct listeners listeners = {0};

    for (int start = 0; start < 2; start++) { /* a socket that was left behind is replaced */
        assert_int_equal(listeners_open_control_socket(fixture->folder, &listeners), OK);
        assert_int_equal(mode_of(fixture, "control.sock"), 0600);
        listeners_close(&listeners);
    }
}

static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct config_error why;

    assert_int_equal(config_parse(slice_from_string(text), SLICE("test.yaml"), &config, &why), OK);
    return config;
}

static void all_workers_share_a_port_that_was_chosen(void **state UNUSED)
{
    struct config *config =
        parse("listen: { proxy: [\"127.0.0.1:0\"], control: [\"127.0.0.1:0\"] }\n");
    struct listeners listeners = {0};

    assert_int_equal(listeners_open(config, 3, &listeners), OK);
    assert_int_equal(listeners.count, 4);
    assert_true(listeners.items[0].address.port != 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(listeners.items[i].kind, LISTENER_PROXY);
        assert_int_equal(listeners.items[i].worker, i);
        assert_int_equal(listeners.items[i].address.port, listeners.items[0].address.port);
        assert_int_equal(fcntl(listeners.items[i].fd, F_GETFD), FD_CLOEXEC);
    }
    assert_int_equal(listeners_first(&listeners, LISTENER_CONTROL)->worker, 0);
    listeners_close(&listeners);
    config_free(config);
}

static void a_transparent_address_is_each_workers(void **state UNUSED)
{
    struct config *config = parse("listen: { proxy: [\"127.0.0.1:0\"], control: [],\n"
                                  "          transparent: [\"127.0.0.1:0\"] }\n");
    struct listeners listeners = {0};

    assert_int_equal(listeners_open(config, 2, &listeners), OK); /* whoever runs this */
    assert_int_equal(listeners.count, 4);
    assert_int_equal(listeners.items[2].kind, LISTENER_TRANSPARENT);
    assert_int_equal(listeners.items[3].kind, LISTENER_TRANSPARENT);
    assert_int_equal(listeners.items[3].worker, 1);
    assert_int_equal(listeners.items[3].address.port, listeners.items[2].address.port);
    listeners_close(&listeners);
    config_free(config);
}

static void an_address_in_use_is_refused(void **state UNUSED)
{
    struct config *config = parse("listen: { proxy: [\"127.0.0.1:0\"], control: [] }\n");
    struct listeners first = {0}, second = {0};

    assert_int_equal(listeners_open(config, 1, &first), OK);
    config->listen_proxy.items[0].port = first.items[0].address.port;
    assert_int_equal(listeners_open(config, 1, &second), ERR_SYSTEM);
    assert_int_equal(second.count, 0);
    listeners_close(&first);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_part_has_its_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(modes_that_were_widened_are_put_right, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_supervisor_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_that_are_a_link_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_control_socket_is_for_its_owner, setup, teardown),
        cmocka_unit_test(all_workers_share_a_port_that_was_chosen),
        cmocka_unit_test(a_transparent_address_is_each_workers),
        cmocka_unit_test(an_address_in_use_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
