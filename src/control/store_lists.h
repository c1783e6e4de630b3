/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The lists of hosts of a secret store, as a request body gives them. */

#include "control/api.h"
#include "control/input.h"

struct store_lists {
    struct input_list egress, passthrough, private_hosts;
};

/* 403 for `privateHosts` unless an administrator asks: they open the operator's own network. */
MUST_USE enum error store_lists_read(struct api_call *call, struct store_lists *out);
/* 400 when one of these secrets has a host of its own whose TLS goes through unopened: its value
 * could never be sent there. */
MUST_USE enum error store_lists_check_secrets(struct api_call *call,
                                              const struct text_list *passthrough,
                                              const struct secret_entry_list *secrets);
/* What is set and does nothing: hosts of the other lists that the store's own allowlist leaves out.
 * NULL: none, or out of memory. */
json_t *store_lists_warnings(const struct secret_store *store);
