/* SPDX-License-Identifier: Apache-2.0 */
/* Files, ports and signals, tried by a process that gave them up. */
#include "process/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/landlock-test-XXXXXX";
static char inside[64], outside[64];
static int listener, port;

static int result(long returned)
{
    return returned < 0 ? errno : 0;
}

static int read_inside(void)
{
    return result(open(inside, O_RDONLY));
}

static int write_inside(void)
{
    return result(open(inside, O_WRONLY | O_TRUNC));
}

static int make_inside(void)
{
    char path[96];

    snprintf(path, sizeof(path), "%s.new", inside);
    if (open(path, O_WRONLY | O_CREAT, 0600) < 0)
        return errno;
    return result(rename(path, inside));
}

static int read_outside(void)
{
    return result(open(outside, O_RDONLY));
}

static int make_outside(void)
{
    char path[96];

    snprintf(path, sizeof(path), "%s.new", outside);
    return result(open(path, O_WRONLY | O_CREAT, 0600));
}

static int list_the_root(void)
{
    return result(open("/", O_RDONLY | O_DIRECTORY));
}

static struct sockaddr_in loopback(int number)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)number),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int connect_tcp(void)
{
    const struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return result(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
}

static int bind_tcp(void)
{
    const struct sockaddr_in address = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return result(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
}

static int signal_parent(void)
{
    return result(kill(getppid(), 0));
}

struct confinement {
    enum landlock_access access;
    size_t count; /* of places: none, or `folder`/inside's */
    bool may_connect;
};

static void try_it(const struct confinement *confinement, int (*attempt)(void))
{
    const struct landlock_place place[] = {{folder, confinement->access}};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        landlock_confine(place, confinement->count, confinement->may_connect) != OK)
        _exit(255);
    _exit(attempt());
}

static int outcome(const struct confinement *confinement, int (*attempt)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        try_it(confinement, attempt);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The version of the kernel's interface that the promise needs. */
static void needs(int version)
{
    if (landlock_version() < version)
        skip();
}

static void without_places_no_file_is_opened_or_made(void **state UNUSED)
{
    const struct confinement nothing = {.count = 0};

    needs(1);
    assert_int_equal(outcome(&nothing, make_inside), EACCES);
    assert_int_equal(outcome(&nothing, make_outside), EACCES);
    if (IS_SANITIZED)
        return; /* its runtime reads */
    assert_int_equal(outcome(&nothing, read_inside), EACCES);
    assert_int_equal(outcome(&nothing, list_the_root), EACCES);
}

static void a_place_to_read_is_not_written_to(void **state UNUSED)
{
    const struct confinement reader = {.access = LANDLOCK_READ, .count = 1};

    needs(1);
    assert_int_equal(outcome(&reader, read_inside), 0);
    assert_int_equal(outcome(&reader, write_inside), EACCES);
    assert_int_equal(outcome(&reader, make_inside), EACCES);
    if (!IS_SANITIZED)
        assert_int_equal(outcome(&reader, read_outside), EACCES);
}

static void files_are_replaced_in_their_place_alone(void **state UNUSED)
{
    const struct confinement writer = {.access = LANDLOCK_REPLACE, .count = 1};

    needs(1);
    assert_int_equal(outcome(&writer, write_inside), 0);
    assert_int_equal(outcome(&writer, make_inside), 0);
    assert_int_equal(outcome(&writer, make_outside), EACCES);
}

static void only_who_may_connects_over_tcp_and_nobody_listens(void **state UNUSED)
{
    const struct confinement dialer = {.may_connect = true}, other = {.may_connect = false};

    needs(4);
    assert_int_equal(outcome(&dialer, connect_tcp), 0);
    assert_int_equal(outcome(&dialer, bind_tcp), EACCES);
    assert_int_equal(outcome(&other, connect_tcp), EACCES);
    assert_int_equal(outcome(&other, bind_tcp), EACCES);
}

static void no_signal_leaves_the_process(void **state UNUSED)
{
    const struct confinement nothing = {.count = 0};

    needs(6);
    assert_int_equal(outcome(&nothing, signal_parent), EPERM);
}

static int make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    return fd < 0 ? -1 : close(fd);
}

static int make_places(void **state UNUSED)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);

    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(inside, sizeof(inside), "%s/file", folder);
    snprintf(outside, sizeof(outside), "%s.file", folder);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (const struct sockaddr *)&address, len) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0)
        return -1;
    port = ntohs(address.sin_port);
    return make_file(inside) | make_file(outside);
}

static int remove_places(void **state UNUSED)
{
    close(listener);
    return unlink(inside) | unlink(outside) | rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_places_no_file_is_opened_or_made),
        cmocka_unit_test(a_place_to_read_is_not_written_to),
        cmocka_unit_test(files_are_replaced_in_their_place_alone),
        cmocka_unit_test(only_who_may_connects_over_tcp_and_nobody_listens),
        cmocka_unit_test(no_signal_leaves_the_process),
    };

    return cmocka_run_group_tests(tests, make_places, remove_places);
}
