/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes: their data, their state, their deletion. */

#include "store_fixture.h"

static struct sandbox find_sandbox(struct fixture *f, struct slice id)
{
    struct sandbox sandbox;
    assert_ok(sandboxes_get(f->store, &f->arena, f->org, id, &sandbox));
    return sandbox;
}

static enum error create_with_source(struct fixture *f, struct slice org, const char *source,
                                     struct sandbox *out)
{
    struct sandbox_new given = sandbox_with(f, NO_TEXTS);
    given.org_id = org;
    given.source = TEXT(source);
    return sandboxes_create(f->store, &f->arena, &given, out);
}

static struct slice make_with_timeout(struct fixture *f, uint32_t timeout_s)
{
    struct sandbox_new given = sandbox_with(f, NO_TEXTS);
    struct sandbox sandbox;
    given.timeout_s = timeout_s;
    assert_ok(sandboxes_create(f->store, &f->arena, &given, &sandbox));
    return sandbox.id;
}

static void a_sandbox_reads_back_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct slice base = make_store(f, "base"), primary = make_store(f, "primary");
    struct sandbox_new given = sandbox_with(f, TEXTS(SLICE("base"), primary));
    struct sandbox made;
    given.source = SLICE("10.0.0.7");
    given.timeout_s = 300;
    assert_ok(sandboxes_create(f->store, &f->arena, &given, &made));
    (void)base;

    struct sandbox sandbox = find_sandbox(f, made.id);
    assert_int_equal(sandbox.id.len, IDENTIFIER_SHORT_LEN);
    assert_memory_equal(sandbox.id.data, "sb-", 3);
    assert_slice(sandbox.proxy_token, made.proxy_token);
    assert_int_equal(sandbox.proxy_token.len, IDENTIFIER_PROXY_TOKEN_LEN);
    assert_slice(sandbox.org_id, f->org);
    assert_slice(sandbox.source, SLICE("10.0.0.7"));
    assert_slice(sandbox.envs, SLICE("{\"A\":\"1\"}"));
    assert_slice(sandbox.metadata, SLICE("{}"));
    assert_slice(sandbox.config, SLICE("{\"cpuCount\":2}"));
    assert_slice(sandbox.primary_store, SLICE("primary"));
    assert_slice(sandbox.base_store, SLICE("base"));
    assert_int_equal(sandbox.checkpoint_id.len, 0);
    assert_int_equal(sandbox.timeout_s, 300);
    assert_int_equal(sandbox.status, SANDBOX_RUNNING);
    assert_int_equal(sandbox.reason, SANDBOX_REASON_NONE);
    assert_int_equal(sandbox.last_active_ms, sandbox.created_at_ms);
}

static void a_sandbox_with_an_unknown_store_is_not_made(void **state)
{
    struct fixture *f = *state;
    struct secret_store foreign;
    assert_ok(try_store(f, f->other, "foreign", &foreign));
    const struct slice names[] = {SLICE_INIT("nothing"), SLICE_INIT("foreign"), foreign.id,
                                  SLICE_INIT("")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct sandbox_new given = sandbox_with(f, TEXTS(names[i]));
        struct sandbox sandbox;
        assert_int_equal(sandboxes_create(f->store, &f->arena, &given, &sandbox), ERR_NOT_FOUND);
    }
    struct sandbox_list list;
    assert_ok(sandboxes_list(f->store, &f->arena, f->org, &list));
    assert_int_equal(list.count, 0);
}

static void sandboxes_are_listed_in_the_order_of_creation(void **state)
{
    struct fixture *f = *state;
    struct slice ids[5];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = make_sandbox(f, NO_TEXTS);
    delete_sandbox(f, ids[4]);
    ids[4] = make_sandbox(f, NO_TEXTS);
    struct sandbox_list list;
    assert_ok(sandboxes_list(f->store, &f->arena, f->org, &list));
    assert_int_equal(list.count, ARRAY_LEN(ids));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        assert_slice(list.items[i].id, ids[i]);
}

