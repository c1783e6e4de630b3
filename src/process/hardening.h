/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every process gives up. The supervisor calls the first at its start, between fork and exec
 * comes the second, the new process calls the third before it reads anything. */

#include "process/messages.h"

#include <sys/types.h>

/* The accounts that a role's process runs under. */
struct hardening_account {
    uid_t uid;
    gid_t gid;
};

/* "keyholder", "dialer" …: in log lines, process titles, account names. Static. */
const char *hardening_role_name(enum process_role role);

/* Limits that only root may raise, umask, no death by a pipe or a full file, no core, not dumpable.
 */
void hardening_prepare(void);
/* The account of the package (sealgate-keyholder …, sealgate-worker-0 …) or, when there is none,
 * one of a fixed range: each worker has its own either way. As an ordinary user: that user. */
struct hardening_account hardening_account_of(enum process_role role, unsigned index);
/* Becomes that account for good: groups, user, capabilities, no new privileges; dies with the
 * parent. ERR_SYSTEM. */
MUST_USE enum error hardening_drop_privileges(enum process_role role, unsigned index);
/* After exec: not dumpable, no core, no process or thread beside it. ERR_SYSTEM. */
MUST_USE enum error hardening_confine(void);
