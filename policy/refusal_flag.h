/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What to give `sealgate run` so that a refused request passes. */

#include "base/buffer.h"
#include "base/host_name.h"
#include "policy/refusal_code.h"

/* The target as a host pattern: ports 443 and 80 (and 0, a name that was asked for without one) are
 * covered by a pattern without any. ERR_TOO_LARGE, ERR_NO_MEMORY. */
MUST_USE enum error refusal_flag_append_pattern(struct buffer *out, const struct authority *target);

/* "--allow other.test:8443"; nothing where no flag helps. `secret` empty: its name is not known. */
MUST_USE enum error refusal_flag_append(struct buffer *out, enum refusal_code code,
                                        const struct authority *target, struct slice secret);
