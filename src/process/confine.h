/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system calls that a process may make: a list for each role. Everything else ends it. */

#include "process/messages.h"

/* For good, and for what it starts too. A call that is not listed kills the process (SIGSYS, which
 * the supervisor reports); a few that libraries try without needing them fail instead. Needs
 * no-new-privs. Nothing for the supervisor. ERR_SYSTEM, with errno. */
MUST_USE enum error confine_calls(enum process_role role);
