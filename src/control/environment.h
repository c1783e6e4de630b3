/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The environment that a sandbox is started with (docs/clients.md): tokens, proxy variables, CA
 * variables, and the caller's own, which win. */

#include "control/output.h"

/* NULL when out of memory. */
json_t *environment_build(const struct control *control, const struct view_data *data);
/* "http://SANDBOX:TOKEN@HOST:PORT" into `arena`. */
MUST_USE enum error environment_proxy_url(const struct control *control,
                                          const struct sandbox *sandbox, struct arena *arena,
                                          struct slice *out);
