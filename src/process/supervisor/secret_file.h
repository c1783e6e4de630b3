/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A file with a secret in it, such as a password or a private key. */

#include "base/buffer.h"

/* Appends the file's content. `*why` (a static sentence) says what is wrong with it:
 * ERR_NOT_FOUND when it cannot be opened, else ERR_CONFIG. It must be a regular file that nobody
 * but its owner and group may read and nobody but its owner write. */
MUST_USE enum error secret_file_read(const char *path, struct buffer *out, const char **why);
/* The same for what goes with a secret and is none: whoever may read it. */
MUST_USE enum error secret_file_read_public(const char *path, struct buffer *out, const char **why);
/* The first line of `text`, when there is nothing behind it. False otherwise. */
bool secret_file_only_line(struct slice text, struct slice *out);
