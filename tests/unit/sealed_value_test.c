/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing with the public key alone: what is accepted, and the form of what comes out. */
#include "seal/seal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct seal_binding binding = {
    .org = SLICE_INIT("org-1"), .store = SLICE_INIT("store-1"), .name = SLICE_INIT("API_KEY")};

static struct seal_public_key key_of_base_point(void)
{
    static const uint8_t base_point[SEAL_PUBLIC_KEY_SIZE] = {9};
    struct seal_public_key key;

    seal_public_key_from_bytes(base_point, &key);
    return key;
}

static enum error seal_of(const struct seal_binding *with, struct slice value, struct buffer *out)
{
    struct seal_public_key key = key_of_base_point();

    return seal_value(&key, with, value, out);
}

static void key_id_is_the_start_of_blake2b_256_of_the_key(void **state)
{
    struct seal_public_key key = key_of_base_point();

    (void)state;
    /* python3: hashlib.blake2b(bytes([9] + [0] * 31), digest_size=32).hexdigest()[:16] */
    assert_string_equal(key.id, "915a1442833bc2df");
}

static void values_obey_the_limits(void **state)
{
    static char longest[SECRET_VALUE_MAX + 1];
    const struct {
        struct slice value;
        enum error expected;
    } cases[] = {
        {SLICE("x"), OK},
        {SLICE(" lead and trail "), OK},
        {SLICE("tab\tand\x7f"), OK},
        {SLICE(""), ERR_SYNTAX},
        {SLICE("a\rb"), ERR_SYNTAX},
        {SLICE("a\nb"), ERR_SYNTAX},
        {SLICE("a\0b"), ERR_SYNTAX},
        {SLICE("a\n"), ERR_SYNTAX},
        {{longest, SECRET_VALUE_MAX}, OK},
        {{longest, SECRET_VALUE_MAX + 1}, ERR_TOO_LARGE},
    };

    (void)state;
    memset(longest, 'v', sizeof(longest));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = SEAL_TEXT_MAX};
        assert_int_equal(seal_of(&binding, cases[i].value, out), cases[i].expected);
        assert_int_equal(buffer_len(out) > 0, cases[i].expected == OK);
    }
}

static void bindings_obey_the_limits(void **state)
{
    static struct slice items[SEAL_HOSTS_MAX + 1];
    static char longest[SEAL_STRING_MAX + 1];
    const struct {
        size_t place_count, host_count, name_len;
        enum error expected;
    } cases[] = {
        {SEAL_PLACES_MAX, SEAL_HOSTS_MAX, SEAL_STRING_MAX, OK},
        {SEAL_PLACES_MAX + 1, 0, 1, ERR_TOO_LARGE},
        {0, SEAL_HOSTS_MAX + 1, 1, ERR_TOO_LARGE},
        {0, 0, SEAL_STRING_MAX + 1, ERR_TOO_LARGE},
    };

    (void)state;
    memset(longest, 'n', sizeof(longest));
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        items[i] = SLICE("a.example");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = SEAL_TEXT_MAX};
        struct seal_binding with = {.name = {longest, cases[i].name_len},
                                    .places = items,
                                    .place_count = cases[i].place_count,
                                    .hosts = items,
                                    .host_count = cases[i].host_count};
        assert_int_equal(seal_of(&with, SLICE("v"), out), cases[i].expected);
    }
}

static void a_binding_that_makes_the_text_too_long_is_refused(void **state)
{
    static char longest[SEAL_STRING_MAX];
    static struct slice hosts[SEAL_HOSTS_MAX];
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = 1 << 20};
    struct seal_binding with = {.hosts = hosts, .host_count = SEAL_HOSTS_MAX};

    (void)state;
    for (size_t i = 0; i < SEAL_HOSTS_MAX; i++)
        hosts[i] = slice_of(longest, sizeof(longest));
    assert_int_equal(seal_of(&with, SLICE("v"), out), ERR_TOO_LARGE);
    assert_int_equal(buffer_len(out), 0);
}

