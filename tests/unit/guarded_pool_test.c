/* SPDX-License-Identifier: Apache-2.0 */
/* Guarded memory in small pieces. */
#include "base/guarded_pool.h"

#include "base/compiler.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PIECES = 4000, PIECE_SIZE = 900 };

static void pieces_do_not_overlap_and_share_areas(void **state)
{
    static char *pieces[PIECES];

    (void)state;
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = guarded_pool_take(PIECE_SIZE);
        assert_non_null(pieces[i]);
        memset(pieces[i], i & 0xff, PIECE_SIZE);
    }
    assert_true(guarded_pool_areas() < 20);
    for (int i = 0; i < PIECES; i++)
        for (int at = 0; at < PIECE_SIZE; at += PIECE_SIZE - 1)
            assert_int_equal((uint8_t)pieces[i][at], i & 0xff);
    for (int i = 0; i < PIECES; i++)
        guarded_pool_give(pieces[i], PIECE_SIZE);
    assert_int_equal(guarded_pool_areas(), 1);
}

static void what_is_given_back_is_wiped_and_used_again(void **state)
{
    char *first = guarded_pool_take(100);

    (void)state;
    memset(first, 'x', 100);
    guarded_pool_give(first, 100);
    char *second = guarded_pool_take(100);
    assert_ptr_equal(first, second);
    assert_true(sodium_is_zero((unsigned char *)second, 100));
    guarded_pool_give(second, 100);
}

static void a_piece_larger_than_an_area_has_one_of_its_own(void **state)
{
    size_t size = 3 << 20;
    char *bytes = guarded_pool_take(size);

    (void)state;
    assert_non_null(bytes);
    bytes[size - 1] = 'x';
    guarded_pool_give(bytes, size);
    assert_int_equal(guarded_pool_areas(), 1);
    guarded_pool_give(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap_and_share_areas),
        cmocka_unit_test(what_is_given_back_is_wiped_and_used_again),
        cmocka_unit_test(a_piece_larger_than_an_area_has_one_of_its_own),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
