/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the data directory is: --data-dir, or that of --config, or the default. */

#include "base/buffer.h"
#include "cli/cli.h"
#include "process/config/config.h"

enum { DATA_DIR_PATH_MAX = 4096 };

/* The configuration of --config with --data-dir on top. False when it is unusable, which was said.
 * Freed by the caller. */
MUST_USE bool data_dir_load_config(const struct cli *cli, struct config **out);
/* A file in the data directory. False when there is none, which was said. */
MUST_USE bool data_dir_path(const struct cli *cli, const char *name, char out[DATA_DIR_PATH_MAX]);
/* A whole file, at most `limit` bytes; says why not. The caller clears the buffer. */
MUST_USE bool data_dir_read_file(const char *path, size_t limit, struct buffer *out);
