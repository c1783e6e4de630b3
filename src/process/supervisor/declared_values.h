/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The values of declared stores (`stores:` of the configuration). The supervisor reads them, keeps
 * them in guarded memory and sends them to control whenever that has started: a variable can be
 * read only once, because reading wipes it from this process's environment, so that neither a child
 * nor /proc/PID/environ shows it. */

#include "base/secret.h"
#include "process/config/config.h"
#include "process/peer.h"

struct declared_values; /* opaque */

/* Reads every source of `config`; what a variable gave to `former` (may be NULL) it gives again. It
 * has logged what is missing: ERR_CONFIG, ERR_NO_MEMORY. */
MUST_USE enum error declared_values_read(const struct config *config,
                                         const struct declared_values *former,
                                         struct declared_values **out);
/* Wipes. NULL is fine. */
void declared_values_free(struct declared_values *declared);
DEFINE_OWNED_STRUCT(declared_values, declared_values_free)

/* Whether a value stands somewhere in `text`; one of under 8 bytes must be all of it, or every text
 * with a "1" in it would count. */
bool declared_values_appear_in(const struct declared_values *declared, struct slice text);

/* Sends everything: stores, secrets, one message for each value. `config` is the one that was read.
 * ERR_UNAVAILABLE. */
MUST_USE enum error declared_values_send(const struct declared_values *declared,
                                         const struct config *config, struct peer *control);
