/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the command gives up for good, just before it is started. */

#include "base/compiler.h"
#include "base/error.h"

/* Every capability, and every way back to one. ERR_SYSTEM with errno. */
MUST_USE enum error run_confine_privileges(void);
/* The session keyring of the caller: keyrings belong to no namespace. Where there are none, or a
 * container keeps them away, the command has none either. ERR_SYSTEM with errno. */
MUST_USE enum error run_confine_keys(void);
/* A filter against what namespaces do not hold: typing into the terminal that it shares with us,
 * socket families that know no network namespace, and io_uring, which no filter sees. ERR_SYSTEM
 * with errno. */
MUST_USE enum error run_confine_calls(void);
