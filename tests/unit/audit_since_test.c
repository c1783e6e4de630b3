/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time for `audit search --since`. */
#include "cli/audit_since.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1769860800 /* 2026-01-31T12:00:00Z */ };

static const struct {
    const char *text;
    const char *time; /* NULL: refused */
} rows[] = {
    {"90s", "2026-01-31T11:58:30"},
    {"15m", "2026-01-31T11:45:00"},
    {"2h", "2026-01-31T10:00:00"},
    {"7d", "2026-01-24T12:00:00"},
    {"0s", "2026-01-31T12:00:00"},
    {"2026-01-01", "2026-01-01T00:00:00"},
    {"2026-01-01T10:30Z", "2026-01-01T10:30:00"},
    {"2026-01-01T10:30:15Z", "2026-01-01T10:30:15"},
    {"", NULL},
    {"m", NULL},
    {"15", NULL},
    {"-5m", NULL},
    {"5w", NULL},
    {"yesterday", NULL},
    {"99999999999999999999d", NULL},
    {"999999999d", NULL},
    {"2026-01-01T10:30:15Zx", NULL},
    {"2026-01-01T10:30:15", NULL},
};

static void every_row_of_the_table_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char time[AUDIT_SINCE_SIZE] = "";
        bool is_parsed = audit_since_parse(rows[i].text, NOW, time);

        if (is_parsed != (rows[i].time != NULL))
            fail_msg("%s: %s", rows[i].text, is_parsed ? time : "refused");
        if (is_parsed)
            assert_string_equal(time, rows[i].time);
    }
}

static void records_are_compared_by_the_second(void **state)
{
    (void)state;
    assert_true(audit_since_is_before("2026-01-31T11:59:59.999Z", "2026-01-31T12:00:00"));
    assert_false(audit_since_is_before("2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00"));
    assert_false(audit_since_is_before("2026-01-31T12:00:00.000Z", ""));
    assert_false(audit_since_is_before(NULL, "2026-01-31T12:00:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_holds),
        cmocka_unit_test(records_are_compared_by_the_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