static void a_seq_is_never_used_again(void **state)
{
    struct fixture *f = *state;
    struct slice first = make_sandbox(f, NO_TEXTS);
    uint64_t seq = find_sandbox(f, first).seq;
    assert_true(seq > 0);
    delete_sandbox(f, first);
    assert_true(find_sandbox(f, make_sandbox(f, NO_TEXTS)).seq > seq);
}

static void a_source_belongs_to_one_live_sandbox_of_all_orgs(void **state)
{
    struct fixture *f = *state;
    struct sandbox first, second;
    struct slice id;
    assert_ok(create_with_source(f, f->org, "10.0.0.7", &first));
    assert_int_equal(create_with_source(f, f->org, "10.0.0.7", &second), ERR_EXISTS);
    assert_int_equal(create_with_source(f, f->other, "10.0.0.7", &second), ERR_EXISTS);
    assert_ok(sandboxes_find_source(f->store, &f->arena, SLICE("10.0.0.7"), &id));
    assert_slice(id, first.id);

    assert_ok(sandboxes_hibernate(f->store, f->org, first.id));
    assert_int_equal(create_with_source(f, f->org, "10.0.0.7", &second), ERR_EXISTS);
    delete_sandbox(f, first.id);
    assert_int_equal(sandboxes_find_source(f->store, &f->arena, SLICE("10.0.0.7"), &id),
                     ERR_NOT_FOUND);
    assert_ok(create_with_source(f, f->org, "10.0.0.7", &second));
}

static void many_sandboxes_have_no_source(void **state)
{
    struct fixture *f = *state;
    struct sandbox sandbox;
    struct slice id;
    assert_ok(create_with_source(f, f->org, "", &sandbox));
    assert_ok(create_with_source(f, f->org, "", &sandbox));
    assert_int_equal(sandboxes_find_source(f->store, &f->arena, SLICE_NONE, &id), ERR_NOT_FOUND);
}

static void another_org_sees_nothing_of_a_sandbox(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_sandbox(f, NO_TEXTS);
    struct slice checkpoint_id = make_checkpoint(f, id, "first");
    struct sandbox sandbox;
    struct sandbox_list list;
    struct checkpoint checkpoint;
    struct checkpoint_list checkpoints;
    struct sandbox_new given = sandbox_with(f, NO_TEXTS);
    given.org_id = f->other;

    assert_int_equal(sandboxes_get(f->store, &f->arena, f->other, id, &sandbox), ERR_NOT_FOUND);
    assert_ok(sandboxes_list(f->store, &f->arena, f->other, &list));
    assert_int_equal(list.count, 0);
    assert_int_equal(sandboxes_delete(f->store, f->other, id, false), ERR_NOT_FOUND);
    assert_int_equal(sandboxes_hibernate(f->store, f->other, id), ERR_NOT_FOUND);
    assert_int_equal(sandboxes_wake(f->store, f->other, id), ERR_NOT_FOUND);
    assert_int_equal(sandboxes_set_timeout(f->store, f->other, id, 1), ERR_NOT_FOUND);
    assert_int_equal(checkpoints_create(f->store, &f->arena, f->other, id, SLICE("x"), &checkpoint),
                     ERR_NOT_FOUND);
    assert_int_equal(checkpoints_get(f->store, &f->arena, f->other, checkpoint_id, &checkpoint),
                     ERR_NOT_FOUND);
    assert_int_equal(checkpoints_list(f->store, &f->arena, f->other, id, &checkpoints),
                     ERR_NOT_FOUND);
    assert_int_equal(checkpoints_restore(f->store, f->other, id, checkpoint_id), ERR_NOT_FOUND);
    assert_int_equal(checkpoints_delete(f->store, f->other, id, checkpoint_id), ERR_NOT_FOUND);
    assert_int_equal(sandboxes_fork(f->store, &f->arena, checkpoint_id, &given, &sandbox),
                     ERR_NOT_FOUND);
    assert_ok(sandboxes_find(f->store, &f->arena, id, &sandbox));
}

