/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of each role, in tables. Never lists one because it might be of use one day:
 * what glibc, OpenSSL, libevent, libsodium, c-ares and SQLite are known to call is here, for the
 * versions of Debian 12 and 13 and Ubuntu 24.04, on x86-64 and arm64. */
#include "process/confine_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define KEYHOLDER CONFINE_ROLE(PROCESS_KEYHOLDER)
#define DIALER CONFINE_ROLE(PROCESS_DIALER)
#define CONTROL CONFINE_ROLE(PROCESS_CONTROL)
#define WORKER CONFINE_ROLE(PROCESS_WORKER)
#define ALL (KEYHOLDER | DIALER | CONTROL | WORKER)

#define CALL(name, to)                                                                             \
    {                                                                                              \
        .call = SCMP_SYS(name), .roles = (to)                                                      \
    }
#define FAILS(name, to, why)                                                                       \
    {                                                                                              \
        .call = SCMP_SYS(name), .roles = (to), .reason = (why)                                     \
    }
/* Some bits of an argument. */
#define BITS(name, to, place, which, like)                                                         \
    {                                                                                              \
        .call = SCMP_SYS(name), .roles = (to), .argument = (place), .mask = (which),               \
        .bits = (like)                                                                             \
    }
/* An int: the upper half of its register is whatever was there. */
#define VALUE(name, to, place, value) BITS(name, to, place, UINT32_MAX, (uint32_t)(value))

const struct confine_rule confine_rules[] = {
    /* Memory: none that is executable. MADV_GUARD_INSTALL and the like need no rule of their own.
     */
    CALL(munmap, ALL),
    CALL(mremap, ALL),
    CALL(madvise, ALL),
    CALL(brk, ALL),
    CALL(mlock, ALL),
    CALL(mlock2, ALL),
    CALL(munlock, ALL),

    /* Itself: time, signals, ids, its end. The clocks are calls where there is no vDSO for them. */
    CALL(clock_gettime, ALL),
    CALL(clock_getres, ALL),
    CALL(clock_nanosleep, ALL),
    CALL(nanosleep, ALL),
    CALL(gettimeofday, ALL),
    CALL(time, ALL),
    CALL(getrandom, ALL),
    CALL(rt_sigaction, ALL),
    CALL(rt_sigprocmask, ALL),
    CALL(rt_sigreturn, ALL),
    CALL(restart_syscall, ALL),
    CALL(futex, ALL),
    CALL(rseq, ALL),
    CALL(sched_yield, ALL),
    CALL(sched_getaffinity, ALL),
    CALL(getcpu, ALL),
    CALL(getpid, ALL),
    CALL(gettid, ALL),
    CALL(getppid, ALL),
    CALL(getuid, ALL),
    CALL(geteuid, ALL),
    CALL(getgid, ALL),
    CALL(getegid, ALL),
    CALL(uname, ALL),
    CALL(sysinfo, ALL),
    CALL(getrusage, ALL),
    CALL(getrlimit, ALL),
    CALL(exit, ALL),
    CALL(exit_group, ALL),

    /* Descriptors that are there already. */
    CALL(read, ALL),
    CALL(readv, ALL),
    CALL(write, ALL),
    CALL(writev, ALL),
    CALL(close, ALL),
    CALL(fstat, ALL),
    CALL(lseek, ALL),
    CALL(ftruncate, ALL),
    CALL(poll, ALL),
    CALL(ppoll, ALL),
    CALL(epoll_create1, ALL),
    CALL(epoll_ctl, ALL),
    CALL(epoll_wait, ALL),
    CALL(epoll_pwait, ALL),
    CALL(epoll_pwait2, ALL),
    CALL(timerfd_create, ALL),
    CALL(timerfd_settime, ALL),
    CALL(eventfd2, ALL),
    CALL(pipe2, ALL),
    VALUE(fcntl, ALL, 1, F_GETFD),
    VALUE(fcntl, ALL, 1, F_SETFD),
    VALUE(fcntl, ALL, 1, F_GETFL),
    VALUE(fcntl, ALL, 1, F_SETFL),
    VALUE(fcntl, ALL, 1, F_DUPFD_CLOEXEC),
    VALUE(fcntl, ALL, 1, F_ADD_SEALS),
    VALUE(fcntl, ALL, 1, F_GET_SEALS),
    CALL(memfd_create, ALL), /* messages that are too long for one packet */

    /* Sockets that are there already; workers and control take connections. */
    CALL(recvfrom, ALL),
    CALL(recvmsg, ALL),
    CALL(recvmmsg, ALL),
    CALL(sendto, ALL),
    CALL(sendmsg, ALL),
    CALL(sendmmsg, ALL),
    CALL(shutdown, ALL),
    CALL(getsockname, ALL),
    CALL(getpeername, ALL),
    CALL(getsockopt, ALL),
    CALL(setsockopt, ALL),
    CALL(accept, CONTROL | WORKER),
    CALL(accept4, CONTROL | WORKER),

    /* The dialer's sockets: TCP, DNS, and netlink for the list of our own addresses. */
    VALUE(socket, DIALER, 0, AF_INET),
    VALUE(socket, DIALER, 0, AF_INET6),
    VALUE(socket, DIALER, 0, AF_NETLINK),
    {SCMP_SYS(socket), DIALER, EAFNOSUPPORT, 0, UINT32_MAX, AF_UNIX}, /* glibc asks for any */
    CALL(connect, DIALER),
    CALL(bind, DIALER),
    VALUE(ioctl, DIALER, 1, SIOCGIFINDEX), /* a nameserver at fe80::1%eth0 */
    VALUE(ioctl, DIALER, 1, SIOCGIFNAME),
    VALUE(ioctl, DIALER, 1, FIONREAD),
    VALUE(ioctl, DIALER, 1, FIONBIO),
    FAILS(ioctl, KEYHOLDER | CONTROL | WORKER, ENOTTY),

    /* Files, as far as Landlock lets them. The dialer reads resolv.conf, hosts and the like. */
    BITS(openat, DIALER, 2, O_ACCMODE | O_CREAT | O_TRUNC, 0),
    BITS(open, DIALER, 1, O_ACCMODE | O_CREAT | O_TRUNC, 0),
    CALL(openat, KEYHOLDER | CONTROL),
    CALL(open, KEYHOLDER | CONTROL),
    CALL(newfstatat, KEYHOLDER | DIALER | CONTROL),
    CALL(stat, KEYHOLDER | DIALER | CONTROL),
    CALL(lstat, KEYHOLDER | DIALER | CONTROL),
    CALL(statx, KEYHOLDER | DIALER | CONTROL),
    CALL(access, KEYHOLDER | DIALER | CONTROL),
    CALL(faccessat, KEYHOLDER | DIALER | CONTROL),
    CALL(faccessat2, KEYHOLDER | DIALER | CONTROL),
    CALL(readlink, KEYHOLDER | DIALER | CONTROL),
    CALL(readlinkat, KEYHOLDER | DIALER | CONTROL),
    CALL(getdents64, KEYHOLDER | DIALER | CONTROL),
    CALL(pread64, KEYHOLDER | DIALER | CONTROL),
    CALL(fsync, KEYHOLDER | CONTROL),
    CALL(fdatasync, KEYHOLDER | CONTROL),
    CALL(fchmod, KEYHOLDER | CONTROL),
    CALL(unlink, KEYHOLDER | CONTROL),
    CALL(unlinkat, KEYHOLDER | CONTROL),
    CALL(rename, KEYHOLDER),
    CALL(renameat, KEYHOLDER),
    CALL(renameat2, KEYHOLDER),
    /* SQLite. */
    CALL(pwrite64, CONTROL),
    CALL(fallocate, CONTROL),
    CALL(getcwd, CONTROL),
    CALL(mkdir, CONTROL),
    CALL(mkdirat, CONTROL),
    CALL(chmod, CONTROL),
    CALL(fchmodat, CONTROL),
    CALL(fchown, CONTROL),
    VALUE(fcntl, CONTROL, 1, F_SETLK),
    VALUE(fcntl, CONTROL, 1, F_SETLKW),
    VALUE(fcntl, CONTROL, 1, F_GETLK),

    /* A worker has no file to open: what a library tries all the same finds nothing. */
    BITS(newfstatat, WORKER, 3, AT_EMPTY_PATH, AT_EMPTY_PATH), /* fstat() */
    {SCMP_SYS(newfstatat), WORKER, EACCES, 3, AT_EMPTY_PATH, 0},
    BITS(statx, WORKER, 2, AT_EMPTY_PATH, AT_EMPTY_PATH),
    {SCMP_SYS(statx), WORKER, EACCES, 2, AT_EMPTY_PATH, 0},
    FAILS(stat, WORKER, EACCES),
    FAILS(lstat, WORKER, EACCES),
    FAILS(access, WORKER, EACCES),
    FAILS(faccessat, WORKER, EACCES),
    FAILS(faccessat2, WORKER, EACCES),
    {.roles = 0},
};

