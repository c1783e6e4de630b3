/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Everything at rest: organizations, API keys, secret stores, secrets, sandboxes, checkpoints. The
 * only header of store/ that others include. One thread at a time.
 *
 * - Every write is on disk when its function returns OK; a failed one has changed nothing.
 * - Results are copied into the arena that the caller gives (arena.h).
 * - Look-ups by an API caller take the organization's id: what belongs to another one is
 *   ERR_NOT_FOUND. Functions of the data plane, which knows no organization, say so.
 * - Lists come in the order of creation.
 * - Besides the errors that a function names, each may fail with ERR_DATABASE (store_message() has
 *   the database's words for the log) and ERR_NO_MEMORY.
 * - Times are milliseconds since 1970. */

#include "store/api_keys.h"
#include "store/arena.h"
#include "store/checkpoints.h"
#include "store/identifier.h"
#include "store/orgs.h"
#include "store/sandboxes.h"
#include "store/secret_stores.h"
#include "store/secrets.h"
#include "store/text_list.h"
#include "store/view_data.h"

struct buffer;
struct store;

/* `database` is "sqlite" (DIR/db/sealgate.db, 0600, made when missing; an empty `data_dir` keeps
 * everything in memory) or a postgresql:// URL (ERR_UNSUPPORTED so far). Brings the schema up to
 * date. ERR_CONFLICT when a newer sealgate wrote it. `why` (may be NULL) gets a sentence on
 * failure. */
MUST_USE enum error store_open(struct slice database, struct slice data_dir, struct buffer *why,
                               struct store **out);
void store_close(struct store *store); /* NULL is fine */
DEFINE_OWNED_STRUCT(store, store_close)

/* What the database said last, for the log: names of tables and columns, never a value. */
struct slice store_message(const struct store *store);

/* Several calls as one: everything between store_begin() and store_end() is kept, when `outcome` is
 * OK, or undone. Returns `outcome`, or why it could not be kept. They nest; each begin that
 * returned OK needs its end:
 *
 *     TRY(store_begin(store));
 *     return store_end(store, change_many_things(store));
 */
MUST_USE enum error store_begin(struct store *store);
MUST_USE enum error store_end(struct store *store, enum error outcome);
