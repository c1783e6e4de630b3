/* SPDX-License-Identifier: Apache-2.0 */
/* Says why there is no run, and what would change it. Never guesses where the kernel can be asked.
 */
#include "process/descriptor.h"
#include "process/run/run_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Settings that forbid it when they have this value. */
static const struct {
    const char *file;
    char value;
    const char *sentence;
} settings[] = {
    {"/proc/sys/kernel/unprivileged_userns_clone", '0',
     "kernel.unprivileged_userns_clone is 0: user namespaces are for root alone"},
    {"/proc/sys/user/max_user_namespaces", '0',
     "user.max_user_namespaces is 0: there are no user namespaces"},
    {"/proc/sys/user/max_net_namespaces", '0',
     "user.max_net_namespaces is 0: there are no network namespaces"},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
     "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor takes away what user namespaces "
     "need, unless a profile permits `userns` to this program"},
};

/* The first character, when it is all there is. */
static char read_setting(const char *file)
{
    char text[4] = "";
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));

    if (fd >= 0)
        close(fd);
    return len == 1 || (len == 2 && text[1] == '\n') ? text[0] : '\0';
}

static bool explain_setting(void)
{
    bool has_explained = false;

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (read_setting(settings[i].file) != settings[i].value)
            continue;
        fprintf(stderr, "sealgate: %s\n", settings[i].sentence);
        has_explained = true;
    }
    return has_explained;
}

/* What a limit of the machine or of the caller says, and how it is raised. */
static const struct {
    int reason;
    const char *sentence;
} limits[] = {
    {EAGAIN, "no more processes are permitted: raise that limit (ulimit -u), or end some"},
    {EMFILE, "no more open files are permitted: raise that limit (ulimit -n)"},
    {ENFILE, "the machine has no room for more open files (sysctl fs.file-max)"},
    {ENOMEM, "memory is short: end something, or raise the limit on it (ulimit -v, ulimit -l)"},
    {EFBIG, "files may not grow that long: raise that limit (ulimit -f)"},
    {EDQUOT, "there is no room left for a file: set TMPDIR to a folder that has some"},
    {ENOSPC, "there is no room left: for a file, set TMPDIR to a folder that has some; for a "
             "namespace, raise user.max_user_namespaces and its like"},
};

bool run_refusal_explain_limit(int reason)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (limits[i].reason != reason)
            continue;
        fprintf(stderr, "sealgate: %s\n", limits[i].sentence);
        return true;
    }
    return false;
}

/* ENOSPC is what a setting of 0 says too. */
static void explain_isolation(int reason)
{
    if (reason != ENOSPC && run_refusal_explain_limit(reason))
        return;
    if (!explain_setting() && !run_refusal_explain_limit(reason))
        fputs("sealgate: inside a container, its seccomp profile or missing privileges do that\n",
              stderr);
    fputs("sealgate: --no-isolate goes on with variables only, which a program may ignore\n",
          stderr);
}

void run_refusal_explain(const struct run *run, const char *what, int reason)
{
    bool is_isolated = run->init.is_isolated;

    fprintf(stderr, "sealgate: the command cannot be %s: could not %s: %s\n",
            is_isolated ? "isolated" : "started", what, strerror(reason));
    if (is_isolated)
        explain_isolation(reason);
    else
        (void)run_refusal_explain_limit(reason);
}

static const char *reason_of(enum error error, int reason)
{
    return error == ERR_SYSTEM ? strerror(reason) : error_text(error);
}

void run_refusal_say(const char *what, enum error error)
{
    int reason = error == ERR_NO_MEMORY ? ENOMEM : errno;
    const char *why = reason_of(error, reason);

    if (what == NULL)
        fprintf(stderr, "sealgate: %s\n", why);
    else
        fprintf(stderr, "sealgate: could not %s: %s\n", what, why);
    if (error == ERR_SYSTEM || error == ERR_NO_MEMORY)
        (void)run_refusal_explain_limit(reason);
}

void run_refusal_say_ended(const struct run *run)
{
    fputs("sealgate: a process of the proxy has failed, and the command was ended\n", stderr);
    (void)run_refusal_explain_limit(run->supervisor.start_errno);
}
