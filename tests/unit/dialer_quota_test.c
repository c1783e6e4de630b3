/* SPDX-License-Identifier: Apache-2.0 */
/* How many dials a sandbox may have under way. */
#include "process/dialer/dialer_quota.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void one_sandbox_at_its_limit_does_not_stop_another(void **state)
{
    struct dialer_quota *taken[DIALER_QUOTA_PER_SANDBOX], *one_more = NULL, *other = NULL;
    struct table quotas;

    (void)state;
    table_init(&quotas);
    for (size_t i = 0; i < DIALER_QUOTA_PER_SANDBOX; i++)
        assert_int_equal(dialer_quota_take(&quotas, SLICE("sb-1"), &taken[i]), OK);
    assert_int_equal(dialer_quota_take(&quotas, SLICE("sb-1"), &one_more), ERR_TOO_LARGE);
    assert_int_equal(dialer_quota_take(&quotas, SLICE("sb-2"), &other), OK);

    dialer_quota_give_back(&quotas, taken[0]);
    assert_int_equal(dialer_quota_take(&quotas, SLICE("sb-1"), &taken[0]), OK);
    for (size_t i = 0; i < DIALER_QUOTA_PER_SANDBOX; i++)
        dialer_quota_give_back(&quotas, taken[i]);
    dialer_quota_give_back(&quotas, other);
    assert_int_equal(quotas.count, 0);
    table_clear(&quotas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sandbox_at_its_limit_does_not_stop_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
