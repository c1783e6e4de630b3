/* SPDX-License-Identifier: Apache-2.0 */
/* The command's parent. Never keeps a capability, a descriptor or a value that it could leak. */
#include "process/run/run_init.h"

#include "process/run/run_confine.h"
#include "process/sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_FILE_MAX = 32 * 1024 * 1024, NOT_FOUND = 127, NOT_EXECUTABLE = 126 };

/* What the command starts with. */
struct start {
    struct slice environment, bundle, root;
    char **variables;
};

static void report(int link, enum run_link_kind kind, int number)
{
    const struct run_link_message message = {.kind = kind, .number = number, .reason = errno};

    if (run_link_send(link, &message) != OK)
        _exit(1);
}

/* Our copy of the caller's environment: it may hold the values of secrets. */
static void wipe_environment(void)
{
    static char *nothing[] = {NULL};

    for (char **variable = environ; *variable != NULL; variable++)
        sodium_memzero(*variable, strlen(*variable));
    environ = nothing;
}

/* What we were called with, which /proc shows to the command: keys, and where secrets come from.
 * Arguments lie one behind the other, the command's last. */
static void wipe_arguments(const struct run_init *init)
{
    char *options = program_invocation_name + strlen(program_invocation_name);
    uintptr_t from = (uintptr_t)options, to = (uintptr_t)init->command[0];

    if (from < to)
        sodium_memzero(options, to - from);
}

static enum error split_variables(struct start *start)
{
    size_t count = 0;
    const char *end = start->environment.data + start->environment.len;

    start->variables = calloc(start->environment.len + 1, sizeof(char *));
    if (start->variables == NULL || start->environment.len == 0 || end[-1] != '\0')
        return ERR_NO_MEMORY;
    for (const char *text = start->environment.data; text < end; text += strlen(text) + 1)
        start->variables[count++] = (char *)(uintptr_t)text;
    return OK;
}

/* The supervisor has everything that the command needs, or has gone. */
static enum error await_start(int link, struct start *out)
{
    struct run_link_message message;

    TRY(run_link_receive(link, &message));
    if (message.kind != RUN_LINK_START || message.fd_count != 3)
        return ERR_SYNTAX;
    TRY(sealed_file_map(message.fds[0], START_FILE_MAX, &out->environment));
    TRY(sealed_file_map(message.fds[1], START_FILE_MAX, &out->bundle));
    TRY(sealed_file_map(message.fds[2], START_FILE_MAX, &out->root));
    for (size_t i = 0; i < message.fd_count; i++)
        close(message.fds[i]);
    return split_variables(out);
}

/* Same uid, same namespaces as the command: that must not be enough to look into us. */
static enum error confine(const struct run_init *init)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return run_inside_fail(init->inside.link, "forbid dumps of it");
    if (!init->is_isolated)
        return OK;
    if (run_confine_privileges() != OK)
        return run_inside_fail(init->inside.link, "give up privileges");
    if (run_confine_keys() != OK)
        return run_inside_fail(init->inside.link, "leave the caller's keyring");
    if (run_confine_calls() != OK)
        return run_inside_fail(init->inside.link, "filter system calls");
    return OK;
}

NORETURN static void give_up(const struct run_init *init)
{
    report(init->inside.link, RUN_LINK_NO_COMMAND, 0);
    _exit(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

NORETURN static void become_command(const struct run_init *init, const struct start *start)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
        give_up(init);
    sigprocmask(SIG_SETMASK, &init->mask, NULL);
    environ = start->variables;
    execvp(init->command[0], init->command);
    give_up(init);
}

/* Orphans are reaped too; only the command's own fate is told. */
static void on_child_signal(const struct run_init *init, pid_t command)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid != command)
            continue;
        if (WIFSTOPPED(status)) {
            report(init->inside.link, RUN_LINK_STOPPED, WSTOPSIG(status));
            continue;
        }
        report(init->inside.link, RUN_LINK_EXITED, status);
        _exit(0);
    }
}

/* A signal for the whole process group, from the terminal or from kill(), is pending here too,
 * because we block all: then the command has it already. The kernel signals a group newest process
 * first, so ours is there before the supervisor's. */
static void pass_on(pid_t command, int number)
{
    const struct timespec at_once = {0, 0};
    sigset_t set;

    sigemptyset(&set);
    if (number <= 0 || sigaddset(&set, number) != 0)
        return;
    if (sigtimedwait(&set, NULL, &at_once) != number)
        kill(command, number);
}

static void on_message(const struct run_init *init, pid_t command)
{
    struct run_link_message message;

    if (run_link_receive(init->inside.link, &message) != OK)
        _exit(1); /* the proxy is gone, and with it the way out */
    if (message.kind == RUN_LINK_SIGNAL)
        pass_on(command, message.number);
}

static int watch_children(void)
{
    sigset_t children;

    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

NORETURN static void watch_over(const struct run_init *init, pid_t command, int children)
{
    struct signalfd_siginfo ignored;
    struct pollfd waited[] = {{.fd = children, .events = POLLIN},
                              {.fd = init->inside.link, .events = POLLIN}};

    for (;;) {
        if (poll(waited, ARRAY_LEN(waited), -1) < 0)
            continue;
        while (read(children, &ignored, sizeof(ignored)) > 0)
            continue;
        on_child_signal(init, command);
        if (waited[1].revents != 0)
            on_message(init, command);
    }
}

/* Whoever waits for the end of the command's output must not wait for ours. */
static void let_go_of_streams(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int stream = STDIN_FILENO; fd >= 0 && stream <= STDERR_FILENO; stream++)
        dup2(fd, stream);
}

static enum error prepare(struct run_init *init, struct start *start)
{
    wipe_environment();
    wipe_arguments(init);
    if (init->is_isolated)
        TRY(run_inside_prepare(&init->inside));
    if (await_start(init->inside.link, start) != OK)
        return run_inside_fail(init->inside.link, "take what the command starts with");
    return init->is_isolated ? run_inside_finish(&init->inside, start->bundle, start->root) : OK;
}

NORETURN static void become_init(struct run_init *init)
{
    struct start start = {.variables = NULL};
    mode_t mask = umask(022);
    int children = watch_children();

    close(init->outer_link);
    if (children < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        (void)!run_inside_fail(init->inside.link, "watch over it");
        _exit(1);
    }
    if (prepare(init, &start) != OK || confine(init) != OK)
        _exit(1);
    umask(mask);
    pid_t command = fork();
    if (command == 0)
        become_command(init, &start);
    if (command < 0) {
        report(init->inside.link, RUN_LINK_NO_COMMAND, 0);
        _exit(1);
    }
    let_go_of_streams();
    watch_over(init, command, children);
}

enum error run_init_start(struct run_init *init, pid_t *out)
{
    const unsigned long namespaces =
        CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    unsigned long flags = SIGCHLD | (init->is_isolated ? namespaces : 0);
    pid_t pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

    if (pid == 0)
        become_init(init);
    if (pid < 0)
        return ERR_SYSTEM;
    *out = pid;
    return OK;
}
