/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: only what was sealed for this ring, and only as it was sealed. */
#include "seal/seal.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct slice places[] = {SLICE_INIT("header"), SLICE_INIT("header:x-api-key")};
static const struct slice hosts[] = {SLICE_INIT("api.example.com"), SLICE_INIT("*.example.org:*")};
static const struct seal_binding binding = {.org = SLICE_INIT("org-1"),
                                            .store = SLICE_INIT("store-1"),
                                            .name = SLICE_INIT("API_KEY"),
                                            .places = places,
                                            .place_count = ARRAY_LEN(places),
                                            .hosts = hosts,
                                            .host_count = ARRAY_LEN(hosts)};

static struct keyring *ring_with_key(void)
{
    struct keyring *ring = keyring_new();

    assert_non_null(ring);
    assert_int_equal(keyring_generate(ring, NULL), OK);
    return ring;
}

static void seal_into(const struct keyring *ring, struct slice value, struct buffer *out)
{
    buffer_init(out, SEAL_TEXT_MAX);
    assert_int_equal(seal_value(keyring_public(ring, 0), &binding, value, out), OK);
}

static void assert_lists_equal(const struct slice *a, size_t a_count, const struct slice *b,
                               size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_true(slice_equals(a[i], b[i]));
}

static void assert_opens(const struct keyring *ring, struct slice sealed,
                         const struct seal_binding *expected, struct slice expected_value)
{
    OWNED_STRUCT(opened_box) *box = NULL;

    assert_int_equal(keyring_open(ring, sealed, &box), OK);
    const struct seal_binding *says = opened_box_binding(box);
    struct secret value = opened_box_value(box);
    assert_int_equal(opened_box_expect(box, expected->org, expected->store, expected->name), OK);
    assert_lists_equal(says->places, says->place_count, expected->places, expected->place_count);
    assert_lists_equal(says->hosts, says->host_count, expected->hosts, expected->host_count);
    assert_true(slice_equals(secret_reveal(&value), expected_value));
}

static void assert_refused(const struct keyring *ring, struct slice sealed, enum error expected)
{
    struct opened_box *box = NULL;

    assert_int_equal(keyring_open(ring, sealed, &box), expected);
    assert_null(box);
}

static void what_was_sealed_opens_to_the_same(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};

    (void)state;
    seal_into(ring, SLICE("sk-value"), sealed);
    assert_opens(ring, buffer_view(sealed), &binding, SLICE("sk-value"));
}

static void the_largest_value_opens(void **state)
{
    static char value[SECRET_VALUE_MAX];
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};

    (void)state;
    memset(value, 'v', sizeof(value));
    seal_into(ring, slice_of(value, sizeof(value)), sealed);
    assert_opens(ring, buffer_view(sealed), &binding, slice_of(value, sizeof(value)));
}

/* By the code in docs/sealed-values.md, with the secret key 00 01 02 … 1f. */
static void a_box_sealed_in_javascript_opens(void **state)
{
    const struct slice sealed =
        SLICE("sealgate.v1.57addcd56cefb426.46dASGtNC4PReF9Je6KklmhlEoYLr-xVLzaTHhHu-hcmO-k2Sxpr"
              "HE1rNLfHf0W7qmCcRdZL9yXZpWGQPdXy1b-vEuOwW30ZOtIfyJOiEKEpSWJwXGdLvFeZav5ge670IeORD"
              "nc4vGSpEujQcpzj8knrGCrtHFMzFXZmPKn1tkGffTn8vL11oKErGhB8BnXYKi-C-vMGgpjqtMuiSeor");
    static const struct slice js_places[] = {SLICE_INIT("header")};
    static const struct slice js_hosts[] = {SLICE_INIT("api.example.com"),
                                            SLICE_INIT("*.example.org:8443")};
    struct seal_binding expected = binding;
    OWNED_STRUCT(keyring) *ring = keyring_new();
    uint8_t secret[32];

    (void)state;
    for (size_t i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)i;
    expected.places = js_places;
    expected.place_count = ARRAY_LEN(js_places);
    expected.hosts = js_hosts;
    assert_int_equal(keyring_add(ring, secret), OK);
    assert_opens(ring, sealed, &expected, SLICE("sk-v\xc3\xa4rde-123"));
}

