/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the control API. Never keeps a key, only its hash and its first characters. */

#include "store/api_keys.h"

#include "store/identifier.h"
#include "store/load.h"

#include <sodium.h>

#define COLUMNS "id, org_id, name, prefix, is_admin, created_at_ms, revoked_at_ms"

static enum error read_key(const struct rows *row, struct arena *arena, void *out)
{
    struct api_key *key = out;
    key->is_admin = rows_integer(row, 4) != 0;
    key->created_at_ms = rows_integer(row, 5);
    key->revoked_at_ms = rows_integer(row, 6);
    return LOAD_TEXTS(row, arena, &key->id, &key->org_id, &key->name, &key->prefix);
}

static const struct load_shape key_shape = {sizeof(struct api_key), read_key};

void api_keys_hash(struct slice text, uint8_t hash[API_KEYS_HASH_SIZE])
{
    crypto_generichash(hash, API_KEYS_HASH_SIZE, (const unsigned char *)text.data, text.len, NULL,
                       0);
}

static enum error insert(struct store *store, const struct api_key_new *key, struct slice id)
{
    uint64_t seq;
    uint8_t hash[API_KEYS_HASH_SIZE];
    api_keys_hash(key->text, hash);
    TRY(store_next_seq(store, "api_keys", &seq));
    return database_run(
        store->database,
        "INSERT INTO api_keys (id, seq, org_id, name, prefix, hash, is_admin,"
        " created_at_ms, revoked_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
        SQL_WITH(SQL_TEXT(id), SQL_INTEGER(seq), SQL_TEXT(key->org_id), SQL_TEXT(key->name),
                 SQL_TEXT(slice_take(key->text, API_KEYS_PREFIX_LEN)), SQL_BLOB(hash, sizeof hash),
                 SQL_INTEGER(key->is_admin), SQL_INTEGER(store_now_ms())));
}

static enum error create(struct store *store, struct arena *arena, const struct api_key_new *key,
                         struct api_key *out)
{
    char text[IDENTIFIER_SIZE];
    struct slice id = identifier_uuid(text);
    TRY(insert(store, key, id));
    return load_one(store, arena,
                    &(struct load_query){"SELECT " COLUMNS " FROM api_keys WHERE id = ?1",
                                         SQL_WITH(SQL_TEXT(id)), &key_shape},
                    out);
}

enum error api_keys_create(struct store *store, struct arena *arena, const struct api_key_new *key,
                           struct api_key *out)
{
    /* the prefix that is kept in the clear must leave enough to guess */
    if (key->text.len < API_KEYS_TEXT_MIN)
        return ERR_SYNTAX;
    TRY(database_begin(store->database));
    return database_end(store->database, create(store, arena, key, out));
}

enum error api_keys_authenticate(struct store *store, struct arena *arena, struct slice text,
                                 struct api_key *out)
{
    uint8_t hash[API_KEYS_HASH_SIZE];
    api_keys_hash(text, hash);
    return load_one(store, arena,
                    &(struct load_query){"SELECT " COLUMNS " FROM api_keys"
                                         " WHERE hash = ?1 AND revoked_at_ms = 0",
                                         SQL_WITH(SQL_BLOB(hash, sizeof hash)), &key_shape},
                    out);
}

enum error api_keys_list(struct store *store, struct arena *arena, struct slice org_id,
                         struct api_key_list *out)
{
    struct loaded all;
    TRY(load_all(store, arena,
                 &(struct load_query){"SELECT " COLUMNS " FROM api_keys"
                                      " WHERE org_id = ?1 OR ?1 = '' ORDER BY seq",
                                      SQL_WITH(SQL_TEXT(org_id)), &key_shape},
                 &all));
    *out = (struct api_key_list){all.items, all.count};
    return OK;
}

enum error api_keys_revoke(struct store *store, struct slice org_id, struct slice id)
{
    return database_run_found(
        store->database,
        "UPDATE api_keys SET revoked_at_ms ="
        " CASE WHEN revoked_at_ms = 0 THEN ?3 ELSE revoked_at_ms END"
        " WHERE id = ?1 AND (org_id = ?2 OR ?2 = '')",
        SQL_WITH(SQL_TEXT(id), SQL_TEXT(org_id), SQL_INTEGER(store_now_ms())));
}

enum error api_keys_count(struct store *store, uint64_t *out)
{
    int64_t count;
    TRY(store_read_integer(store, "SELECT COUNT(*) FROM api_keys", SQL_NOTHING, &count));
    *out = (uint64_t)count;
    return OK;
}
