/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is inside a box, and the text around it (both are described in seal.h). Only for seal/. */

#include "seal/seal.h"

enum {
    BOX_ENCODING_ITEMS_MAX = SEAL_PLACES_MAX + SEAL_HOSTS_MAX,
    BOX_ENCODING_PREFIX_LEN = sizeof(SEAL_FORMAT) + SEAL_KEY_ID_LEN + 1, /* up to the base64 */
};

/* The rules for a value: ERR_SYNTAX when it is empty or has CR, LF or NUL, ERR_TOO_LARGE. */
MUST_USE enum error box_encoding_check_value(struct slice value);
/* Appends the plaintext of a box; the caller wipes it. ERR_TOO_LARGE beyond the limits of seal.h.
 */
MUST_USE enum error box_encoding_write(const struct seal_binding *binding, struct slice value,
                                       struct buffer *out);
/* `binding` and `value` point into `plain`, the lists into `items` (BOX_ENCODING_ITEMS_MAX of
 * them). ERR_BOX_FORM unless it is exactly what box_encoding_write() writes; then as check_value().
 */
MUST_USE enum error box_encoding_read(struct slice plain, struct slice *items,
                                      struct seal_binding *binding, struct slice *value);

/* Takes "sealgate.v1.KEYID.BASE64URL" apart: ERR_BOX_FORM. */
MUST_USE enum error box_encoding_split_text(struct slice sealed, struct slice *out_key_id,
                                            struct slice *out_base64);
