/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How many dials and look-ups each sandbox has under way, over all workers, so that one cannot use
 * up the dialer's descriptors. */

#include "base/table.h"

enum { DIALER_QUOTA_PER_SANDBOX = 256 };

struct dialer_quota; /* of one sandbox; freed with its last dial */

/* One more. ERR_TOO_LARGE when the sandbox has as many as it may. `quotas` is by sandbox id. */
MUST_USE enum error dialer_quota_take(struct table *quotas, struct slice sandbox_id,
                                      struct dialer_quota **out);
void dialer_quota_give_back(struct table *quotas, struct dialer_quota *quota);