static void the_same_value_never_seals_to_the_same_text(void **state)
{
    OWNED_STRUCT(buffer) *one = &(struct buffer){.limit = SEAL_TEXT_MAX};
    OWNED_STRUCT(buffer) *two = &(struct buffer){.limit = SEAL_TEXT_MAX};

    (void)state;
    assert_int_equal(seal_of(&binding, SLICE("value"), one), OK);
    assert_int_equal(seal_of(&binding, SLICE("value"), two), OK);
    assert_false(slice_equals(buffer_view(one), buffer_view(two)));
}

static void a_public_key_of_low_order_seals_nothing(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = SEAL_TEXT_MAX};
    const uint8_t zero[SEAL_PUBLIC_KEY_SIZE] = {0};
    struct seal_public_key key;

    (void)state;
    seal_public_key_from_bytes(zero, &key);
    assert_int_equal(seal_value(&key, &binding, SLICE("value"), out), ERR_CRYPTO);
    assert_int_equal(buffer_len(out), 0);
}

static void what_was_sealed_names_its_key(void **state)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = SEAL_TEXT_MAX};
    struct seal_public_key key = key_of_base_point();
    char id[SEAL_KEY_ID_LEN + 1];

    (void)state;
    assert_int_equal(seal_of(&binding, SLICE("value"), out), OK);
    assert_int_equal(seal_key_id_of(buffer_view(out), id), OK);
    assert_string_equal(id, key.id);
}

static void other_forms_are_refused(void **state)
{
    const struct slice cases[] = {
        SLICE_INIT(""),
        SLICE_INIT("sealgate.v1"),
        SLICE_INIT("sealgate.v1."),
        SLICE_INIT("sealgate.v1.0123456789abcdef"),
        SLICE_INIT("sealgate.v1.0123456789abcdef."),
        SLICE_INIT("sealgate.v2.0123456789abcdef.AAAA"),
        SLICE_INIT("Sealgate.v1.0123456789abcdef.AAAA"),
        SLICE_INIT(" sealgate.v1.0123456789abcdef.AAAA"),
        SLICE_INIT("sealgate.v1.0123456789ABCDEF.AAAA"),
        SLICE_INIT("sealgate.v1.0123456789abcde.AAAA"),
        SLICE_INIT("sealgate.v1.0123456789abcdef0.AAAA"),
        SLICE_INIT("sealgate.v1.0123456789abcdef.AAAA="),
        SLICE_INIT("sealgate.v1.0123456789abcdef.AAAA\n"),
        SLICE_INIT("sealgate.v1.0123456789abcdef.AA+/"),
        SLICE_INIT("sealgate.v1.0123456789abcdef.AAAAA"),
        SLICE_INIT("sealgate.v1.0123456789abcdef.AA.A"),
        SLICE_INIT("osb_sealed_0123456789abcdef0123456789abcdef"),
    };
    char id[SEAL_KEY_ID_LEN + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(seal_key_id_of(cases[i], id), ERR_BOX_FORM);
    assert_int_equal(seal_key_id_of(SLICE("sealgate.v1.0123456789abcdef.AA-_"), id), OK);
    assert_string_equal(id, "0123456789abcdef");
}

static void a_text_over_the_limit_is_refused(void **state)
{
    static char text[SEAL_TEXT_MAX + 4] = "sealgate.v1.0123456789abcdef.";
    char id[SEAL_KEY_ID_LEN + 1];

    (void)state;
    memset(text + 29, 'A', sizeof(text) - 29);
    assert_int_equal(seal_key_id_of(slice_of(text, SEAL_TEXT_MAX - 3), id), OK);
    assert_int_equal(seal_key_id_of(slice_of(text, SEAL_TEXT_MAX + 1), id), ERR_BOX_FORM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_id_is_the_start_of_blake2b_256_of_the_key),
        cmocka_unit_test(values_obey_the_limits),
        cmocka_unit_test(bindings_obey_the_limits),
        cmocka_unit_test(a_binding_that_makes_the_text_too_long_is_refused),
        cmocka_unit_test(the_same_value_never_seals_to_the_same_text),
        cmocka_unit_test(a_public_key_of_low_order_seals_nothing),
        cmocka_unit_test(what_was_sealed_names_its_key),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(a_text_over_the_limit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
