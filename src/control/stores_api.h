/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What other handlers need of secret stores. */

#include "control/api.h"

enum { STORES_API_NAME_MAX = 128 };

/* The store that the call's first parameter names, by id or name; 404. */
MUST_USE enum error stores_api_find(struct api_call *call, struct secret_store *out);
/* The same, and 403 when it is declared in the configuration. */
MUST_USE enum error stores_api_find_writable(struct api_call *call, struct secret_store *out);
/* Answers when the views of the sandboxes bound to the store are everywhere. Takes `value`, also
 * when it fails. */
MUST_USE enum error stores_api_push(struct api_call *call, struct slice store_id, int status,
                                    json_t *value);
