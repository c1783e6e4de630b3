/* SPDX-License-Identifier: Apache-2.0 */
/* Applies the stores of the configuration: what is declared is made or set again, and keeps its ids
 * and tokens; what is declared no more goes. Never touches a store that the API made. */

#include "control/declared.h"

#include "control/declared_digests.h"
#include "control/propagation.h"
#include "control/secret_seal.h"
#include "control/store_signature.h"
#include "observe/log.h"

#include <stdlib.h>

struct declared {
    struct arena memory;     /* of one round */
    struct text_list stores; /* the ids seen in this round; items of DECLARED_MAX */
    struct declared_digests *digests;
    bool has_changed; /* the store that is being applied */
};

enum { DECLARED_MAX = 4096 };

struct declared *declared_new(void)
{
    struct declared *declared = calloc(1, sizeof *declared);
    if (declared == NULL)
        return NULL;
    declared->digests = declared_digests_new();
    if (declared->digests != NULL)
        return declared;
    free(declared);
    return NULL;
}

void declared_free(struct declared *declared)
{
    if (declared == NULL)
        return;
    arena_clear(&declared->memory);
    declared_digests_free(declared->digests);
    free(declared);
}

enum error control_declare_begin(struct control *control)
{
    struct declared *declared = control->declared;
    arena_clear(&declared->memory);
    declared->stores.count = 0;
    declared->stores.items =
        arena_alloc_array(&declared->memory, DECLARED_MAX, sizeof *declared->stores.items);
    return declared->stores.items == NULL ? ERR_NO_MEMORY : OK;
}

static enum error check_hosts(const struct slice *items, size_t count)
{
    struct host_pattern pattern;
    for (size_t i = 0; i < count; i++) {
        if (host_pattern_parse_host(items[i], &pattern, NULL) != OK)
            return ERR_CONFIG;
    }
    return OK;
}

static enum error check_patterns(const struct slice *items, size_t count)
{
    struct host_pattern pattern;
    for (size_t i = 0; i < count; i++) {
        if (host_pattern_parse(items[i], &pattern, NULL) != OK)
            return ERR_CONFIG;
    }
    return OK;
}

static enum error check_places(const struct slice *items, size_t count)
{
    struct place place;
    for (size_t i = 0; i < count; i++) {
        if (place_parse(items[i], &place, NULL) != OK)
            return ERR_CONFIG;
    }
    return OK;
}

static enum error check_secret(const struct declared_secret *secret)
{
    if (!input_is_variable_name(secret->name) || secret_seal_complaint(secret->value) != NULL)
        return ERR_CONFIG;
    TRY(check_patterns(secret->hosts, secret->host_count));
    return check_places(secret->places, secret->place_count);
}

/* Everything, before anything is changed. */
static enum error check_store(const struct declared_store *store)
{
    TRY(check_patterns(store->egress, store->egress_count));
    TRY(check_patterns(store->passthrough, store->passthrough_count));
    TRY(check_hosts(store->private_hosts, store->private_host_count));
    for (size_t i = 0; i < store->secret_count; i++)
        TRY(check_secret(&store->secrets[i]));
    return OK;
}

static struct text_list list_of(const struct slice *items, size_t count)
{
    return (struct text_list){(struct slice *)items, count};
}

static enum error create_store(struct control *control, const struct declared_store *declared,
                               struct secret_store *out)
{
    char id[IDENTIFIER_SIZE];
    uint8_t mac[SECRET_STORES_MAC_SIZE];
    const struct secret_store_new new_store = {
        .id = identifier_uuid(id),
        .org_id = control->default_org,
        .name = declared->name,
        .egress = list_of(declared->egress, declared->egress_count),
        .mac = mac,
        .passthrough = list_of(declared->passthrough, declared->passthrough_count),
        .private_hosts = list_of(declared->private_hosts, declared->private_host_count),
        .redact_responses = declared->redact_responses,
        .read_only = true,
    };
    const struct seal_store claim = store_signature_of_new(&new_store);
    TRY(store_signature_make(control, &claim, mac));
    return secret_stores_create(control->store, &control->declared->memory, &new_store, out);
}

static bool lists_equal(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!slice_equals(a->items[i], b->items[i]))
            return false;
    }
    return true;
}

/* Also signed like this. */
static bool store_is_as_declared(struct control *control, const struct secret_store *store,
                                 const struct secret_store_new *declared)
{
    const struct seal_store claim = store_signature_of_new(declared);
    return !store->is_damaged && lists_equal(&store->egress, &declared->egress) &&
           lists_equal(&store->passthrough, &declared->passthrough) &&
           lists_equal(&store->private_hosts, &declared->private_hosts) &&
           store->redact_responses == declared->redact_responses &&
           store_signature_check(control, &claim, store->mac) == OK;
}

