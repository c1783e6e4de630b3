/* SPDX-License-Identifier: Apache-2.0 */
/* Hash tables of what others own. */
#include "base/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { THINGS = 1000 };

struct thing {
    struct table_entry entry;
    char name[16];
    bool seen;
};

static struct thing things[THINGS];

static struct slice name_of(const struct thing *thing)
{
    return slice_from_string(thing->name);
}

static void fill(struct table *table)
{
    table_init(table);
    for (unsigned i = 0; i < THINGS; i++) {
        snprintf(things[i].name, sizeof(things[i].name), "thing-%u", i);
        things[i].seen = false;
        assert_int_equal(table_insert(table, &things[i].entry, name_of(&things[i])), OK);
    }
}

static void everything_put_in_is_found_and_nothing_else(void **state)
{
    struct table table;

    (void)state;
    fill(&table);
    assert_int_equal(table.count, THINGS);
    for (size_t i = 0; i < THINGS; i++)
        assert_ptr_equal(table_find(&table, name_of(&things[i])), &things[i].entry);
    assert_null(table_find(&table, SLICE("thing-1000")));
    assert_null(table_find(&table, SLICE("thing-1\0")));
    assert_null(table_find(&table, SLICE_NONE));
    table_clear(&table);
}

static void a_second_thing_with_the_same_key_is_refused(void **state)
{
    struct table table;
    struct table_entry other;

    (void)state;
    fill(&table);
    assert_int_equal(table_insert(&table, &other, SLICE("thing-5")), ERR_EXISTS);
    assert_ptr_equal(table_find(&table, SLICE("thing-5")), &things[5].entry);
    assert_int_equal(table.count, THINGS);
    table_clear(&table);
}

static void what_is_removed_is_gone_and_the_rest_stays(void **state)
{
    struct table table;

    (void)state;
    fill(&table);
    for (size_t i = 0; i < THINGS; i += 2)
        table_remove(&table, &things[i].entry);
    assert_int_equal(table.count, THINGS / 2);
    for (size_t i = 0; i < THINGS; i++)
        assert_int_equal(table_find(&table, name_of(&things[i])) != NULL, i % 2 == 1);
    assert_int_equal(table_insert(&table, &things[0].entry, name_of(&things[0])), OK);
    assert_ptr_equal(table_find(&table, SLICE("thing-0")), &things[0].entry);
    table_clear(&table);
}

static void walking_meets_each_entry_once(void **state)
{
    struct table table;
    size_t met = 0;

    (void)state;
    fill(&table);
    for (struct table_entry *entry = table_first(&table); entry != NULL;
         entry = table_next(&table, entry)) {
        struct thing *thing = CONTAINER_OF(entry, struct thing, entry);
        assert_false(thing->seen);
        thing->seen = true;
        met++;
    }
    assert_int_equal(met, THINGS);
    table_clear(&table);
}

static void an_empty_table_answers_nothing(void **state)
{
    struct table table;
    struct table_entry entry;

    (void)state;
    table_init(&table);
    assert_null(table_find(&table, SLICE("a")));
    assert_null(table_first(&table));
    assert_int_equal(table_insert(&table, &entry, SLICE_NONE), OK); /* the empty key is a key */
    assert_ptr_equal(table_find(&table, SLICE("")), &entry);
    table_remove(&table, &entry);
    assert_null(table_first(&table));
    table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_put_in_is_found_and_nothing_else),
        cmocka_unit_test(a_second_thing_with_the_same_key_is_refused),
        cmocka_unit_test(what_is_removed_is_gone_and_the_rest_stays),
        cmocka_unit_test(walking_meets_each_entry_once),
        cmocka_unit_test(an_empty_table_answers_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
