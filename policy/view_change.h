/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a new view means for a WebSocket that was opened under an older one. */

#include "policy/decision.h"

/* REFUSAL_NONE: it may stay open, for both views say the same about this target: the sandbox runs,
 * the host is allowed, and the secrets that may go there are the same ones, with the same values,
 * places and tokens. Otherwise why it has to end. */
enum refusal_code view_change_ends(const struct view *before, const struct view *after,
                                   const struct authority *target,
                                   struct decision_settings settings);
