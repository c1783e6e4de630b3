/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A run whose store is a server's: what it says in the place of stores of our own. */

#include "process/messages.h"
#include "process/process.h"
#include "process/supervisor/declared_values.h"

/* The variables of a sandbox of ours (the proxy, whom to trust), then those of the server's (the
 * tokens) that it has not. The items stay the arguments'; the array is the caller's to free.
 * ERR_NO_MEMORY. */
MUST_USE enum error run_server_environment(const struct process_run_server *server,
                                           const struct message_list *sandbox,
                                           struct message_list *out);
