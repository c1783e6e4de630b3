/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A sandbox as the API shows it. */

#include "control/output.h"

/* Without its environment and its proxy credentials: for lists. */
json_t *sandbox_output_summary(const struct sandbox *sandbox);
/* Everything, read now. ERR_NOT_FOUND. */
MUST_USE enum error sandbox_output_load(struct api_call *call, struct slice id, json_t **out);
