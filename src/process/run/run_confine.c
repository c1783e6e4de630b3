/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities and system calls. Never widens anything. */
#include "process/run/run_confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/securebits.h>
#include <linux/tiocl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum error clear_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    return syscall(SYS_capset, &header, none) == 0 ? OK : ERR_SYSTEM;
}

enum error run_confine_privileges(void)
{
    /* Root of the machine is root in the namespace too: exec must not give it anything. */
    const int bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

    for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL)
            return ERR_SYSTEM;
    }
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return ERR_SYSTEM;
    TRY(clear_capabilities());
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? OK : ERR_SYSTEM;
}

enum error run_confine_keys(void)
{
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
        return OK;
    return errno == ENOSYS || errno == EPERM ? OK : ERR_SYSTEM;
}

/* The kernel looks at the low half of the request alone. */
static int forbid_ioctl(scmp_filter_ctx filter, unsigned request)
{
    const struct scmp_arg_cmp is_it = SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xFFFFFFFF, request);

    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, is_it);
}

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

static bool is_permitted(int family)
{
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (families[i] == family)
            return true;
    }
    return false;
}

/* AF_VSOCK reaches the host of a virtual machine from every network namespace. */
static int forbid_families(scmp_filter_ctx filter)
{
    int failed = 0;

    for (int family = 0; family < AF_MAX && failed == 0; family++) {
        const struct scmp_arg_cmp is_it =
            SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xFFFFFFFF, (unsigned)family);
        if (!is_permitted(family))
            failed =
                seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, is_it);
    }
    const struct scmp_arg_cmp is_newer = SCMP_A0_32(SCMP_CMP_GE, AF_MAX);
    return failed != 0 ? failed
                       : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                                          is_newer);
}

/* The 32-bit variants of the architecture would be a way around; one that the library does not know
 * is not there. A call number that no filter is for ends the process. */
static void cover_variants(scmp_filter_ctx filter)
{
    const uint32_t variants[] = {SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_ARM};
    uint32_t native = seccomp_arch_native();

    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        bool is_arm = variants[i] == SCMP_ARCH_ARM;
        if (is_arm ? native == SCMP_ARCH_AARCH64 : native == SCMP_ARCH_X86_64)
            (void)seccomp_arch_add(filter, variants[i]);
    }
}

/* As if the kernel were older: io_uring opens sockets that the filter does not see, and so does the
 * call that old 32-bit programs open theirs with. */
static int hide_calls(scmp_filter_ctx filter)
{
    int failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);

    return failed != 0 ? failed
                       : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(socketcall), 0);
}

static int build_and_load(scmp_filter_ctx filter)
{
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

    cover_variants(filter);
    failed = failed != 0 ? failed : forbid_ioctl(filter, TIOCSTI);
    failed = failed != 0 ? failed : forbid_ioctl(filter, TIOCLINUX);
    failed = failed != 0 ? failed : forbid_families(filter);
    failed = failed != 0 ? failed : hide_calls(filter);
    return failed != 0 ? failed : seccomp_load(filter);
}

enum error run_confine_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (filter == NULL)
        return ERR_NO_MEMORY;
    int failed = build_and_load(filter);
    seccomp_release(filter);
    errno = -failed;
    return failed == 0 ? OK : ERR_SYSTEM;
}
