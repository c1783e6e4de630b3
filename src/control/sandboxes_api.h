/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What other handlers need of sandboxes. */

#include "control/api.h"

enum { SANDBOXES_API_TIMEOUT_MAX = 365 * 24 * 3600 };

/* The sandbox that the call's first parameter names; 404. */
MUST_USE enum error sandboxes_api_find(struct api_call *call, struct sandbox *out);
/* Answers when the sandbox's view is everywhere. Takes `value`. */
void sandboxes_api_push(struct api_call *call, struct slice id, int status, json_t *value);
