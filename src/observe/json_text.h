/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Any bytes as a JSON string. */

#include "base/buffer.h"

/* Appends `bytes` in quotes. Valid UTF-8 stays what it is, except that quotes, backslashes,
 * controls (C1 too) and the Unicode line and paragraph separators are escaped; each byte that is
 * not valid UTF-8 becomes U+FFFD. May leave part of it behind on failure. */
MUST_USE enum error json_text_append(struct buffer *out, struct slice bytes);
/* The first `max` bytes at most, without half of a UTF-8 character at the end. */
struct slice json_text_cut(struct slice bytes, size_t max);
