/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of a role. Never leaves a process that parses hostile bytes, or holds keys, a
 * way to open a connection by itself. */
#include "process/confine.h"

#include "process/confine_rules.h"

#include <errno.h>
#include <seccomp.h>
#include <unistd.h>

static int add_rule(scmp_filter_ctx filter, const struct confine_rule *rule)
{
    uint32_t action = rule->reason == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(rule->reason);
    const struct scmp_arg_cmp compare = {rule->argument, SCMP_CMP_MASKED_EQ, rule->mask,
                                         rule->bits};

    return seccomp_rule_add_array(filter, action, rule->call, rule->mask == 0 ? 0 : 1, &compare);
}

static int add_rules(scmp_filter_ctx filter, const struct confine_rule *rules,
                     enum process_role role)
{
    int failed = 0;

    for (const struct confine_rule *rule = rules; rule->roles != 0 && failed == 0; rule++) {
        if ((rule->roles & CONFINE_ROLE(role)) != 0)
            failed = add_rule(filter, rule);
    }
    return failed;
}

/* What abort() and raise() do. Nobody signals another process. */
static int allow_own_signals(scmp_filter_ctx filter)
{
    const struct confine_rule to_itself = {
        .call = SCMP_SYS(tgkill), .argument = 0, .mask = UINT32_MAX, .bits = (uint32_t)getpid()};

    return add_rule(filter, &to_itself);
}

/* Calls of another architecture end the process: that is the library's default. */
static int build_and_load(scmp_filter_ctx filter, enum process_role role)
{
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

    failed = failed != 0 ? failed : add_rules(filter, confine_rules, role);
    failed = failed != 0 ? failed : allow_own_signals(filter);
    const struct confine_rule *others =
        IS_SANITIZED ? confine_rules_of_sanitizers : confine_rules_of_releases;
    failed = failed != 0 ? failed : add_rules(filter, others, role);
    return failed != 0 ? failed : seccomp_load(filter);
}

enum error confine_calls(enum process_role role)
{
    if (role == PROCESS_SUPERVISOR)
        return OK;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return ERR_NO_MEMORY;
    int failed = build_and_load(filter, role);
    seccomp_release(filter);
    errno = -failed;
    return failed == 0 ? OK : ERR_SYSTEM;
}
