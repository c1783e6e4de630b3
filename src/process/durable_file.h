/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Small files that must survive a crash whole: the old content or the new, never a part. */

#include "base/buffer.h"

#include <sys/types.h>

/* Writes `name` in the folder through a temporary file, fsync and rename. ERR_SYSTEM, errno says
 * why. */
MUST_USE enum error durable_file_write(int folder, const char *name, struct slice content,
                                       mode_t mode);
MUST_USE enum error durable_file_rename(int folder, const char *from, const char *to);
/* Appends the content. ERR_NOT_FOUND, ERR_TOO_LARGE over the buffer's limit, ERR_SYSTEM. */
MUST_USE enum error durable_file_read(int folder, const char *name, struct buffer *out);
MUST_USE enum error durable_file_remove(int folder, const char *name);
