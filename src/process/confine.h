/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* System calls that a process has no use for, taken away for good. */

#include "process/messages.h"

/* Keyholder, workers and dialer start no program and listen nowhere; keyholder and workers make no
 * socket and connect none: what they are given is all they have. A call that was taken away fails
 * with EPERM. Needs no-new-privs. Nothing for the other roles. ERR_SYSTEM. */
MUST_USE enum error confine_calls(enum process_role role);
