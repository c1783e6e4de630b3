/* SPDX-License-Identifier: Apache-2.0 */
/* Guarded memory for values. */
#include "base/secret.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void values_in_one_slab_are_revealed_each_by_its_own(void **state)
{
    OWNED_STRUCT(secret_slab) *slab = secret_slab_new(16);
    struct secret first, second, empty;

    (void)state;
    assert_non_null(slab);
    assert_int_equal(secret_slab_add(slab, SLICE("first"), &first), OK);
    assert_int_equal(secret_slab_add(slab, SLICE_NONE, &empty), OK);
    assert_int_equal(secret_slab_add(slab, SLICE("second"), &second), OK);
    assert_true(slice_equals(secret_reveal(&first), SLICE("first")));
    assert_true(slice_equals(secret_reveal(&second), SLICE("second")));
    assert_int_equal(secret_reveal(&empty).len, 0);
    assert_int_equal(secret_slab_room(slab), 5);
}

static void a_full_slab_takes_no_more(void **state)
{
    OWNED_STRUCT(secret_slab) *slab = secret_slab_new(4);
    struct secret secret, untouched = {NULL, 7, 7};

    (void)state;
    assert_non_null(slab);
    assert_int_equal(secret_slab_add(slab, SLICE("12345"), &untouched), ERR_TOO_LARGE);
    assert_int_equal(untouched.offset, 7);
    assert_int_equal(secret_slab_add(slab, SLICE("1234"), &secret), OK);
    assert_int_equal(secret_slab_add(slab, SLICE("5"), &untouched), ERR_TOO_LARGE);
    assert_true(slice_equals(secret_reveal(&secret), SLICE("1234")));
}

static void the_empty_and_the_oversized_slab_are_handled(void **state)
{
    OWNED_STRUCT(secret_slab) *slab = secret_slab_new(0);

    (void)state;
    assert_non_null(slab);
    assert_int_equal(secret_slab_room(slab), 0);
    assert_null(secret_slab_new((size_t)UINT32_MAX + 1));
    secret_slab_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_in_one_slab_are_revealed_each_by_its_own),
        cmocka_unit_test(a_full_slab_takes_no_more),
        cmocka_unit_test(the_empty_and_the_oversized_slab_are_handled),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
