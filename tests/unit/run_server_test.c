/* SPDX-License-Identifier: Apache-2.0 */
/* What a command gets of a server's environment. */
#include "process/run/run_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const theirs[] = {"KEY=osb_sealed_1", "HTTPS_PROXY=http://server:3128",
                                     "HTTPS_PROXY_MODE=theirs"};

static void our_proxy_stays_and_their_tokens_come(void **state)
{
    const struct process_run_server server = {.environment = {theirs, ARRAY_LEN(theirs)}};
    const struct slice ours[] = {SLICE("HTTPS_PROXY=http://127.0.0.1:3128")};
    const struct message_list sandbox = {ours, ARRAY_LEN(ours)};
    struct message_list all;

    (void)state;
    assert_int_equal(run_server_environment(&server, &sandbox, &all), OK);
    assert_int_equal(all.count, 3);
    assert_true(slice_equals(all.items[0], ours[0]));
    assert_true(slice_equals(all.items[1], SLICE("KEY=osb_sealed_1")));
    assert_true(slice_equals(all.items[2], SLICE("HTTPS_PROXY_MODE=theirs")));
    free((void *)(uintptr_t)all.items);
}

static void without_a_server_ours_is_all_there_is(void **state)
{
    const struct process_run_server none = {.store = NULL};
    const struct slice ours[] = {SLICE("A=1"), SLICE("B=2")};
    const struct message_list sandbox = {ours, ARRAY_LEN(ours)};
    struct message_list all;

    (void)state;
    assert_int_equal(run_server_environment(&none, &sandbox, &all), OK);
    assert_int_equal(all.count, 2);
    free((void *)(uintptr_t)all.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_proxy_stays_and_their_tokens_come),
        cmocka_unit_test(without_a_server_ours_is_all_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
