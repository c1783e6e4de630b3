/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, step by step, in SQL that SQLite and PostgreSQL both take. Never changes a step that
 * was released: a new one goes to the end. */

#include "store/migrations.h"

/* BYTEA is what PostgreSQL calls a BLOB; to SQLite the name of a type is all the same. Times are
 * milliseconds. A `seq` orders by creation, which two equal times do not. */
static const char owners[] =
    "CREATE TABLE sequences (name TEXT PRIMARY KEY, value BIGINT NOT NULL);"
    "CREATE TABLE orgs ("
    " id TEXT PRIMARY KEY, seq BIGINT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,"
    " created_at_ms BIGINT NOT NULL);"
    "CREATE TABLE api_keys ("
    " id TEXT PRIMARY KEY, seq BIGINT NOT NULL UNIQUE, org_id TEXT NOT NULL REFERENCES orgs (id),"
    " name TEXT NOT NULL, prefix TEXT NOT NULL, hash BYTEA NOT NULL UNIQUE,"
    " is_admin SMALLINT NOT NULL, created_at_ms BIGINT NOT NULL, revoked_at_ms BIGINT NOT NULL);"
    "CREATE INDEX api_keys_org ON api_keys (org_id);";

static const char secret_stores[] =
    "CREATE TABLE secret_stores ("
    " id TEXT PRIMARY KEY, seq BIGINT NOT NULL UNIQUE, org_id TEXT NOT NULL REFERENCES orgs (id),"
    " name TEXT NOT NULL, egress TEXT NOT NULL, egress_mac BYTEA NOT NULL,"
    " redact_responses SMALLINT NOT NULL, read_only SMALLINT NOT NULL, deleted SMALLINT NOT NULL,"
    " created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL);"
    "CREATE UNIQUE INDEX secret_stores_name ON secret_stores (org_id, name) WHERE deleted = 0;"
    "CREATE INDEX secret_stores_deleted ON secret_stores (id) WHERE deleted = 1;"
    "CREATE TABLE secrets ("
    " id TEXT PRIMARY KEY, seq BIGINT NOT NULL UNIQUE,"
    " store_id TEXT NOT NULL REFERENCES secret_stores (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, sealed TEXT NOT NULL, hosts TEXT NOT NULL, places TEXT NOT NULL,"
    " created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL, UNIQUE (store_id, name));";

/* bound_store_id is NULL where the store was gone already when the sandbox was made: the list
 * remembers it, but it serves the sandbox no more. As a foreign key it keeps what it names. */
static const char sandboxes[] =
    "CREATE TABLE sandboxes ("
    " seq BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, org_id TEXT NOT NULL REFERENCES orgs (id),"
    " status SMALLINT NOT NULL, reason SMALLINT NOT NULL, proxy_token TEXT NOT NULL,"
    " source TEXT UNIQUE, envs TEXT NOT NULL, metadata TEXT NOT NULL, config TEXT NOT NULL,"
    " checkpoint_id TEXT, timeout_s BIGINT NOT NULL, last_active_ms BIGINT NOT NULL,"
    " created_at_ms BIGINT NOT NULL);"
    "CREATE INDEX sandboxes_org ON sandboxes (org_id, seq);"
    "CREATE INDEX sandboxes_idle ON sandboxes ((last_active_ms + timeout_s * 1000))"
    " WHERE status = 1 AND timeout_s > 0;"
    "CREATE TABLE sandbox_layers ("
    " sandbox_seq BIGINT NOT NULL REFERENCES sandboxes (seq) ON DELETE CASCADE,"
    " position SMALLINT NOT NULL, store_id TEXT NOT NULL,"
    " bound_store_id TEXT REFERENCES secret_stores (id),"
    " PRIMARY KEY (sandbox_seq, position), UNIQUE (sandbox_seq, store_id));"
    "CREATE INDEX sandbox_layers_store ON sandbox_layers (bound_store_id);"
    "CREATE TABLE sandbox_tokens ("
    " sandbox_seq BIGINT NOT NULL REFERENCES sandboxes (seq) ON DELETE CASCADE,"
    " name TEXT NOT NULL, token BYTEA NOT NULL,"
    " PRIMARY KEY (sandbox_seq, name), UNIQUE (sandbox_seq, token));";

/* A checkpoint outlives its sandbox and its stores: no foreign keys to either. */
static const char checkpoints[] =
    "CREATE TABLE checkpoints ("
    " id TEXT PRIMARY KEY, seq BIGINT NOT NULL UNIQUE, sandbox_id TEXT NOT NULL,"
    " org_id TEXT NOT NULL REFERENCES orgs (id), name TEXT NOT NULL, envs TEXT NOT NULL,"
    " metadata TEXT NOT NULL, config TEXT NOT NULL, timeout_s BIGINT NOT NULL,"
    " created_at_ms BIGINT NOT NULL, UNIQUE (sandbox_id, name));"
    "CREATE TABLE checkpoint_layers ("
    " checkpoint_id TEXT NOT NULL REFERENCES checkpoints (id) ON DELETE CASCADE,"
    " position SMALLINT NOT NULL, store_id TEXT NOT NULL,"
    " PRIMARY KEY (checkpoint_id, position), UNIQUE (checkpoint_id, store_id));"
    "CREATE INDEX checkpoint_layers_store ON checkpoint_layers (store_id);"
    "CREATE TABLE checkpoint_tokens ("
    " checkpoint_id TEXT NOT NULL REFERENCES checkpoints (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, token BYTEA NOT NULL, PRIMARY KEY (checkpoint_id, name));";

static const char store_lists[] =
    "ALTER TABLE secret_stores ADD COLUMN passthrough TEXT NOT NULL DEFAULT '[]';"
    "ALTER TABLE secret_stores ADD COLUMN private_hosts TEXT NOT NULL DEFAULT '[]';";

/* NULL: made before there were signatures. */
static const char signatures[] = "ALTER TABLE sandboxes ADD COLUMN mac BYTEA;"
                                 "CREATE INDEX sandboxes_unsigned ON sandboxes (seq)"
                                 " WHERE mac IS NULL;";

static const char *const steps[] = {owners,      secret_stores, sandboxes,
                                    checkpoints, store_lists,   signatures};

enum { LATEST = ARRAY_LEN(steps) };

static enum error read_version(struct database *database, int64_t *out)
{
    OWNED_STRUCT(rows) *rows = NULL;
    TRY(database_query(database, "SELECT version FROM schema_version", SQL_NOTHING, &rows));
    TRY(rows_first(rows));
    *out = rows_integer(rows, 0);
    return OK;
}

static enum error apply_missing(struct database *database)
{
    TRY(database_script(database,
                        "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);"
                        "INSERT INTO schema_version (version) SELECT 0"
                        " WHERE NOT EXISTS (SELECT 1 FROM schema_version);"));
    int64_t version;
    TRY(read_version(database, &version));
    if (version < 0 || version > LATEST)
        return ERR_CONFLICT;

    for (int64_t i = version; i < LATEST; i++)
        TRY(database_script(database, steps[i]));
    return database_run(database, "UPDATE schema_version SET version = ?1",
                        SQL_WITH(SQL_INTEGER(LATEST)));
}

enum error migrations_apply(struct database *database)
{
    TRY(database_begin(database));
    return database_end(database, apply_missing(database));
}