/* Where a sanitizer needs more. */
const struct confine_rule confine_rules_of_releases[] = {
    /* No memory becomes code. */
    BITS(mmap, ALL, 2, PROT_EXEC, 0),
    BITS(mprotect, ALL, 2, PROT_EXEC, 0),
    /* Its own limits, which only go down without privileges. */
    VALUE(prlimit64, ALL, 0, 0),
    VALUE(prctl, ALL, 0, PR_SET_NAME),
    VALUE(prctl, ALL, 0, PR_GET_NAME),
    FAILS(openat, WORKER, EACCES),
    FAILS(open, WORKER, EACCES),
    FAILS(readlink, WORKER, EACCES),
    FAILS(readlinkat, WORKER, EACCES),
    {.roles = 0},
};

/* Threads that look for leaks, stacks for signals, maps and symbols for a report. */
const struct confine_rule confine_rules_of_sanitizers[] = {
    CALL(mmap, ALL),
    CALL(mprotect, ALL),
    CALL(sigaltstack, ALL),
    CALL(clone, ALL),
    CALL(clone3, ALL),
    CALL(ptrace, ALL),
    CALL(wait4, ALL),
    CALL(tgkill, ALL),
    CALL(prctl, ALL),
    CALL(prlimit64, ALL),
    CALL(set_robust_list, ALL),
    CALL(process_vm_readv, ALL),
    CALL(dup, ALL),
    CALL(dup2, ALL),
    CALL(openat, WORKER),
    CALL(open, WORKER),
    CALL(readlink, WORKER),
    CALL(readlinkat, WORKER),
    CALL(getdents, ALL),
    CALL(getdents64, WORKER),
    CALL(pread64, WORKER),
    {.roles = 0},
};