static enum error update_store(struct control *control, const struct declared_store *declared,
                               const struct secret_store *store)
{
    uint8_t mac[SECRET_STORES_MAC_SIZE];
    const struct secret_store_new next = {
        .id = store->id,
        .org_id = store->org_id,
        .egress = list_of(declared->egress, declared->egress_count),
        .passthrough = list_of(declared->passthrough, declared->passthrough_count),
        .private_hosts = list_of(declared->private_hosts, declared->private_host_count),
        .redact_responses = declared->redact_responses,
    };
    const struct secret_store_change change = {.egress = &next.egress,
                                               .mac = mac,
                                               .passthrough = &next.passthrough,
                                               .private_hosts = &next.private_hosts,
                                               .redact_responses = &declared->redact_responses};
    if (!store->read_only)
        return ERR_EXISTS;
    if (store_is_as_declared(control, store, &next))
        return OK;
    control->declared->has_changed = true;
    const struct seal_store claim = store_signature_of_new(&next);
    TRY(store_signature_make(control, &claim, mac));
    return secret_stores_update(control->store, store->org_id, store->id, &change);
}

/* Its box stays, and with it what uses it. */
static bool secret_is_as_declared(struct control *control, const struct secret_entry_new *entry,
                                  const struct seal_binding *binding, struct slice value)
{
    struct secret_entry former;
    return secrets_get(control->store, &control->declared->memory, entry->org_id, entry->store_id,
                       entry->name, &former) == OK &&
           lists_equal(&former.hosts, &entry->hosts) &&
           lists_equal(&former.places, &entry->places) &&
           declared_digests_has(control->declared->digests, binding, value, former.sealed);
}

static enum error set_secret(struct control *control, const struct secret_store *store,
                             const struct declared_secret *declared)
{
    static struct slice header[] = {SLICE_INIT("header")};
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    struct seal_public_key key;
    struct secret_set_outcome outcome;
    struct secret_entry_new entry = {
        .org_id = store->org_id,
        .store_id = store->id,
        .name = declared->name,
        .hosts = list_of(declared->hosts, declared->host_count),
        .places = declared->place_count > 0 ? list_of(declared->places, declared->place_count)
                                            : (struct text_list){header, 1},
    };
    const struct seal_binding binding = {entry.org_id,       entry.store_id,     entry.name,
                                         entry.places.items, entry.places.count, entry.hosts.items,
                                         entry.hosts.count};
    if (secret_is_as_declared(control, &entry, &binding, declared->value))
        return OK;
    control->declared->has_changed = true;
    TRY(control->services.current_key(control->services.context, &key));
    TRY(seal_value(&key, &binding, declared->value, sealed));
    entry.sealed = buffer_view(sealed);
    declared_digests_note(control->declared->digests, &binding, declared->value, entry.sealed);
    return secrets_set(control->store, &entry, &outcome);
}

static bool is_declared(const struct declared_store *declared, struct slice name)
{
    for (size_t i = 0; i < declared->secret_count; i++) {
        if (slice_equals(declared->secrets[i].name, name))
            return true;
    }
    return false;
}

static enum error set_secrets(struct control *control, const struct secret_store *store,
                              const struct declared_store *declared)
{
    struct secret_entry_list old;
    for (size_t i = 0; i < declared->secret_count; i++)
        TRY(set_secret(control, store, &declared->secrets[i]));
    TRY(secrets_list(control->store, &control->declared->memory, store->org_id, store->id, &old));
    for (size_t i = 0; i < old.count; i++) {
        if (is_declared(declared, old.items[i].name))
            continue;
        control->declared->has_changed = true;
        TRY(secrets_delete(control->store, store->org_id, store->id, old.items[i].name));
    }
    return OK;
}

static enum error apply_store(struct control *control, const struct declared_store *declared,
                              struct secret_store *store)
{
    enum error error = secret_stores_find(control->store, &control->declared->memory,
                                          control->default_org, declared->name, store);
    if (error == ERR_NOT_FOUND)
        error = create_store(control, declared, store);
    else if (error == OK)
        error = update_store(control, declared, store);
    TRY(error);
    return set_secrets(control, store, declared);
}

enum error control_declare_store(struct control *control, const struct declared_store *declared)
{
    struct secret_store store;
    struct text_list bound;
    struct text_list *seen = &control->declared->stores;
    if (seen->count == DECLARED_MAX)
        return ERR_TOO_LARGE;
    TRY(check_store(declared));
    control->declared->has_changed = false;
    TRY(store_begin(control->store));
    TRY(store_end(control->store, apply_store(control, declared, &store)));
    seen->items[seen->count++] = store.id;
    if (!control->declared->has_changed)
        return OK;
    TRY(sandboxes_bound_to(control->store, &control->declared->memory, store.id, &bound));
    propagation_push(control->propagation, &bound, &(struct propagation_then){.call = NULL});
    return OK;
}

enum error control_declare_end(struct control *control)
{
    struct declared *declared = control->declared;
    struct secret_store_list stores;
    TRY(secret_stores_list(control->store, &declared->memory, control->default_org, &stores));
    for (size_t i = 0; i < stores.count; i++) {
        const struct secret_store *store = &stores.items[i];
        if (store->is_damaged)
            LOG(LEVEL_ERROR, "secret_store_damaged", .detail = store->id);
        if (store->read_only && !text_list_contains(&declared->stores, store->id))
            TRY(secret_stores_delete(control->store, store->org_id, store->id));
    }
    declared_digests_end_round(declared->digests);
    arena_clear(&declared->memory);
    declared->stores = (struct text_list){NULL, 0};
    return OK;
}