static void a_hibernated_sandbox_keeps_its_tokens_and_wakes(void **state)
{
    struct fixture *f = *state;
    struct slice store = make_store(f, "agent");
    set_secret(f, store, "KEY", "sealed");
    struct slice id = make_sandbox(f, TEXTS(store));
    struct token token = token_in(f, id, "KEY");

    assert_ok(sandboxes_hibernate(f->store, f->org, id));
    assert_ok(sandboxes_hibernate(f->store, f->org, id));
    assert_int_equal(find_sandbox(f, id).status, SANDBOX_HIBERNATED);
    assert_int_equal(find_sandbox(f, id).reason, SANDBOX_SUSPENDED);
    assert_true(same_token(token_in(f, id, "KEY"), token));

    assert_ok(sandboxes_wake(f->store, f->org, id));
    assert_ok(sandboxes_wake(f->store, f->org, id));
    assert_int_equal(find_sandbox(f, id).status, SANDBOX_RUNNING);
    assert_int_equal(find_sandbox(f, id).reason, SANDBOX_REASON_NONE);
    assert_true(same_token(token_in(f, id, "KEY"), token));
}

static void an_idle_sandbox_expires_and_only_that(void **state)
{
    struct fixture *f = *state;
    struct slice idle = make_with_timeout(f, 60), busy = make_with_timeout(f, 60);
    struct slice never = make_with_timeout(f, 0), asleep = make_with_timeout(f, 60);
    struct text_list expired;
    int64_t start = find_sandbox(f, asleep).last_active_ms;
    int64_t idle_since = find_sandbox(f, idle).last_active_ms;
    assert_ok(sandboxes_hibernate(f->store, f->org, asleep));
    assert_ok(sandboxes_touch(f->store, &TEXTS(busy, SLICE("sb-unknown")), start + 30000));

    assert_ok(sandboxes_expire_idle(f->store, &f->arena, idle_since + 59999, &expired));
    assert_int_equal(expired.count, 0);
    assert_ok(sandboxes_expire_idle(f->store, &f->arena, idle_since + 60000, &expired));
    assert_int_equal(expired.count, 1);
    assert_slice(expired.items[0], idle);
    assert_int_equal(find_sandbox(f, idle).status, SANDBOX_HIBERNATED);
    assert_int_equal(find_sandbox(f, idle).reason, SANDBOX_EXPIRED);
    assert_int_equal(find_sandbox(f, busy).status, SANDBOX_RUNNING);
    assert_int_equal(find_sandbox(f, never).status, SANDBOX_RUNNING);
    assert_int_equal(find_sandbox(f, asleep).reason, SANDBOX_SUSPENDED);
}

static void activity_never_moves_backwards(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_sandbox(f, NO_TEXTS);
    int64_t start = find_sandbox(f, id).last_active_ms;
    assert_ok(sandboxes_touch(f->store, &TEXTS(id), start + 5000));
    assert_ok(sandboxes_touch(f->store, &TEXTS(id), start + 1000));
    assert_int_equal(find_sandbox(f, id).last_active_ms, start + 5000);
}

static void the_longest_timeout_does_not_overflow(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_with_timeout(f, UINT32_MAX);
    struct text_list expired;
    assert_int_equal(find_sandbox(f, id).timeout_s, UINT32_MAX);
    assert_ok(sandboxes_expire_idle(f->store, &f->arena,
                                    find_sandbox(f, id).last_active_ms + 1000000, &expired));
    assert_int_equal(expired.count, 0);
    assert_ok(sandboxes_set_timeout(f->store, f->org, id, 5));
    assert_int_equal(find_sandbox(f, id).timeout_s, 5);
}