static void a_moved_box_is_refused(void **state)
{
    const struct {
        struct slice org, store, name;
        enum error expected;
    } cases[] = {
        {SLICE("org-1"), SLICE("store-1"), SLICE("API_KEY"), OK},
        {SLICE("org-2"), SLICE("store-1"), SLICE("API_KEY"), ERR_BOX_PLACE},
        {SLICE("org-1"), SLICE("store-2"), SLICE("API_KEY"), ERR_BOX_PLACE},
        {SLICE("org-1"), SLICE("store-1"), SLICE("API_KE"), ERR_BOX_PLACE},
        {SLICE("org-1"), SLICE("store-1"), SLICE("api_key"), ERR_BOX_PLACE},
        {SLICE("org-1s"), SLICE("tore-1"), SLICE("API_KEY"), ERR_BOX_PLACE},
        {SLICE_NONE, SLICE_NONE, SLICE_NONE, ERR_BOX_PLACE},
    };
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
    OWNED_STRUCT(opened_box) *box = NULL;

    (void)state;
    seal_into(ring, SLICE("value"), sealed);
    assert_int_equal(keyring_open(ring, buffer_view(sealed), &box), OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(opened_box_expect(box, cases[i].org, cases[i].store, cases[i].name),
                         cases[i].expected);
}

/* Wherever the text is changed, the box does not open: nothing in it, hosts included, can be
 * altered without the key. */
static void every_changed_character_is_refused(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};

    (void)state;
    seal_into(ring, SLICE("value"), sealed);
    for (size_t i = 0; i < buffer_len(sealed); i++) {
        struct opened_box *box = NULL;
        char was = sealed->data[i];
        sealed->data[i] = was == 'A' ? 'B' : 'A';
        enum error error = keyring_open(ring, buffer_view(sealed), &box);
        assert_true(error == ERR_BOX_FORM || error == ERR_BOX_KEY);
        assert_null(box);
        sealed->data[i] = was;
    }
    assert_opens(ring, buffer_view(sealed), &binding, SLICE("value"));
}

static void every_flipped_bit_of_the_box_is_refused(void **state)
{
    enum { PREFIX_LEN = 29, VARIANT = sodium_base64_VARIANT_URLSAFE_NO_PADDING };
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
    struct slice base64;
    uint8_t box[1024];
    size_t len;

    (void)state;
    seal_into(ring, SLICE("value"), sealed);
    base64 = slice_skip(buffer_view(sealed), PREFIX_LEN);
    assert_int_equal(
        sodium_base642bin(box, sizeof(box), base64.data, base64.len, NULL, &len, NULL, VARIANT), 0);
    for (size_t bit = 0; bit < len * 8; bit++) {
        box[bit / 8] ^= (uint8_t)(1U << bit % 8);
        sodium_bin2base64(sealed->data + PREFIX_LEN, base64.len + 1, box, len, VARIANT);
        assert_refused(ring, buffer_view(sealed), ERR_BOX_KEY);
        box[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void a_truncated_or_extended_box_is_refused(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
    struct opened_box *box = NULL;

    (void)state;
    seal_into(ring, SLICE("value"), sealed);
    for (size_t len = 0; len < buffer_len(sealed); len++)
        assert_int_not_equal(keyring_open(ring, slice_take(buffer_view(sealed), len), &box), OK);
    assert_int_equal(buffer_append(sealed, SLICE("AAAA")), OK);
    assert_int_not_equal(keyring_open(ring, buffer_view(sealed), &box), OK);
    assert_null(box);
}

/* What a client could seal itself, without our checks. */
static void seal_raw(const struct keyring *ring, struct slice plain, struct buffer *out)
{
    uint8_t box[512];
    char base64[1024];
    const struct seal_public_key *key = keyring_public(ring, 0);

    assert_int_equal(crypto_box_seal(box, (const uint8_t *)plain.data, plain.len, key->bytes), 0);
    sodium_bin2base64(base64, sizeof(base64), box, plain.len + crypto_box_SEALBYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buffer_init(out, SEAL_TEXT_MAX);
    assert_int_equal(buffer_append_format(out, SEAL_FORMAT ".%s.%s", key->id, base64), OK);
}

#define STRING_1 "\0\0\0\1"
#define PLACE_OF_BOX STRING_1 "o" STRING_1 "s" STRING_1 "n"
#define NO_LIST "\0\0\0\0"

static void boxes_that_clients_malform_are_refused(void **state)
{
    const struct {
        struct slice plain;
        enum error expected;
    } cases[] = {
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST NO_LIST STRING_1 "v"), OK},
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST NO_LIST "\0\0\0\3"
               "a\nb"),
         ERR_SYNTAX},
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST NO_LIST "\0\0\0\3"
               "a\0b"),
         ERR_SYNTAX},
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST NO_LIST "\0\0\0\0"), ERR_SYNTAX},
        {SLICE("SGB2" PLACE_OF_BOX NO_LIST NO_LIST STRING_1 "v"), ERR_BOX_FORM},
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST NO_LIST STRING_1 "vv"), ERR_BOX_FORM},
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST NO_LIST "\0\0\0\2"
               "v"),
         ERR_BOX_FORM},
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST "\0\0\0\1" STRING_1 "v"), ERR_BOX_FORM},
        {SLICE("SGB1" PLACE_OF_BOX NO_LIST "\xff\xff\xff\xff" STRING_1 "v"), ERR_BOX_FORM},
        {SLICE("SGB1" PLACE_OF_BOX
               "\0\0\0\x11" NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST
                   NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST NO_LIST STRING_1
               "v"),
         ERR_BOX_FORM},
        {SLICE("SGB"), ERR_BOX_FORM},
        {SLICE(""), ERR_BOX_FORM},
    };
    OWNED_STRUCT(keyring) *ring = ring_with_key();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
        OWNED_STRUCT(opened_box) *box = NULL;
        seal_raw(ring, cases[i].plain, sealed);
        assert_int_equal(keyring_open(ring, buffer_view(sealed), &box), cases[i].expected);
        assert_int_equal(box != NULL, cases[i].expected == OK);
    }
}

