/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the embedded database lies, and who may read it. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

struct buffer;

enum { DATABASE_FILE_PATH_MAX = 4096 };

/* DATA_DIR/db/sealgate.db, in `out_path` with a NUL: makes the folder (0700) and the file (0600)
 * when they are missing. ERR_TOO_LARGE for a path too long, ERR_SYSTEM; `why` (may be NULL) gets a
 * sentence. */
MUST_USE enum error database_file_prepare(struct slice data_dir, struct buffer *why,
                                          char out_path[DATABASE_FILE_PATH_MAX]);
