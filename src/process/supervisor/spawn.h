/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starts a child: the same program again, under its own account, with a clean environment and no
 * descriptor but the standard ones and its channel (3). */

#include "process/messages.h"

#include <sys/types.h>

/* Takes the channel's descriptor, also on failure. ERR_SYSTEM. */
MUST_USE enum error spawn_child(enum process_role role, unsigned index, int channel, pid_t *out);
