/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of a JSON string (RFC 8259, 7) as the common encoders write it: they differ in what
 * they escape without need, and in the case of the digits. */

#include "base/buffer.h"

enum { JSON_STYLES = 14 };

/* `style` is below JSON_STYLES. At most six bytes for one. ERR_SYNTAX when the style writes
 * everything outside ASCII as \uXXXX and the value is not UTF-8. */
MUST_USE enum error json_form_append(size_t style, struct slice value, struct buffer *out);
