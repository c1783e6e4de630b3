/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text for a POSIX shell. */

#include "base/buffer.h"

/* Appends `text` in single quotes, so that a shell reads back exactly these bytes. ERR_SYNTAX for a
 * NUL, which no shell can hold. */
MUST_USE enum error shell_quote(struct slice text, struct buffer *out);
/* Whether a shell takes it as the name of a variable. */
bool shell_quote_is_name(struct slice name);
