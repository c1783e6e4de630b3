/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of a role. Never leaves a process that parses hostile bytes, or holds keys, a
 * way to open a connection by itself. */
#include "process/confine.h"

#include <errno.h>
#include <seccomp.h>

static const int for_nobody[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(listen),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(pidfd_getfd),
};

static const int for_the_dialer[] = {SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind)};

static int forbid(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int failed = 0;

    for (size_t i = 0; i < count && failed == 0; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    return failed;
}

/* Calls of another architecture end the process: that is the library's default. */
static int load(scmp_filter_ctx filter, enum process_role role)
{
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

    if (failed == 0)
        failed = forbid(filter, for_nobody, ARRAY_LEN(for_nobody));
    if (failed == 0 && role != PROCESS_DIALER)
        failed = forbid(filter, for_the_dialer, ARRAY_LEN(for_the_dialer));
    return failed != 0 ? failed : seccomp_load(filter);
}

enum error confine_calls(enum process_role role)
{
    if (role != PROCESS_KEYHOLDER && role != PROCESS_WORKER && role != PROCESS_DIALER)
        return OK;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return ERR_NO_MEMORY;
    int failed = load(filter, role);
    seccomp_release(filter);
    errno = -failed;
    return failed == 0 ? OK : ERR_SYSTEM;
}
