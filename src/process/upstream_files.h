/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files that `upstream:` of the configuration names and only the supervisor may be able to
 * open. It reads them at the start and with every reload, keeps what is secret in guarded memory,
 * and tells the processes that need it, again whenever one of them has started. */

#include "process/config.h"
#include "process/peer.h"

struct upstream_files; /* opaque */

/* It has logged which file is unusable, and why: ERR_CONFIG, ERR_NO_MEMORY. */
MUST_USE enum error upstream_files_read(const struct config *config, struct upstream_files **out);
/* The same with credentials for upstream.proxy that no file holds. Copies. ERR_SYNTAX: they are not
 * "user:password"; ERR_NO_MEMORY. */
MUST_USE enum error upstream_files_new(struct slice credentials, struct upstream_files **out);
/* Wipes. NULL is fine. */
void upstream_files_free(struct upstream_files *files);
DEFINE_OWNED_STRUCT(upstream_files, upstream_files_free)

/* To be followed by the configuration that they were read for. */
void upstream_files_send(const struct upstream_files *files, struct peer *child);
