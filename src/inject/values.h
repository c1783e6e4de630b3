/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the other files of this folder may ask of the values; see inject.h. */

#include "inject/inject.h"
#include "inject/pattern_set.h"

/* The value itself. ERR_NOT_FOUND when the keyholder did not release it. */
MUST_USE enum error values_find(const struct inject_values *values, uint32_t secret_index,
                                struct slice *out);
const struct pattern_set *values_patterns(const struct inject_values *values);
/* The host that they are for. */
const struct authority *values_target(const struct inject_values *values);
