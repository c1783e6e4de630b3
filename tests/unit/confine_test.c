/* SPDX-License-Identifier: Apache-2.0 */
/* What each role may still ask of the kernel, tried in a process of its own. */
#include "process/confine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool may_make_sockets(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0 || errno != EPERM;
}

static bool may_connect(void)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    return connect(STDIN_FILENO, &nowhere, sizeof(nowhere)) == 0 || errno != EPERM;
}

static bool may_run_programs(void)
{
    char *const arguments[] = {NULL};

    execve("/nonexistent", arguments, arguments);
    return errno != EPERM;
}

enum { SOCKETS = 1, CONNECTIONS = 2, PROGRAMS = 4, FAILED = 64 };

static int try_all(enum process_role role)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || confine_calls(role) != OK)
        return FAILED;
    return (may_make_sockets() ? SOCKETS : 0) | (may_connect() ? CONNECTIONS : 0) |
           (may_run_programs() ? PROGRAMS : 0);
}

/* A filter cannot be taken off again. */
static int abilities_of(enum process_role role)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(try_all(role));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_worker_opens_no_connection_by_itself(void **state UNUSED)
{
    assert_int_equal(abilities_of(PROCESS_WORKER), 0);
}

static void the_keyholder_opens_no_connection(void **state UNUSED)
{
    assert_int_equal(abilities_of(PROCESS_KEYHOLDER), 0);
}

static void the_dialer_connects_and_starts_nothing(void **state UNUSED)
{
    assert_int_equal(abilities_of(PROCESS_DIALER), SOCKETS | CONNECTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_opens_no_connection_by_itself),
        cmocka_unit_test(the_keyholder_opens_no_connection),
        cmocka_unit_test(the_dialer_connects_and_starts_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
