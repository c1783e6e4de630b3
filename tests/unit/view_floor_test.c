/* SPDX-License-Identifier: Apache-2.0 */
/* Which views count after a change. */
#include "process/view_floor.h"

#include "policy/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static struct view_floor floor_of;
static uint64_t start; /* a generation that is above the floor at first */

static int set_up(void **state UNUSED)
{
    struct timespec now;

    view_floor_init(&floor_of);
    clock_gettime(CLOCK_MONOTONIC, &now);
    start = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
    return 0;
}

static int tear_down(void **state UNUSED)
{
    view_floor_clear(&floor_of);
    return 0;
}

static bool counts(const char *sandbox_id, uint64_t generation)
{
    const struct view view = {.sandbox_id = slice_from_string(sandbox_id),
                              .generation = generation};

    return view_floor_honours(&floor_of, &view);
}

static void raise_for(const char *sandbox_id, uint64_t generation)
{
    const struct slice id = slice_from_string(sandbox_id);

    view_floor_raise(&floor_of, &(struct message_outdate_views){.generation = generation,
                                                                .sandboxes = {&id, id.len > 0}});
}

static void what_was_built_before_the_process_began_does_not_count(void **state UNUSED)
{
    assert_false(counts("sb-1", 0));
    assert_false(counts("sb-1", floor_of.of_all));
    assert_true(counts("sb-1", start));
}

static void a_change_outdates_the_views_of_its_sandboxes_alone(void **state UNUSED)
{
    raise_for("sb-1", start + 5);
    assert_false(counts("sb-1", start + 4));
    assert_false(counts("sb-1", start + 5));
    assert_true(counts("sb-1", start + 6));
    assert_true(counts("sb-2", start));
    assert_true(counts("sb-11", start));
}

static void without_a_name_it_outdates_them_all(void **state UNUSED)
{
    raise_for("sb-1", start + 3);
    raise_for("", start + 5);
    assert_false(counts("sb-1", start + 5));
    assert_false(counts("sb-2", start + 5));
    assert_true(counts("sb-2", start + 6));
}

static void a_floor_is_never_lowered(void **state UNUSED)
{
    raise_for("sb-1", start + 9);
    raise_for("sb-1", start + 5);
    raise_for("", start);
    assert_false(counts("sb-1", start + 9));
    assert_true(counts("sb-1", start + 10));
}

static void more_sandboxes_than_can_be_remembered_outdate_all(void **state UNUSED)
{
    char id[32];

    for (unsigned i = 0; i <= VIEW_FLOOR_SANDBOXES_MAX; i++) {
        snprintf(id, sizeof(id), "sb-%u", i);
        raise_for(id, start + i);
    }
    assert_int_equal(floor_of.raised.count, 0);
    assert_false(counts("sb-0", start + VIEW_FLOOR_SANDBOXES_MAX));
    assert_false(counts("sb-unheard-of", start + VIEW_FLOOR_SANDBOXES_MAX));
    assert_true(counts("sb-0", start + VIEW_FLOOR_SANDBOXES_MAX + 1));
}

#define FLOOR_TEST(fact) cmocka_unit_test_setup_teardown(fact, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOOR_TEST(what_was_built_before_the_process_began_does_not_count),
        FLOOR_TEST(a_change_outdates_the_views_of_its_sandboxes_alone),
        FLOOR_TEST(without_a_name_it_outdates_them_all),
        FLOOR_TEST(a_floor_is_never_lowered),
        FLOOR_TEST(more_sandboxes_than_can_be_remembered_outdate_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
