/* SPDX-License-Identifier: Apache-2.0 */
/* Any text either does not open, or never crashes the ring. Any bytes sealed as a plaintext of a
 * box either are refused or say a binding that seals and opens to the same. Any binding and value
 * that seal_value() takes open to the same. */
#include "seal/seal.h"

#include <sodium.h>
#include <stdlib.h>

enum { PLAIN_MAX = 4096, BASE64_MAX = 8192, ITEMS_MAX = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static const struct keyring *shared_ring(void)
{
    static struct keyring *ring;
    static const uint8_t secret[32] = {1, 2, 3};

    if (ring == NULL) {
        ring = keyring_new();
        require(ring != NULL && keyring_add(ring, secret) == OK);
    }
    return ring;
}

static bool lists_equal(const struct slice *a, const struct slice *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!slice_equals(a[i], b[i]))
            return false;
    return true;
}

static bool bindings_equal(const struct seal_binding *a, const struct seal_binding *b)
{
    return slice_equals(a->org, b->org) && slice_equals(a->store, b->store) &&
           slice_equals(a->name, b->name) && a->place_count == b->place_count &&
           a->host_count == b->host_count && lists_equal(a->places, b->places, a->place_count) &&
           lists_equal(a->hosts, b->hosts, a->host_count);
}

static void open_and_compare(struct slice sealed, const struct seal_binding *binding,
                             struct slice value)
{
    OWNED_STRUCT(opened_box) *box = NULL;

    require(keyring_open(shared_ring(), sealed, &box) == OK);
    struct secret opened = opened_box_value(box);
    require(bindings_equal(opened_box_binding(box), binding));
    require(slice_equals(secret_reveal(&opened), value));
}

static void try_as_text(struct slice input)
{
    OWNED_STRUCT(opened_box) *box = NULL;
    char key_id[SEAL_KEY_ID_LEN + 1];

    enum error form = seal_key_id_of(input, key_id);
    enum error error = keyring_open(shared_ring(), input, &box);
    require((error == OK) == (box != NULL));
    require(form == OK || error == ERR_BOX_FORM);
}

/* A client that seals without our checks. */
static void try_as_plaintext(struct slice input)
{
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    OWNED_STRUCT(buffer) *again = &(struct buffer){.limit = SEAL_TEXT_MAX};
    OWNED_STRUCT(opened_box) *box = NULL;
    const struct seal_public_key *key = keyring_public(shared_ring(), 0);
    static uint8_t bytes[PLAIN_MAX + crypto_box_SEALBYTES];
    static char base64[BASE64_MAX];

    input = slice_take(input, PLAIN_MAX);
    require(crypto_box_seal(bytes, (const uint8_t *)input.data, input.len, key->bytes) == 0);
    sodium_bin2base64(base64, sizeof(base64), bytes, input.len + crypto_box_SEALBYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    require(buffer_append_format(sealed, SEAL_FORMAT ".%s.%s", key->id, base64) == OK);
    if (keyring_open(shared_ring(), buffer_view(sealed), &box) != OK)
        return;
    const struct seal_binding *binding = opened_box_binding(box);
    struct secret value = opened_box_value(box);
    require(keyring_reseal(shared_ring(), box, binding, again) == OK);
    open_and_compare(buffer_view(again), binding, secret_reveal(&value));
}

/* Cuts the input into a binding and a value, at newlines so that a mutation moves whole parts. */
static void try_as_value(struct slice input)
{
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    struct slice items[ITEMS_MAX], rest = input;
    size_t count = 0, split;
    struct seal_binding binding = {0};

    binding.org = slice_split(&rest, '\n');
    binding.store = slice_split(&rest, '\n');
    binding.name = slice_split(&rest, '\n');
    while (count < ITEMS_MAX && slice_find(rest, '\n') < rest.len)
        items[count++] = slice_split(&rest, '\n');
    split = binding.org.len % (count + 1);
    binding.places = items;
    binding.place_count = split;
    binding.hosts = items + split;
    binding.host_count = count - split;
    if (seal_value(keyring_public(shared_ring(), 0), &binding, rest, sealed) == OK)
        open_and_compare(buffer_view(sealed), &binding, rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);

    try_as_text(input);
    try_as_plaintext(input);
    try_as_value(input);
    return 0;
}
