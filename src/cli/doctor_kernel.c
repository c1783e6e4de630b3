/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel offers. Never tries things but in a child process that ends at once. */
#include "cli/doctor.h"

#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LANDLOCK_WITH_TCP = 4 };

void doctor_check_kernel(struct doctor *doctor)
{
    struct utsname name;
    unsigned major = 0, minor = 0;

    if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
        doctor_find(doctor, DOCTOR_NOTE, "the kernel does not say its version", NULL);
    else
        doctor_find_format(doctor, major < 5 ? DOCTOR_BROKEN : DOCTOR_FINE,
                           "Linux 5.0 or newer is needed.", "kernel: %s %s", name.sysname,
                           name.release);
    doctor_find(doctor, access("/proc/self/fd", X_OK) == 0 ? DOCTOR_FINE : DOCTOR_BROKEN,
                "/proc is mounted", "Mount /proc: the processes are started from /proc/self/exe.");
}

void doctor_check_landlock(struct doctor *doctor)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version > 0)
        doctor_find_format(doctor, version < LANDLOCK_WITH_TCP ? DOCTOR_NOTE : DOCTOR_FINE,
                           "It confines files, not TCP: that came with version 4 (Linux 6.7). The "
                           "filter of system calls covers it.",
                           "Landlock: version %ld", version);
    else
        doctor_find(doctor, DOCTOR_NOTE, "Landlock is not available",
                    "Started as a user, the processes then may open what that user may. Start as "
                    "root, or boot with lsm=landlock,… and Linux 5.13 or newer.");
}

void doctor_check_filter(struct doctor *doctor)
{
    const uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;
    bool is_there = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill_process) == 0;

    doctor_find(doctor, is_there ? DOCTOR_FINE : DOCTOR_BROKEN,
                is_there ? "system calls can be filtered (seccomp)"
                         : "system calls cannot be filtered (seccomp)",
                "The processes do not start without: use Linux 4.14 or newer with "
                "CONFIG_SECCOMP_FILTER, and let a container make the seccomp call.");
}

static bool can_unshare(int flags)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(unshare(flags) == 0 ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void doctor_check_namespaces(struct doctor *doctor)
{
    bool is_possible = can_unshare(CLONE_NEWUSER | CLONE_NEWNET);

    doctor_find(doctor, is_possible ? DOCTOR_FINE : DOCTOR_NOTE,
                is_possible ? "user and network namespaces can be made"
                            : "user and network namespaces cannot be made",
                "`sealgate serve` does not need them; `sealgate run` does. See "
                "kernel.unprivileged_userns_clone, user.max_user_namespaces and "
                "kernel.apparmor_restrict_unprivileged_userns.");
}

static void check_limit(struct doctor *doctor, int resource, rlim_t enough, const char *name,
                        const char *advice)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return;
    if (limit.rlim_max == RLIM_INFINITY)
        doctor_find_format(doctor, DOCTOR_FINE, NULL, "limit of %s: none", name);
    else
        doctor_find_format(doctor, limit.rlim_max < enough ? DOCTOR_NOTE : DOCTOR_FINE, advice,
                           "limit of %s: %llu", name, (unsigned long long)limit.rlim_max);
}

void doctor_check_limits(struct doctor *doctor)
{
    check_limit(doctor, RLIMIT_MEMLOCK, 8 << 20, "locked memory",
                "Values of secrets live in locked memory: raise it (ulimit -l, LimitMEMLOCK=).");
    check_limit(doctor, RLIMIT_NOFILE, 65536, "open files",
                "Two for each client connection: raise it (ulimit -n, LimitNOFILE=).");
}
