/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between `sealgate run` and the process that makes its namespaces. */
#include "process/run/run_link.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    static int ends[2];

    *state = ends;
    return run_link_pair(ends) == OK && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    const int *ends = *state;

    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void a_message_arrives_as_it_was_sent(void **state)
{
    const int *ends = *state;
    struct run_link_message sent = {
        .kind = RUN_LINK_FAILED, .number = -3, .reason = 13, .text = "hide /run/dbus"};
    struct run_link_message got;

    assert_int_equal(run_link_send(ends[0], &sent), OK);
    assert_int_equal(run_link_receive(ends[1], &got), OK);
    assert_int_equal(got.kind, RUN_LINK_FAILED);
    assert_int_equal(got.number, -3);
    assert_int_equal(got.reason, 13);
    assert_string_equal(got.text, "hide /run/dbus");
    assert_int_equal(got.fd_count, 0);
}

static void descriptors_arrive_closed_on_exec(void **state)
{
    const int *ends = *state;
    struct run_link_message sent = {.kind = RUN_LINK_CAPTURED, .fd_count = RUN_LINK_FDS_MAX};
    struct run_link_message got;

    for (size_t i = 0; i < sent.fd_count; i++)
        sent.fds[i] = STDIN_FILENO;
    assert_int_equal(run_link_send(ends[0], &sent), OK);
    assert_int_equal(run_link_receive(ends[1], &got), OK);
    assert_int_equal(got.fd_count, RUN_LINK_FDS_MAX);
    while (got.fd_count > 0) {
        assert_int_equal(fcntl(got.fds[--got.fd_count], F_GETFD), FD_CLOEXEC);
        close(got.fds[got.fd_count]);
    }
}

static void what_no_side_sends_is_refused(void **state)
{
    const int *ends = *state;
    const char junk[300] = {0};
    struct run_link_message message = {.kind = RUN_LINK_KIND_COUNT};
    struct run_link_message got;

    assert_int_equal(send(ends[0], junk, 10, 0), 10);
    assert_int_equal(run_link_receive(ends[1], &got), ERR_SYNTAX);
    assert_int_equal(send(ends[0], junk, sizeof(junk), 0), sizeof(junk));
    assert_int_equal(run_link_receive(ends[1], &got), ERR_SYNTAX);
    assert_int_equal(run_link_send(ends[0], &message), OK);
    assert_int_equal(run_link_receive(ends[1], &got), ERR_SYNTAX);
}

static void nothing_and_the_end_are_told_apart(void **state)
{
    const int *ends = *state;
    struct run_link_message got;

    assert_int_equal(run_link_receive(ends[1], &got), ERR_AGAIN);
    shutdown(ends[0], SHUT_RDWR);
    assert_int_equal(run_link_receive(ends[1], &got), ERR_CLOSED);
    assert_int_equal(run_link_send(ends[1], &(struct run_link_message){.number = 0}), ERR_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_arrives_as_it_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_arrive_closed_on_exec, setup, teardown),
        cmocka_unit_test_setup_teardown(what_no_side_sends_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_and_the_end_are_told_apart, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
