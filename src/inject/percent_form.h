/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Percent-encoding (RFC 3986, 2.1) as the common encoders do it: they differ in what they leave as
 * it is, in the case of the digits, and in whether a space becomes "+". */

#include "base/buffer.h"

enum { PERCENT_STYLES = 18 };

/* `style` is below PERCENT_STYLES. At most three bytes for one. */
MUST_USE enum error percent_form_append(size_t style, struct slice value, struct buffer *out);
