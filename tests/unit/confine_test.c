/* SPDX-License-Identifier: Apache-2.0 */
/* What each role may still ask of the kernel, tried in a process of its own. */
#include "process/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Every attempt returns 0, or the errno that it failed with. */
static int result(long returned)
{
    return returned < 0 ? errno : 0;
}

static int run_a_program(void)
{
    char *const none[] = {NULL};

    return result(execve("/nonexistent", none, none));
}

static int run_a_memory_file(void)
{
    char *const none[] = {NULL};

    return result(syscall(SYS_execveat, STDIN_FILENO, "", none, none, AT_EMPTY_PATH));
}

static int make_a_tcp_socket(void)
{
    return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int make_a_netlink_socket(void)
{
    return result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int make_a_unix_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int make_a_packet_socket(void)
{
    return result(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static int connect_a_socket(void)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    return result(connect(STDIN_FILENO, &nowhere, sizeof(nowhere)));
}

static int bind_a_socket(void)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    return result(bind(STDIN_FILENO, &nowhere, sizeof(nowhere)));
}

static int listen_on_a_socket(void)
{
    return result(listen(STDIN_FILENO, 1));
}

static int signal_the_parent(void)
{
    return result(kill(getppid(), 0));
}

static int trace_the_parent(void)
{
    return result(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int write_the_parents_memory(void)
{
    return result(syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0));
}

static int take_a_descriptor(void)
{
    return result(syscall(SYS_pidfd_getfd, STDIN_FILENO, 0, 0));
}

static int make_a_namespace(void)
{
    return result(unshare(CLONE_NEWUSER));
}

static int use_io_uring(void)
{
    return result(syscall(SYS_io_uring_setup, 1, NULL));
}

static int load_a_bpf_program(void)
{
    return result(syscall(SYS_bpf, 0, NULL, 0));
}

static int make_a_key(void)
{
    return result(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int leave_the_root(void)
{
    return result(chroot("/"));
}

static int get_signals_for_another(void)
{
    return result(fcntl(STDIN_FILENO, F_SETOWN, getppid()));
}

static int be_dumpable(void)
{
    return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int start_a_process(void)
{
    return result(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int map_code(void)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, STDIN_FILENO, 0);

    return page == MAP_FAILED ? errno : 0;
}

static int make_memory_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int read_a_file(void)
{
    return result(open("/etc/hosts", O_RDONLY | O_CLOEXEC));
}

static int write_a_file(void)
{
    return result(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

static int use_memory(void)
{
    void *page = malloc(1 << 20);

    free(page);
    return page == NULL ? ENOMEM : 0;
}

static int look_at_a_descriptor(void)
{
    struct stat status;

    return result(fstat(STDIN_FILENO, &status));
}

enum { KILLED = -1, UNTRIED = -2 };

struct attempt {
    const char *what;
    int (*run)(void);
    int keyholder, dialer, control, worker; /* what comes of it */
};

#define FOR_NOBODY KILLED, KILLED, KILLED, KILLED

static const struct attempt attempts[] = {
    {"run a program", run_a_program, FOR_NOBODY},
    {"run a memory file", run_a_memory_file, FOR_NOBODY},
    {"make a unix socket", make_a_unix_socket, KILLED, EAFNOSUPPORT, KILLED, KILLED},
    {"make a TCP socket", make_a_tcp_socket, KILLED, 0, KILLED, KILLED},
    {"make a netlink socket", make_a_netlink_socket, KILLED, 0, KILLED, KILLED},
    {"make a packet socket", make_a_packet_socket, FOR_NOBODY},
    {"connect", connect_a_socket, KILLED, ENOTSOCK, KILLED, KILLED},
    {"bind", bind_a_socket, KILLED, ENOTSOCK, KILLED, KILLED},
    {"listen", listen_on_a_socket, FOR_NOBODY},
    {"signal the parent", signal_the_parent, FOR_NOBODY},
    {"write the parent's memory", write_the_parents_memory, FOR_NOBODY},
    {"take a descriptor", take_a_descriptor, FOR_NOBODY},
    {"make a namespace", make_a_namespace, FOR_NOBODY},
    {"use io_uring", use_io_uring, FOR_NOBODY},
    {"load a BPF program", load_a_bpf_program, FOR_NOBODY},
    {"make a key", make_a_key, FOR_NOBODY},
    {"leave the root", leave_the_root, FOR_NOBODY},
    {"get signals for another", get_signals_for_another, FOR_NOBODY},
    {"use memory", use_memory, 0, 0, 0, 0},
    {"look at a descriptor", look_at_a_descriptor, 0, 0, 0, 0},
};

/* The runtime of a sanitizer does these itself. */
static const struct attempt attempts_of_a_release[] = {
    {"start a process", start_a_process, FOR_NOBODY},
    {"map code", map_code, FOR_NOBODY},
    {"make memory code", make_memory_code, FOR_NOBODY},
    {"trace the parent", trace_the_parent, FOR_NOBODY},
    {"be dumpable", be_dumpable, FOR_NOBODY},
    {"write a file", write_a_file, 0, KILLED, 0, EACCES},
    {"read a file", read_a_file, 0, 0, 0, EACCES},
};

/* Ends with what the attempt came to, past any handler of the test framework. */
static void try_it(enum process_role role, int (*run)(void))
{
    const struct rlimit no_core = {0, 0};
    int nothing = open("/dev/null", O_RDONLY);

    dup2(nothing, STDIN_FILENO);
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSYS, SIG_DFL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || confine_calls(role) != OK)
        syscall(SYS_exit_group, 255);
    syscall(SYS_exit_group, run());
}

/* A filter cannot be taken off again. */
static int outcome(enum process_role role, int (*run)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        try_it(role, run);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return KILLED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : UNTRIED;
}

static void check(const struct attempt *attempt, enum process_role role, int expected)
{
    int found = outcome(role, attempt->run);

    if (found != expected)
        print_error("role %d, %s: %d instead of %d\n", (int)role, attempt->what, found, expected);
    assert_int_equal(found, expected);
}

static void check_all(const struct attempt *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(&table[i], PROCESS_KEYHOLDER, table[i].keyholder);
        check(&table[i], PROCESS_DIALER, table[i].dialer);
        check(&table[i], PROCESS_CONTROL, table[i].control);
        check(&table[i], PROCESS_WORKER, table[i].worker);
    }
}

static void each_role_makes_its_own_calls_and_dies_of_others(void **state UNUSED)
{
    check_all(attempts, ARRAY_LEN(attempts));
}

static void no_role_makes_code_or_processes_and_a_worker_opens_nothing(void **state UNUSED)
{
    if (IS_SANITIZED)
        skip();
    check_all(attempts_of_a_release, ARRAY_LEN(attempts_of_a_release));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_makes_its_own_calls_and_dies_of_others),
        cmocka_unit_test(no_role_makes_code_or_processes_and_a_worker_opens_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
