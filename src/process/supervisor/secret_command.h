/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* `cmd:` as the source of a secret: what a command of the user's prints, such as `pass show NAME`.
 */

#include "base/buffer.h"

/* Runs it with the shell and appends its standard output; its standard input is empty.
 * ERR_NOT_FOUND: it ended with a status other than 0; ERR_TOO_LARGE: it printed more than `out`
 * holds. */
MUST_USE enum error secret_command_read(const char *command, struct buffer *out);
