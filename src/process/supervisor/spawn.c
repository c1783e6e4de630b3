/* SPDX-License-Identifier: Apache-2.0 */
/* fork and exec. Never lets a child inherit a variable, a descriptor or a privilege that it was not
 * meant to have. */
#include "process/supervisor/spawn.h"

#include "process/hardening.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHANNEL_FD = 3, EXIT_CANNOT_START = 127 };

/* What a child may see of the supervisor's environment: nothing that could hold a secret. The last
 * ones are read by builds with sanitizers alone. */
static const char *const passed_on[] = {"PATH",         "LANG",         "LC_ALL",
                                        "TZ",           "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                        "LSAN_OPTIONS", "TSAN_OPTIONS"};

enum { VARIABLES = ARRAY_LEN(passed_on), VARIABLE_MAX = 1024 };

struct environment {
    char text[VARIABLES][VARIABLE_MAX];
    char *pointers[VARIABLES + 1];
};

static void environment_fill(struct environment *environment)
{
    size_t count = 0;

    for (size_t i = 0; i < VARIABLES; i++) {
        const char *value = getenv(passed_on[i]);
        int len = value == NULL ? VARIABLE_MAX
                                : snprintf(environment->text[count], VARIABLE_MAX, "%s=%s",
                                           passed_on[i], value);
        if (len < VARIABLE_MAX) {
            environment->pointers[count] = environment->text[count];
            count++;
        }
    }
    environment->pointers[count] = NULL;
}

static bool keep_only_channel(int channel)
{
    /* dup3() clears close-on-exec, but refuses to do so in place. */
    bool is_placed = channel == CHANNEL_FD ? fcntl(channel, F_SETFD, 0) == 0
                                           : dup3(channel, CHANNEL_FD, 0) == CHANNEL_FD;

    return is_placed && close_range(CHANNEL_FD + 1, ~0U, 0) == 0;
}

/* A signal for the supervisor must not run its handler in the copy: they share its wake-up pipe. */
static void reset_signals(const sigset_t *mask)
{
    const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

    for (size_t i = 0; i < ARRAY_LEN(handled); i++)
        signal(handled[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
}

NORETURN static void become_child(enum process_role role, unsigned index, int channel,
                                  const sigset_t *mask)
{
    struct environment environment;
    char program[] = "sealgate", command[] = "process", role_text[32], index_text[16];
    char *arguments[] = {program, command, role_text, index_text, NULL};

    /* What is typed at a terminal is for the supervisor, or for the command of `sealgate run`. */
    setsid();
    environment_fill(&environment);
    snprintf(role_text, sizeof(role_text), "%s", hardening_role_name(role));
    snprintf(index_text, sizeof(index_text), "%u", index);
    reset_signals(mask);
    if (keep_only_channel(channel) && hardening_drop_privileges(role, index) == OK)
        execve("/proc/self/exe", arguments, environment.pointers);
    _exit(EXIT_CANNOT_START);
}

enum error spawn_child(enum process_role role, unsigned index, int channel, pid_t *out)
{
    sigset_t all, mask;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &mask);
    pid_t pid = fork();
    if (pid == 0)
        become_child(role, index, channel, &mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    close(channel);
    if (pid < 0)
        return ERR_SYSTEM;
    *out = pid;
    return OK;
}
