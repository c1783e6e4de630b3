/* SPDX-License-Identifier: Apache-2.0 */
/* What the store is made of: arenas, lists of texts, identifiers. */

#include "store_fixture.h"

static void memory_of_an_arena_is_aligned_zeroed_and_never_moves(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    unsigned char *given[200];
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        given[i] = arena_alloc(&arena, i * 7);
        assert_non_null(given[i]);
        assert_int_equal((uintptr_t)given[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal(given[i][j], 0);
        memset(given[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal(given[i][j], (unsigned char)i);
}

static void an_arena_refuses_sizes_that_overflow(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 16));
    assert_null(arena_alloc_array(&arena, SIZE_MAX / 2, 3));
    assert_non_null(arena_alloc(&arena, 1));
}

static void a_list_that_grows_keeps_what_is_in_it(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    size_t *numbers = NULL;
    for (size_t i = 0; i < 1000; i++) {
        numbers = arena_grow(&arena, numbers, i, sizeof *numbers);
        assert_non_null(numbers);
        numbers[i] = i;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
}

static void a_copy_ends_with_a_nul_and_may_hold_one(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    struct slice copy;
    assert_ok(arena_copy(&arena, SLICE("a\0b"), &copy));
    assert_slice(copy, SLICE("a\0b"));
    assert_int_equal(copy.data[3], '\0');
    assert_ok(arena_copy(&arena, SLICE_NONE, &copy));
    assert_int_equal(copy.data[0], '\0');
}

static void a_list_of_texts_reads_back_as_it_was(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    const struct text_list lists[] = {
        NO_TEXTS,
        TEXTS(SLICE("b"), SLICE("a"), SLICE("b")),
        TEXTS(SLICE(""), SLICE("\"\\\n\x01"), SLICE("\xc3\xa4")),
    };
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct slice json;
        struct text_list back;
        assert_ok(text_list_encode(&arena, &lists[i], &json));
        assert_ok(text_list_decode(&arena, json, &back));
        assert_int_equal(back.count, lists[i].count);
        for (size_t j = 0; j < back.count; j++)
            assert_slice(back.items[j], lists[i].items[j]);
    }
}

static void a_text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    struct slice json;
    struct text_list list = TEXTS(SLICE("\xff"));
    assert_int_equal(text_list_encode(&arena, &list, &json), ERR_SYNTAX);
}

static void json_that_is_no_list_of_texts_is_refused(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    const char *const wrong[] = {"", "{}", "[1]", "[\"a\"", "[\"a\",null]", "\"a\"", "[[]]"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct text_list list;
        assert_int_equal(text_list_decode(&arena, TEXT(wrong[i]), &list), ERR_DATABASE);
    }
}

static void a_uuid_says_version_4_and_its_variant(void **state)
{
    (void)state;
    char text[IDENTIFIER_SIZE];
    for (int i = 0; i < 100; i++) {
        struct slice uuid = identifier_uuid(text);
        assert_int_equal(strlen(text), IDENTIFIER_UUID_LEN);
        assert_int_equal(uuid.len, IDENTIFIER_UUID_LEN);
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_int_equal(strspn(text, "0123456789abcdef-"), IDENTIFIER_UUID_LEN);
    }
}

static void identifiers_have_their_shape_and_differ(void **state)
{
    (void)state;
    char a[IDENTIFIER_SIZE], b[IDENTIFIER_SIZE];
    struct slice id = identifier_short("sb-", a);
    assert_int_equal(id.len, IDENTIFIER_SHORT_LEN);
    assert_int_equal(strlen(a), IDENTIFIER_SHORT_LEN);
    assert_memory_equal(a, "sb-", 3);
    assert_int_equal(strspn(a + 3, "0123456789abcdef"), 16);
    assert_false(slice_equals(id, identifier_short("sb-", b)));

    struct slice token = identifier_proxy_token(a);
    assert_int_equal(strlen(a), IDENTIFIER_PROXY_TOKEN_LEN);
    assert_false(slice_equals(token, identifier_proxy_token(b)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_an_arena_is_aligned_zeroed_and_never_moves),
        cmocka_unit_test(an_arena_refuses_sizes_that_overflow),
        cmocka_unit_test(a_list_that_grows_keeps_what_is_in_it),
        cmocka_unit_test(a_copy_ends_with_a_nul_and_may_hold_one),
        cmocka_unit_test(a_list_of_texts_reads_back_as_it_was),
        cmocka_unit_test(a_text_that_is_not_utf8_is_refused),
        cmocka_unit_test(json_that_is_no_list_of_texts_is_refused),
        cmocka_unit_test(a_uuid_says_version_4_and_its_variant),
        cmocka_unit_test(identifiers_have_their_shape_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
