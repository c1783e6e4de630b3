/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of stores. Never takes one for good that the keyholder did not make for this very
 * store, as it is now. */
#include "control/store_signature.h"

#include "base/table.h"

#include <stdlib.h>

/* More than that, and all are asked for again. */
enum { REMEMBERED_MAX = 100 * 1000 };

struct remembered {
    struct table_entry entry;
    uint8_t digest[SEAL_MAC_SIZE]; /* of what was signed */
    uint8_t mac[SEAL_MAC_SIZE];
    char id[];
};

struct store_signatures {
    struct table by_id;
};

struct store_signatures *store_signatures_new(void)
{
    return calloc(1, sizeof(struct store_signatures));
}

static void forget_all(struct store_signatures *signatures)
{
    struct table_entry *entry = table_first(&signatures->by_id), *next;
    for (; entry != NULL; entry = next) {
        next = table_next(&signatures->by_id, entry);
        free(CONTAINER_OF(entry, struct remembered, entry));
    }
    table_clear(&signatures->by_id);
}

void store_signatures_free(struct store_signatures *signatures)
{
    if (signatures == NULL)
        return;
    forget_all(signatures);
    free(signatures);
}

static struct seal_list list_of(const struct text_list *list)
{
    return (struct seal_list){list->items, list->count};
}

struct seal_store store_signature_of_new(const struct secret_store_new *store)
{
    return (struct seal_store){.org = store->org_id,
                               .id = store->id,
                               .egress = list_of(&store->egress),
                               .passthrough = list_of(&store->passthrough),
                               .private_hosts = list_of(&store->private_hosts),
                               .redact_responses = store->redact_responses};
}

struct seal_store store_signature_of_store(const struct secret_store *store)
{
    return (struct seal_store){.org = store->org_id,
                               .id = store->id,
                               .egress = list_of(&store->egress),
                               .passthrough = list_of(&store->passthrough),
                               .private_hosts = list_of(&store->private_hosts),
                               .redact_responses = store->redact_responses};
}

struct seal_store store_signature_of_layer(const struct view_data_layer *layer, struct slice org)
{
    return (struct seal_store){.org = org,
                               .id = layer->store_id,
                               .egress = list_of(&layer->egress),
                               .passthrough = list_of(&layer->passthrough),
                               .private_hosts = list_of(&layer->private_hosts),
                               .redact_responses = layer->redact_responses};
}

static struct remembered *find(const struct store_signatures *signatures, struct slice id)
{
    struct table_entry *entry = table_find(&signatures->by_id, id);
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct remembered, entry);
}

/* NULL when out of memory: then it is asked for again. */
static struct remembered *add(struct store_signatures *signatures, struct slice id)
{
    if (signatures->by_id.count >= REMEMBERED_MAX)
        forget_all(signatures);
    struct remembered *remembered = calloc(1, sizeof *remembered + id.len + 1);
    if (remembered == NULL)
        return NULL;
    memcpy(remembered->id, id.data, id.len);
    if (table_insert(&signatures->by_id, &remembered->entry, slice_of(remembered->id, id.len)) ==
        OK)
        return remembered;
    free(remembered);
    return NULL;
}

static void remember(struct store_signatures *signatures, const struct seal_store *store,
                     const uint8_t mac[SEAL_MAC_SIZE])
{
    struct remembered *remembered = find(signatures, store->id);
    if (remembered == NULL)
        remembered = add(signatures, store->id);
    if (remembered == NULL)
        return;
    seal_store_mac(NULL, store, remembered->digest);
    memcpy(remembered->mac, mac, SEAL_MAC_SIZE);
}

static bool is_remembered(const struct store_signatures *signatures, const struct seal_store *store,
                          const uint8_t mac[SEAL_MAC_SIZE])
{
    const struct remembered *remembered = find(signatures, store->id);
    uint8_t digest[SEAL_MAC_SIZE];
    if (remembered == NULL || memcmp(remembered->mac, mac, SEAL_MAC_SIZE) != 0)
        return false;
    seal_store_mac(NULL, store, digest);
    return memcmp(remembered->digest, digest, sizeof digest) == 0;
}

enum error store_signature_make(struct control *control, const struct seal_store *store,
                                uint8_t mac[SEAL_MAC_SIZE])
{
    TRY(control->services.sign_store(control->services.context, store, mac));
    remember(control->signatures, store, mac);
    return OK;
}

enum error store_signature_check(struct control *control, const struct seal_store *store,
                                 const uint8_t mac[SEAL_MAC_SIZE])
{
    if (is_remembered(control->signatures, store, mac))
        return OK;
    TRY(control->services.verify_store(control->services.context, store, mac));
    remember(control->signatures, store, mac);
    return OK;
}
