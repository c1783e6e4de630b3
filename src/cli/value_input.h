/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the value of a secret comes from: standard input (asked for without echo on a terminal),
 * --from-file, or --value with a warning. */

#include "base/buffer.h"
#include "cli/cli.h"

/* CLI_USAGE: two of them, which it has said. */
MUST_USE enum cli_status value_input_check(const struct cli *cli);
/* At most `limit` bytes; one line break at the end is dropped. False when there is none, which was
 * said. The buffer wipes on clear. */
MUST_USE bool value_input_read(const struct cli *cli, const char *prompt, size_t limit,
                               struct buffer *out);