static void a_deleted_sandbox_is_gone(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_sandbox(f, NO_TEXTS);
    struct sandbox sandbox;
    struct view_data data;
    delete_sandbox(f, id);
    assert_int_equal(sandboxes_get(f->store, &f->arena, f->org, id, &sandbox), ERR_NOT_FOUND);
    assert_int_equal(sandboxes_find(f->store, &f->arena, id, &sandbox), ERR_NOT_FOUND);
    assert_int_equal(view_data_load(f->store, &f->arena, id, &data), ERR_NOT_FOUND);
    assert_int_equal(sandboxes_delete(f->store, f->org, id, true), ERR_NOT_FOUND);
}

static void deleting_with_the_store_deletes_the_last_layer_only(void **state)
{
    struct fixture *f = *state;
    struct slice base = make_store(f, "base"), primary = make_store(f, "primary");
    struct slice id = make_sandbox(f, TEXTS(base, primary));
    assert_ok(sandboxes_delete(f->store, f->org, id, true));
    struct secret_store_list list;
    assert_ok(secret_stores_list(f->store, &f->arena, f->org, &list));
    assert_int_equal(list.count, 1);
    assert_slice(list.items[0].id, base);
    assert_int_equal(stores_at_rest(f), 1);
}

static void deleting_with_a_store_that_others_use_leaves_it_to_them(void **state)
{
    struct fixture *f = *state;
    struct slice store = make_store(f, "shared");
    set_secret(f, store, "KEY", "sealed");
    struct slice first = make_sandbox(f, TEXTS(store)), second = make_sandbox(f, TEXTS(store));
    assert_ok(sandboxes_delete(f->store, f->org, first, true));
    struct secret_store found;
    assert_int_equal(secret_stores_find(f->store, &f->arena, f->org, store, &found), ERR_NOT_FOUND);
    assert_non_null(secret_in(f, second, "KEY"));
    assert_ok(sandboxes_delete(f->store, f->org, second, true));
    assert_int_equal(stores_at_rest(f), 0);
}

static void deleting_with_a_read_only_store_is_refused_whole(void **state)
{
    struct fixture *f = *state;
    struct slice store = make_store(f, "declared");
    const bool yes = true;
    assert_ok(secret_stores_update(f->store, f->org, store,
                                   &(struct secret_store_change){.read_only = &yes}));
    struct slice id = make_sandbox(f, TEXTS(store));
    assert_int_equal(sandboxes_delete(f->store, f->org, id, true), ERR_FORBIDDEN);
    assert_slice(find_sandbox(f, id).primary_store, SLICE("declared"));
    delete_sandbox(f, id);
    assert_int_equal(stores_at_rest(f), 1);
}

static void deleting_with_the_store_is_fine_without_one(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_sandbox(f, NO_TEXTS);
    assert_ok(sandboxes_delete(f->store, f->org, id, true));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sandbox_reads_back_as_it_was_given),
        TEST(a_sandbox_with_an_unknown_store_is_not_made),
        TEST(sandboxes_are_listed_in_the_order_of_creation),
        TEST(a_seq_is_never_used_again),
        TEST(a_source_belongs_to_one_live_sandbox_of_all_orgs),
        TEST(many_sandboxes_have_no_source),
        TEST(another_org_sees_nothing_of_a_sandbox),
        TEST(a_hibernated_sandbox_keeps_its_tokens_and_wakes),
        TEST(an_idle_sandbox_expires_and_only_that),
        TEST(activity_never_moves_backwards),
        TEST(the_longest_timeout_does_not_overflow),
        TEST(a_deleted_sandbox_is_gone),
        TEST(deleting_with_the_store_deletes_the_last_layer_only),
        TEST(deleting_with_a_store_that_others_use_leaves_it_to_them),
        TEST(deleting_with_a_read_only_store_is_refused_whole),
        TEST(deleting_with_the_store_is_fine_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