static void a_rotated_key_opens_until_it_is_retired(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
    char old_id[SEAL_KEY_ID_LEN + 1];

    (void)state;
    seal_into(ring, SLICE("value"), sealed);
    memcpy(old_id, keyring_public(ring, 0)->id, sizeof(old_id));
    assert_int_equal(keyring_generate(ring, NULL), OK);
    assert_int_equal(keyring_count(ring), 2);
    assert_string_not_equal(keyring_public(ring, 0)->id, old_id);
    assert_opens(ring, buffer_view(sealed), &binding, SLICE("value"));

    keyring_retire(ring, old_id);
    assert_int_equal(keyring_count(ring), 1);
    assert_refused(ring, buffer_view(sealed), ERR_BOX_KEY);
}

static void the_current_and_unknown_keys_are_not_retired(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    char id[SEAL_KEY_ID_LEN + 1];

    (void)state;
    memcpy(id, keyring_public(ring, 0)->id, sizeof(id));
    keyring_retire(ring, id);
    keyring_retire(ring, "0000000000000000");
    assert_int_equal(keyring_count(ring), 1);
}

static void a_key_is_added_once_and_the_ring_is_bounded(void **state)
{
    OWNED_STRUCT(keyring) *ring = keyring_new();
    uint8_t secret[32];

    (void)state;
    assert_int_equal(keyring_generate(ring, secret), OK);
    assert_int_equal(keyring_add(ring, secret), ERR_EXISTS);
    while (keyring_count(ring) < KEYRING_KEYS_MAX)
        assert_int_equal(keyring_generate(ring, NULL), OK);
    assert_int_equal(keyring_generate(ring, NULL), ERR_TOO_LARGE);
    assert_int_equal(keyring_count(ring), KEYRING_KEYS_MAX);
}

static void the_secret_of_a_generated_key_opens_after_a_restart(void **state)
{
    OWNED_STRUCT(keyring) *ring = keyring_new(), *restarted = keyring_new();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
    uint8_t secret[32];

    (void)state;
    assert_int_equal(keyring_generate(ring, secret), OK);
    seal_into(ring, SLICE("value"), sealed);
    assert_int_equal(keyring_add(restarted, secret), OK);
    assert_string_equal(keyring_public(ring, 0)->id, keyring_public(restarted, 0)->id);
    assert_opens(restarted, buffer_view(sealed), &binding, SLICE("value"));
}

static void resealing_keeps_the_value_and_takes_the_new_binding_and_key(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
    OWNED_STRUCT(buffer) *again = &(struct buffer){.limit = SEAL_TEXT_MAX};
    OWNED_STRUCT(opened_box) *box = NULL;
    struct seal_binding narrower = binding;
    char id[SEAL_KEY_ID_LEN + 1];

    (void)state;
    seal_into(ring, SLICE("value"), sealed);
    assert_int_equal(keyring_generate(ring, NULL), OK);
    assert_int_equal(keyring_open(ring, buffer_view(sealed), &box), OK);
    narrower.host_count = 1;
    assert_int_equal(keyring_reseal(ring, box, &narrower, again), OK);
    assert_int_equal(seal_key_id_of(buffer_view(again), id), OK);
    assert_string_equal(id, keyring_public(ring, 0)->id);
    assert_opens(ring, buffer_view(again), &narrower, SLICE("value"));
}

static const struct seal_store some_store = {
    .org = SLICE_INIT("o"), .id = SLICE_INIT("s"), .egress = {hosts, 2}, .redact_responses = true};

