/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-8 (RFC 3629), strictly: no surrogates, nothing overlong. */

#include "base/slice.h"

/* The character at the front of a text that is not empty, and how many bytes it has; 0 when
 * malformed. */
size_t utf8_decode(struct slice text, uint32_t *point);
bool utf8_is_valid(struct slice text);
