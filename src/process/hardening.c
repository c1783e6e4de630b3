/* SPDX-License-Identifier: Apache-2.0 */
/* Privileges, limits, dumpability. Never leaves a way back to root. */
#include "process/hardening.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the package did not make accounts: one uid per process from here, workers last. Nobody
 * hands out 60578 to 61183 by itself: DynamicUser= of systemd begins above, homed ends below. */
enum { FIRST_UID = 60700 };

static const char *const role_names[PROCESS_ROLE_COUNT] = {
    [PROCESS_SUPERVISOR] = "supervisor", [PROCESS_KEYHOLDER] = "keyholder",
    [PROCESS_DIALER] = "dialer",         [PROCESS_CONTROL] = "control",
    [PROCESS_WORKER] = "worker",
};

const char *hardening_role_name(enum process_role role)
{
    return role_names[role];
}

static void raise_limit(int resource, rlim_t wanted)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return;
    struct rlimit most = {.rlim_cur = wanted, .rlim_max = wanted};
    if (limit.rlim_max < wanted && setrlimit(resource, &most) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(resource, &limit);
}

static enum error forbid_dumps(void)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return ERR_SYSTEM;
    return OK;
}

static enum error forbid_processes(void)
{
    const struct rlimit none = {0, 0};

    return setrlimit(RLIMIT_NPROC, &none) == 0 ? OK : ERR_SYSTEM;
}

void hardening_prepare(void)
{
    enum { NOFILE_WANTED = 1 << 20, MEMLOCK_WANTED = 1 << 30 };

    umask(077);
    raise_limit(RLIMIT_NOFILE, NOFILE_WANTED);
    raise_limit(RLIMIT_MEMLOCK, MEMLOCK_WANTED);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that is full is an error, not an end */
    (void)forbid_dumps();
}

/* Root of a user namespace may have no account but its own: then it is an ordinary user. */
static bool is_mapped(uid_t uid)
{
    unsigned long inside, outside, count;
    bool is_found = false;
    FILE *map = fopen("/proc/self/uid_map", "re");

    if (map == NULL)
        return true; /* a kernel without user namespaces */
    while (!is_found && fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3)
        is_found = uid >= inside && uid - inside < count;
    fclose(map);
    return is_found;
}

static void format_account(enum process_role role, unsigned index, char *out, size_t size)
{
    if (role == PROCESS_WORKER)
        snprintf(out, size, "sealgate-worker-%u", index);
    else
        snprintf(out, size, "sealgate-%s", role_names[role]);
}

struct hardening_account hardening_account_of(enum process_role role, unsigned index)
{
    char name[64];

    if (geteuid() != 0 || role == PROCESS_SUPERVISOR)
        return (struct hardening_account){geteuid(), getegid()};
    format_account(role, index, name, sizeof(name));
    const struct passwd *entry = getpwnam(name);
    if (entry != NULL)
        return (struct hardening_account){entry->pw_uid, entry->pw_gid};
    uid_t uid = FIRST_UID + role + index;
    return is_mapped(uid) ? (struct hardening_account){uid, uid}
                          : (struct hardening_account){geteuid(), getegid()};
}

static void drop_bounding_set(void)
{
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static enum error become(struct hardening_account account)
{
    if (setgroups(0, NULL) != 0 || setresgid(account.gid, account.gid, account.gid) != 0 ||
        setresuid(account.uid, account.uid, account.uid) != 0)
        return ERR_SYSTEM;
    /* If this works, something did not. */
    return setuid(0) == 0 ? ERR_SYSTEM : OK;
}

enum error hardening_drop_privileges(enum process_role role, unsigned index)
{
    if (geteuid() == 0) {
        struct hardening_account account = hardening_account_of(role, index);

        drop_bounding_set(); /* exec gives nothing back, even to uid 0 */
        if (account.uid != geteuid())
            TRY(become(account));
    }
    /* Changing the uid clears the death signal, so it comes after. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return ERR_SYSTEM;
    return OK;
}

enum error hardening_confine(void)
{
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    if (!IS_SANITIZED) /* whose runtime looks for leaks in a process of its own */
        TRY(forbid_processes());
    return forbid_dumps(); /* exec made the process dumpable again */
}