static void an_empty_ring_opens_and_signs_nothing(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key(), *empty = keyring_new();
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){0};
    uint8_t mac[SEAL_MAC_SIZE];

    (void)state;
    seal_into(ring, SLICE("value"), sealed);
    assert_refused(empty, buffer_view(sealed), ERR_BOX_KEY);
    keyring_store_sign(empty, &some_store, mac);
    assert_false(keyring_store_verify(empty, &some_store, mac));
    assert_false(keyring_store_verify(ring, &some_store, mac));
}

static void a_signed_store_is_no_other_store(void **state)
{
    static const struct slice a_bc[] = {SLICE_INIT("a"), SLICE_INIT("bc"), SLICE_INIT("")};
    static const struct slice bc_a[] = {SLICE_INIT("bc"), SLICE_INIT("a")};
    static const struct slice ab_c[] = {SLICE_INIT("ab"), SLICE_INIT("c")};
    static const struct slice abc[] = {SLICE_INIT("abc")};
    const struct slice org = SLICE("org"), id = SLICE("st");
    const struct seal_store signed_store = {org, id, {a_bc, 2}, {abc, 1}, {NULL, 0}, true};
    const struct seal_store others[] = {
        {org, id, {bc_a, 2}, {abc, 1}, {NULL, 0}, true},
        {org, id, {ab_c, 2}, {abc, 1}, {NULL, 0}, true},
        {org, id, {abc, 1}, {abc, 1}, {NULL, 0}, true},
        {org, id, {a_bc, 3}, {abc, 1}, {NULL, 0}, true},
        {org, id, {a_bc, 1}, {abc, 1}, {NULL, 0}, true},
        {org, id, {NULL, 0}, {abc, 1}, {NULL, 0}, true},
        {SLICE("orgs"), SLICE("t"), {a_bc, 2}, {abc, 1}, {NULL, 0}, true},
        {SLICE("or"), id, {a_bc, 2}, {abc, 1}, {NULL, 0}, true},
        {org, id, {a_bc, 2}, {NULL, 0}, {NULL, 0}, true},
        {org, id, {a_bc, 2}, {NULL, 0}, {abc, 1}, true},
        {org, id, {a_bc, 2}, {abc, 1}, {abc, 1}, true},
        {org, id, {a_bc, 2}, {abc, 1}, {NULL, 0}, false},
    };
    OWNED_STRUCT(keyring) *ring = ring_with_key(), *stranger = ring_with_key();
    uint8_t mac[SEAL_MAC_SIZE];

    (void)state;
    keyring_store_sign(ring, &signed_store, mac);
    assert_true(keyring_store_verify(ring, &signed_store, mac));
    assert_false(keyring_store_verify(stranger, &signed_store, mac));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(keyring_store_verify(ring, &others[i], mac));
    mac[SEAL_MAC_SIZE - 1] ^= 1;
    assert_false(keyring_store_verify(ring, &signed_store, mac));
}

static void a_store_verifies_until_its_key_is_retired(void **state)
{
    OWNED_STRUCT(keyring) *ring = ring_with_key();
    char old_id[SEAL_KEY_ID_LEN + 1];
    uint8_t mac[SEAL_MAC_SIZE];

    (void)state;
    memcpy(old_id, keyring_public(ring, 0)->id, sizeof(old_id));
    keyring_store_sign(ring, &some_store, mac);
    assert_int_equal(keyring_generate(ring, NULL), OK);
    assert_true(keyring_store_verify(ring, &some_store, mac));
    keyring_retire(ring, old_id);
    assert_false(keyring_store_verify(ring, &some_store, mac));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_to_the_same),
        cmocka_unit_test(the_largest_value_opens),
        cmocka_unit_test(a_box_sealed_in_javascript_opens),
        cmocka_unit_test(a_moved_box_is_refused),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(every_flipped_bit_of_the_box_is_refused),
        cmocka_unit_test(a_truncated_or_extended_box_is_refused),
        cmocka_unit_test(boxes_that_clients_malform_are_refused),
        cmocka_unit_test(a_rotated_key_opens_until_it_is_retired),
        cmocka_unit_test(the_current_and_unknown_keys_are_not_retired),
        cmocka_unit_test(a_key_is_added_once_and_the_ring_is_bounded),
        cmocka_unit_test(the_secret_of_a_generated_key_opens_after_a_restart),
        cmocka_unit_test(resealing_keeps_the_value_and_takes_the_new_binding_and_key),
        cmocka_unit_test(an_empty_ring_opens_and_signs_nothing),
        cmocka_unit_test(a_signed_store_is_no_other_store),
        cmocka_unit_test(a_store_verifies_until_its_key_is_retired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
