/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Basic credentials (RFC 7617): "Basic" SP base64(user-id ":" password), for looking inside. */

#include "base/buffer.h"

/* Whether a field of this name and value is Authorization with the scheme Basic; `*encoded` is then
 * the base64 text, unchecked. */
bool basic_credentials_recognize(struct slice name, struct slice value, struct slice *encoded);
/* Appends the decoded bytes. ERR_SYNTAX for anything but the standard alphabet, complete padding or
 * none at all, and zero bits at the end: a strict server would not take it for credentials. */
MUST_USE enum error basic_credentials_decode(struct slice encoded, struct buffer *out);
/* Appends "Basic " and the padded base64 of `credentials`. */
MUST_USE enum error basic_credentials_encode(struct slice credentials, struct buffer *out);
