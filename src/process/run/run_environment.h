/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The environment of the command: ours, less what leads out or holds a secret, then what the
 * sandbox brings, then what --env says. */

#include "base/buffer.h"
#include "process/messages.h"
#include "process/process.h"
#include "process/supervisor/declared_values.h"

/* Appends "NAME=VALUE" and a NUL each. Variables that secrets were taken from are gone already
 * (declared_values_read). ERR_TOO_LARGE, ERR_NO_MEMORY. */
MUST_USE enum error run_environment_build(const struct process_run_options *options,
                                          const struct declared_values *declared,
                                          const struct message_list *sandbox, struct buffer *out);

/* The paths that --share keeps in sight: those that it names, and those that the variables that it
 * names lead to. Writes at most `max` of them, each to be freed, and returns how many. */
size_t run_environment_shared_paths(const struct process_run_options *options, char **paths,
                                    size_t max);
