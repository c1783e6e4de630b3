/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of declared secrets. Never keeps a value: digests are keyed, with a key that nobody else
 * has and that ends with this process. */
#include "control/declared_digests.h"

#include "base/table.h"

#include <sodium.h>
#include <stdlib.h>

struct digest {
    struct table_entry entry; /* by store and name */
    uint8_t bytes[crypto_generichash_BYTES];
    uint64_t round;
    char key[];
};

struct declared_digests {
    uint8_t *key; /* crypto_generichash_KEYBYTES, guarded */
    struct table by_place;
    uint64_t round;
};

struct declared_digests *declared_digests_new(void)
{
    struct declared_digests *digests = calloc(1, sizeof *digests);
    if (digests == NULL)
        return NULL;
    digests->key = sodium_malloc(crypto_generichash_KEYBYTES);
    if (digests->key == NULL) {
        free(digests);
        return NULL;
    }
    randombytes_buf(digests->key, crypto_generichash_KEYBYTES);
    return digests;
}

/* Those of rounds before this one. */
static void forget_before(struct declared_digests *digests, uint64_t round)
{
    struct table_entry *entry = table_first(&digests->by_place), *next;
    for (; entry != NULL; entry = next) {
        struct digest *digest = CONTAINER_OF(entry, struct digest, entry);
        next = table_next(&digests->by_place, entry);
        if (digest->round >= round)
            continue;
        table_remove(&digests->by_place, entry);
        free(digest);
    }
}

void declared_digests_free(struct declared_digests *digests)
{
    if (digests == NULL)
        return;
    forget_before(digests, UINT64_MAX);
    table_clear(&digests->by_place);
    sodium_free(digests->key);
    free(digests);
}

static void hash_text(crypto_generichash_state *state, struct slice text)
{
    const uint64_t len = text.len;
    crypto_generichash_update(state, (const unsigned char *)&len, sizeof len);
    crypto_generichash_update(state, (const unsigned char *)text.data, text.len);
}

static void hash_texts(crypto_generichash_state *state, const struct slice *items, size_t count)
{
    const uint64_t number = count;
    crypto_generichash_update(state, (const unsigned char *)&number, sizeof number);
    for (size_t i = 0; i < count; i++)
        hash_text(state, items[i]);
}

static void make(const struct declared_digests *digests, const struct seal_binding *binding,
                 const struct slice texts[2], uint8_t *out)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, digests->key, crypto_generichash_KEYBYTES,
                            crypto_generichash_BYTES);
    hash_text(&state, binding->org);
    hash_texts(&state, binding->places, binding->place_count);
    hash_texts(&state, binding->hosts, binding->host_count);
    hash_texts(&state, texts, 2);
    crypto_generichash_final(&state, out, crypto_generichash_BYTES);
    sodium_memzero(&state, sizeof state);
}

/* Neither an id nor a name has a slash. Appends to an empty buffer. */
static enum error write_place(const struct seal_binding *binding, struct buffer *out)
{
    TRY(buffer_append(out, binding->store));
    TRY(buffer_append(out, SLICE("/")));
    return buffer_append(out, binding->name);
}

static struct digest *find(const struct declared_digests *digests, struct slice place)
{
    struct table_entry *entry = table_find(&digests->by_place, place);
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct digest, entry);
}

static struct digest *add(struct declared_digests *digests, struct slice place)
{
    struct digest *digest = calloc(1, sizeof *digest + place.len + 1);
    if (digest == NULL)
        return NULL;
    memcpy(digest->key, place.data, place.len);
    if (table_insert(&digests->by_place, &digest->entry, slice_of(digest->key, place.len)) == OK)
        return digest;
    free(digest);
    return NULL;
}

bool declared_digests_has(struct declared_digests *digests, const struct seal_binding *binding,
                          struct slice value, struct slice sealed)
{
    OWNED_STRUCT(buffer) *place = &(struct buffer){.limit = 2 * SEAL_STRING_MAX + 1};
    uint8_t bytes[crypto_generichash_BYTES];
    if (write_place(binding, place) != OK)
        return false;
    struct digest *digest = find(digests, buffer_view(place));
    if (digest == NULL)
        return false;
    digest->round = digests->round;
    make(digests, binding, (struct slice[]){value, sealed}, bytes);
    return sodium_memcmp(bytes, digest->bytes, sizeof bytes) == 0;
}

/* What cannot be remembered is sealed again the next time. */
void declared_digests_note(struct declared_digests *digests, const struct seal_binding *binding,
                           struct slice value, struct slice sealed)
{
    OWNED_STRUCT(buffer) *place = &(struct buffer){.limit = 2 * SEAL_STRING_MAX + 1};
    if (write_place(binding, place) != OK)
        return;
    struct digest *digest = find(digests, buffer_view(place));
    if (digest == NULL)
        digest = add(digests, buffer_view(place));
    if (digest == NULL)
        return;
    digest->round = digests->round;
    make(digests, binding, (struct slice[]){value, sealed}, digest->bytes);
}

void declared_digests_end_round(struct declared_digests *digests)
{
    forget_before(digests, digests->round);
    digests->round++;
}
