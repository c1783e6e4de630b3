/* SPDX-License-Identifier: Apache-2.0 */
/* What a view is made of. Never mixes two moments: all of it is read in one transaction. */

#include "store/view_data.h"

#include "store/load.h"

static enum error read_lists(const struct rows *row, struct arena *arena,
                             struct view_data_layer *layer)
{
    TRY(load_list(row, arena, 2, &layer->egress));
    TRY(load_bytes(row, 3, layer->mac, sizeof layer->mac));
    TRY(load_list(row, arena, 5, &layer->passthrough));
    return load_list(row, arena, 6, &layer->private_hosts);
}

static enum error read_layer(const struct rows *row, struct arena *arena, void *out)
{
    struct view_data_layer *layer = out;
    TRY(LOAD_TEXTS(row, arena, &layer->store_id, &layer->store_name));
    layer->redact_responses = rows_integer(row, 4) != 0;
    return load_note_damage(read_lists(row, arena, layer), &layer->is_damaged);
}

static enum error load_layers(struct store *store, struct arena *arena, struct view_data *data)
{
    static const struct load_shape shape = {sizeof(struct view_data_layer), read_layer};
    struct loaded all;
    TRY(load_all(store, arena,
                 &(struct load_query){
                     "SELECT s.id, s.name, s.egress, s.egress_mac, s.redact_responses,"
                     " s.passthrough, s.private_hosts"
                     " FROM sandbox_layers l JOIN secret_stores s ON s.id = l.bound_store_id"
                     " WHERE l.sandbox_seq = ?1 ORDER BY l.position",
                     SQL_WITH(SQL_INTEGER(data->sandbox.seq)), &shape},
                 &all));
    data->layers = all.items;
    data->layer_count = all.count;

    int64_t listed;
    TRY(store_read_integer(store, "SELECT COUNT(*) FROM sandbox_layers WHERE sandbox_seq = ?1",
                           SQL_WITH(SQL_INTEGER(data->sandbox.seq)), &listed));
    data->reaches_nothing = listed > 0 && all.count == 0;
    return OK;
}

static enum error read_secret_lists(const struct rows *row, struct arena *arena,
                                    struct view_data_secret *secret)
{
    TRY(load_list(row, arena, 2, &secret->hosts));
    TRY(load_list(row, arena, 3, &secret->places));
    return load_bytes(row, 4, secret->token.bytes, sizeof secret->token.bytes);
}

/* The layer comes as the number of surviving ones below it. */
static enum error read_secret(const struct rows *row, struct arena *arena, void *out)
{
    struct view_data_secret *secret = out;
    TRY(LOAD_TEXTS(row, arena, &secret->name, &secret->sealed));
    secret->layer = (size_t)rows_integer(row, 5);
    return load_note_damage(read_secret_lists(row, arena, secret), &secret->is_damaged);
}

static const char winners[] =
    "SELECT s.name, s.sealed, s.hosts, s.places, t.token,"
    " (SELECT COUNT(*) FROM sandbox_layers p WHERE p.sandbox_seq = l.sandbox_seq"
    " AND p.position < l.position AND p.bound_store_id IS NOT NULL)"
    " FROM sandbox_layers l JOIN secrets s ON s.store_id = l.bound_store_id"
    " JOIN sandbox_tokens t ON t.sandbox_seq = l.sandbox_seq AND t.name = s.name"
    " WHERE l.sandbox_seq = ?1 AND NOT EXISTS"
    " (SELECT 1 FROM sandbox_layers h JOIN secrets x ON x.store_id = h.bound_store_id"
    " WHERE h.sandbox_seq = l.sandbox_seq AND h.position > l.position AND x.name = s.name)"
    " ORDER BY s.name";

static enum error load_secrets(struct store *store, struct arena *arena, struct view_data *data)
{
    static const struct load_shape shape = {sizeof(struct view_data_secret), read_secret};
    struct loaded all;
    TRY(load_all(store, arena,
                 &(struct load_query){winners, SQL_WITH(SQL_INTEGER(data->sandbox.seq)), &shape},
                 &all));
    data->secrets = all.items;
    data->secret_count = all.count;
    return OK;
}

static enum error load(struct store *store, struct arena *arena, struct slice sandbox_id,
                       struct view_data *out)
{
    struct view_data data = {.secret_count = 0};
    TRY(sandboxes_find(store, arena, sandbox_id, &data.sandbox));
    TRY(load_layers(store, arena, &data));
    TRY(load_secrets(store, arena, &data));
    *out = data;
    return OK;
}

enum error view_data_load(struct store *store, struct arena *arena, struct slice sandbox_id,
                          struct view_data *out)
{
    TRY(database_begin_read(store->database));
    return database_end(store->database, load(store, arena, sandbox_id, out));
}
