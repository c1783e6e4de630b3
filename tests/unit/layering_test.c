/* SPDX-License-Identifier: Apache-2.0 */
/* Layers, tokens, checkpoints and forks: the life of a secret as a sandbox sees it. */

#include "store_fixture.h"

static struct checkpoint_list list_checkpoints(struct fixture *f, struct slice sandbox_id)
{
    struct checkpoint_list list;
    assert_ok(checkpoints_list(f->store, &f->arena, f->org, sandbox_id, &list));
    return list;
}

static void restore(struct fixture *f, struct slice sandbox_id, struct slice checkpoint_id)
{
    assert_ok(checkpoints_restore(f->store, f->org, sandbox_id, checkpoint_id));
}

static struct slice store_with(struct fixture *f, const char *name, const char *secret)
{
    struct slice id = make_store(f, name);
    set_secret(f, id, secret, name);
    return id;
}

/* the view */

static void a_view_has_the_layers_in_order_and_the_last_wins(void **state)
{
    struct fixture *f = *state;
    struct slice base = store_with(f, "base", "SHARED"), top = store_with(f, "top", "SHARED");
    set_secret(f, base, "B_ONLY", "b");
    set_secret(f, top, "A_TOP", "t");
    struct view_data data = view_of(f, make_sandbox(f, TEXTS(base, top)));

    assert_int_equal(data.layer_count, 2);
    assert_slice(data.layers[0].store_id, base);
    assert_slice(data.layers[0].store_name, SLICE("base"));
    assert_slice(data.layers[1].store_id, top);
    assert_int_equal(data.layers[0].egress.count, 2);
    assert_int_equal(data.layers[0].mac[1], 2);
    assert_true(data.layers[0].redact_responses);
    assert_false(data.reaches_nothing);

    assert_int_equal(data.secret_count, 3);
    assert_slice(data.secrets[0].name, SLICE("A_TOP"));
    assert_slice(data.secrets[1].name, SLICE("B_ONLY"));
    assert_slice(data.secrets[2].name, SLICE("SHARED"));
    assert_int_equal(data.secrets[1].layer, 0);
    assert_int_equal(data.secrets[2].layer, 1);
    assert_slice(data.secrets[2].sealed, SLICE("top"));
    assert_slice(data.secrets[2].hosts.items[0], SLICE("api.example.com"));
    assert_slice(data.secrets[2].places.items[0], SLICE("header"));
    assert_false(same_token(data.secrets[0].token, data.secrets[1].token));
}

static void a_sandbox_without_stores_is_not_one_that_reaches_nothing(void **state)
{
    struct fixture *f = *state;
    struct view_data data = view_of(f, make_sandbox(f, NO_TEXTS));
    assert_int_equal(data.layer_count, 0);
    assert_int_equal(data.secret_count, 0);
    assert_false(data.reaches_nothing);
}

static void a_store_named_twice_counts_once_at_its_last_place(void **state)
{
    struct fixture *f = *state;
    struct slice a = make_store(f, "a"), b = make_store(f, "b");
    struct view_data data = view_of(f, make_sandbox(f, TEXTS(a, b, SLICE("a"))));
    assert_int_equal(data.layer_count, 2);
    assert_slice(data.layers[0].store_id, b);
    assert_slice(data.layers[1].store_id, a);
}

static void a_sandbox_has_at_most_sixteen_layers(void **state)
{
    struct fixture *f = *state;
    struct slice ids[SANDBOXES_LAYERS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char name[16];
        snprintf(name, sizeof name, "store-%zu", i);
        ids[i] = make_store(f, name);
    }
    struct text_list full = {ids, SANDBOXES_LAYERS_MAX};
    struct slice checkpoint = make_checkpoint(f, make_sandbox(f, full), "full");
    struct sandbox_new given = sandbox_with(f, TEXTS(ids[SANDBOXES_LAYERS_MAX]));
    struct sandbox sandbox;
    assert_int_equal(sandboxes_fork(f->store, &f->arena, checkpoint, &given, &sandbox),
                     ERR_TOO_LARGE);
    assert_int_equal(view_of(f, make_fork(f, checkpoint, TEXTS(ids[3]))).layer_count,
                     SANDBOXES_LAYERS_MAX);
}

/* the life of a secret */

static void setting_again_keeps_the_token_and_counts_running_users(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice first = make_sandbox(f, TEXTS(store)), second = make_sandbox(f, TEXTS(store));
    make_sandbox(f, NO_TEXTS);
    struct token token = token_in(f, first, "KEY");
    assert_ok(sandboxes_hibernate(f->store, f->org, second));

    struct secret_set_outcome outcome = set_secret(f, store, "KEY", "rotated");
    assert_false(outcome.is_new);
    assert_int_equal(outcome.refreshed, 1);
    assert_true(same_token(token_in(f, first, "KEY"), token));
    assert_slice(secret_in(f, first, "KEY")->sealed, SLICE("rotated"));
    assert_slice(secret_in(f, second, "KEY")->sealed, SLICE("rotated"));
}

static void a_shadowed_secret_refreshes_nobody(void **state)
{
    struct fixture *f = *state;
    struct slice base = store_with(f, "base", "KEY"), top = store_with(f, "top", "KEY");
    make_sandbox(f, TEXTS(base, top));
    make_sandbox(f, TEXTS(top));
    assert_int_equal(set_secret(f, base, "KEY", "x").refreshed, 0);
    assert_int_equal(set_secret(f, top, "KEY", "y").refreshed, 2);
    assert_int_equal(set_secret(f, base, "ELSE", "z").refreshed, 1);
}

static void a_new_name_gets_a_token_in_running_and_hibernated_sandboxes(void **state)
{
    struct fixture *f = *state;
    struct slice store = make_store(f, "agent");
    struct slice running = make_sandbox(f, TEXTS(store)), asleep = make_sandbox(f, TEXTS(store));
    assert_ok(sandboxes_hibernate(f->store, f->org, asleep));
    assert_null(secret_in(f, running, "KEY"));
    set_secret(f, store, "KEY", "sealed");
    assert_false(same_token(token_in(f, running, "KEY"), token_in(f, asleep, "KEY")));
}

static void a_name_that_another_layer_has_keeps_its_token_when_set(void **state)
{
    struct fixture *f = *state;
    struct slice base = store_with(f, "base", "KEY"), top = make_store(f, "top");
    struct slice box = make_sandbox(f, TEXTS(base, top));
    struct token token = token_in(f, box, "KEY");
    assert_true(set_secret(f, top, "KEY", "now from top").is_new);
    assert_true(same_token(token_in(f, box, "KEY"), token));
    assert_slice(secret_in(f, box, "KEY")->sealed, SLICE("now from top"));
}

static void a_deleted_secret_kills_its_token_for_ever(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct token token = token_in(f, box, "KEY");
    delete_secret(f, store, "KEY");
    assert_null(secret_in(f, box, "KEY"));
    set_secret(f, store, "KEY", "again");
    assert_false(same_token(token_in(f, box, "KEY"), token));
}

static void a_name_that_still_resolves_keeps_its_token(void **state)
{
    struct fixture *f = *state;
    struct slice base = store_with(f, "base", "KEY"), top = store_with(f, "top", "KEY");
    struct slice both = make_sandbox(f, TEXTS(base, top)), one = make_sandbox(f, TEXTS(top));
    struct token token = token_in(f, both, "KEY");
    delete_secret(f, top, "KEY");
    assert_true(same_token(token_in(f, both, "KEY"), token));
    assert_slice(secret_in(f, both, "KEY")->sealed, SLICE("base"));
    assert_int_equal(secret_in(f, both, "KEY")->layer, 0);
    assert_null(secret_in(f, one, "KEY"));
}

/* the life of a store */

static void a_deleted_store_goes_on_serving_until_its_last_sandbox_goes(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice running = make_sandbox(f, TEXTS(store)), asleep = make_sandbox(f, TEXTS(store));
    assert_ok(sandboxes_hibernate(f->store, f->org, asleep));
    struct token token = token_in(f, running, "KEY");
    delete_store(f, store);

    struct view_data data = view_of(f, running);
    assert_int_equal(data.layer_count, 1);
    assert_slice(data.layers[0].store_name, SLICE("agent"));
    assert_slice(data.sandbox.primary_store, SLICE("agent"));
    assert_false(data.reaches_nothing);
    assert_true(same_token(token_in(f, running, "KEY"), token));

    delete_sandbox(f, running);
    assert_int_equal(stores_at_rest(f), 1);
    assert_non_null(secret_in(f, asleep, "KEY"));
    delete_sandbox(f, asleep);
    assert_int_equal(stores_at_rest(f), 0);
    assert_int_equal(secrets_at_rest(f), 0);
}

static void a_new_store_of_a_freed_name_does_not_reach_the_old_sandbox(void **state)
{
    struct fixture *f = *state;
    struct slice box = make_sandbox(f, TEXTS(store_with(f, "agent", "KEY")));
    delete_store(f, view_of(f, box).layers[0].store_id);
    struct slice newer = make_store(f, "agent");
    set_secret(f, newer, "KEY", "of the new one");
    assert_slice(secret_in(f, box, "KEY")->sealed, SLICE("agent"));
    assert_slice(secret_in(f, make_sandbox(f, TEXTS(SLICE("agent"))), "KEY")->sealed,
                 SLICE("of the new one"));
}

static void a_checkpoint_does_not_keep_a_store(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    make_checkpoint(f, box, "first");
    delete_sandbox(f, box);
    delete_store(f, store);
    assert_int_equal(stores_at_rest(f), 0);
}

static void bound_sandboxes_are_told_for_propagation(void **state)
{
    struct fixture *f = *state;
    struct slice store = make_store(f, "agent"), other = make_store(f, "other");
    struct slice first = make_sandbox(f, TEXTS(store, other));
    make_sandbox(f, TEXTS(other));
    struct slice third = make_sandbox(f, TEXTS(store));
    assert_ok(sandboxes_hibernate(f->store, f->org, third));
    struct text_list ids;
    assert_ok(sandboxes_bound_to(f->store, &f->arena, store, &ids));
    assert_int_equal(ids.count, 2);
    assert_slice(ids.items[0], first);
    assert_slice(ids.items[1], third);
}

/* checkpoints and forks */

static void a_checkpoint_reads_back_and_its_name_is_unique(void **state)
{
    struct fixture *f = *state;
    struct slice box = make_sandbox(f, NO_TEXTS), other = make_sandbox(f, NO_TEXTS);
    struct slice id = make_checkpoint(f, box, "first");
    struct checkpoint checkpoint;
    assert_int_equal(
        checkpoints_create(f->store, &f->arena, f->org, box, SLICE("first"), &checkpoint),
        ERR_EXISTS);
    make_checkpoint(f, other, "first");
    make_checkpoint(f, box, "a second");

    struct checkpoint_list list = list_checkpoints(f, box);
    assert_int_equal(list.count, 2);
    assert_slice(list.items[0].name, SLICE("first"));
    assert_slice(list.items[1].name, SLICE("a second"));
    assert_ok(checkpoints_get(f->store, &f->arena, f->org, id, &checkpoint));
    assert_memory_equal(checkpoint.id.data, "cp-", 3);
    assert_slice(checkpoint.sandbox_id, box);
    assert_slice(checkpoint.org_id, f->org);
    assert_slice(checkpoint.envs, SLICE("{\"A\":\"1\"}"));
    assert_slice(checkpoint.config, SLICE("{\"cpuCount\":2}"));
}

static void a_checkpoint_is_deleted_only_with_its_own_sandbox_named(void **state)
{
    struct fixture *f = *state;
    struct slice box = make_sandbox(f, NO_TEXTS), other = make_sandbox(f, NO_TEXTS);
    struct slice id = make_checkpoint(f, box, "first");
    assert_int_equal(checkpoints_delete(f->store, f->org, other, id), ERR_NOT_FOUND);
    assert_int_equal(checkpoints_restore(f->store, f->org, other, id), ERR_NOT_FOUND);
    assert_ok(checkpoints_delete(f->store, f->org, box, id));
    assert_int_equal(list_checkpoints(f, box).count, 0);
    make_checkpoint(f, box, "first");
}

static void a_checkpoint_outlives_its_sandbox(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_sandbox(f, box);
    assert_int_equal(list_checkpoints(f, box).count, 1);
    assert_true(same_token(token_in(f, make_fork(f, checkpoint, NO_TEXTS), "KEY"), token));
    assert_int_equal(checkpoints_restore(f->store, f->org, box, checkpoint), ERR_NOT_FOUND);
    assert_ok(checkpoints_delete(f->store, f->org, box, checkpoint));

    struct checkpoint_list list;
    assert_int_equal(checkpoints_list(f->store, &f->arena, f->org, box, &list), ERR_NOT_FOUND);
}

static void a_fork_layers_its_store_on_top(void **state)
{
    struct fixture *f = *state;
    struct slice base = store_with(f, "base", "KEY"), top = store_with(f, "top", "KEY");
    set_secret(f, top, "NEW", "new");
    struct slice box = make_sandbox(f, TEXTS(base));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    struct slice fork = make_fork(f, checkpoint, TEXTS(SLICE("top")));

    struct view_data data = view_of(f, fork);
    assert_int_equal(data.layer_count, 2);
    assert_slice(data.sandbox.base_store, SLICE("base"));
    assert_slice(data.sandbox.primary_store, SLICE("top"));
    assert_slice(data.sandbox.checkpoint_id, checkpoint);
    assert_true(same_token(token_in(f, fork, "KEY"), token));
    assert_slice(secret_in(f, fork, "KEY")->sealed, SLICE("top"));
    assert_slice(secret_in(f, box, "KEY")->sealed, SLICE("base"));
    token_in(f, fork, "NEW");
    assert_null(secret_in(f, box, "NEW"));
    assert_false(slice_equals(data.sandbox.proxy_token, view_of(f, box).sandbox.proxy_token));
}

static void a_fork_moves_a_store_it_names_again_to_the_top(void **state)
{
    struct fixture *f = *state;
    struct slice a = store_with(f, "a", "KEY"), b = store_with(f, "b", "KEY");
    struct slice checkpoint = make_checkpoint(f, make_sandbox(f, TEXTS(a, b)), "first");
    struct slice fork = make_fork(f, checkpoint, TEXTS(a));
    assert_int_equal(view_of(f, fork).layer_count, 2);
    assert_slice(view_of(f, fork).layers[1].store_id, a);
    assert_slice(secret_in(f, fork, "KEY")->sealed, SLICE("a"));
}

static void a_fork_of_a_fork_keeps_the_first_token(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct slice fork = make_fork(f, make_checkpoint(f, box, "1"), NO_TEXTS);
    struct slice second = make_fork(f, make_checkpoint(f, fork, "2"), NO_TEXTS);
    assert_true(same_token(token_in(f, second, "KEY"), token_in(f, box, "KEY")));
}

static void a_fork_needs_the_store_it_names_but_skips_inherited_ones_that_are_gone(void **state)
{
    struct fixture *f = *state;
    struct slice gone = store_with(f, "gone", "KEY"), left = store_with(f, "left", "LEFT");
    struct slice box = make_sandbox(f, TEXTS(gone, left));
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_store(f, gone);

    struct sandbox_new given = sandbox_with(f, TEXTS(SLICE("gone")));
    struct sandbox sandbox;
    assert_int_equal(sandboxes_fork(f->store, &f->arena, checkpoint, &given, &sandbox),
                     ERR_NOT_FOUND);
    given.secret_stores = TEXTS(gone);
    assert_int_equal(sandboxes_fork(f->store, &f->arena, checkpoint, &given, &sandbox),
                     ERR_NOT_FOUND);
    given.secret_stores = NO_TEXTS;
    assert_int_equal(sandboxes_fork(f->store, &f->arena, SLICE("cp-none"), &given, &sandbox),
                     ERR_NOT_FOUND);

    struct slice fork = make_fork(f, checkpoint, NO_TEXTS);
    struct view_data data = view_of(f, fork);
    assert_int_equal(data.layer_count, 1);
    assert_slice(data.layers[0].store_id, left);
    assert_int_equal(secret_in(f, fork, "LEFT")->layer, 0);
    assert_null(secret_in(f, fork, "KEY"));
    assert_non_null(secret_in(f, box, "KEY"));
    delete_sandbox(f, box);
    assert_int_equal(stores_at_rest(f), 1);
}

static void a_fork_whose_layers_are_all_gone_reaches_nothing(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_store(f, store);

    struct slice fork = make_fork(f, checkpoint, NO_TEXTS);
    assert_true(view_of(f, fork).reaches_nothing);
    assert_int_equal(view_of(f, fork).secret_count, 0);
    assert_int_equal(view_of(f, fork).sandbox.primary_store.len, 0);
    assert_false(view_of(f, box).reaches_nothing);

    struct slice second = make_fork(f, make_checkpoint(f, fork, "1"), NO_TEXTS);
    assert_true(view_of(f, second).reaches_nothing);
    struct slice named = make_fork(f, checkpoint, TEXTS(make_store(f, "named")));
    assert_false(view_of(f, named).reaches_nothing);
}

static void a_token_of_a_gone_store_serves_the_same_name_of_the_named_one(void **state)
{
    struct fixture *f = *state;
    struct slice gone = store_with(f, "gone", "KEY"), named = store_with(f, "named", "KEY");
    struct slice box = make_sandbox(f, TEXTS(gone));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_store(f, gone);
    struct slice fork = make_fork(f, checkpoint, TEXTS(named));
    assert_true(same_token(token_in(f, fork, "KEY"), token));
    assert_slice(secret_in(f, fork, "KEY")->sealed, SLICE("named"));
}

static void a_token_killed_by_deletion_is_dead_in_checkpoints_too(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_secret(f, store, "KEY");
    set_secret(f, store, "KEY", "again");

    assert_false(same_token(token_in(f, make_fork(f, checkpoint, NO_TEXTS), "KEY"), token));
    restore(f, box, checkpoint);
    assert_false(same_token(token_in(f, box, "KEY"), token));
}

static void a_checkpoint_keeps_a_token_that_another_layer_resolves(void **state)
{
    struct fixture *f = *state;
    struct slice base = store_with(f, "base", "KEY"), top = store_with(f, "top", "KEY");
    struct slice box = make_sandbox(f, TEXTS(base, top));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_secret(f, top, "KEY");
    assert_true(same_token(token_in(f, make_fork(f, checkpoint, NO_TEXTS), "KEY"), token));
}

static void a_hidden_store_keeps_a_checkpoint_token_for_its_own_sandbox_only(void **state)
{
    struct fixture *f = *state;
    struct slice hidden = store_with(f, "hidden", "KEY"), live = store_with(f, "live", "KEY");
    struct slice box = make_sandbox(f, TEXTS(hidden, live));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_store(f, hidden);
    delete_secret(f, live, "KEY");
    struct slice forked = make_fork(f, checkpoint, NO_TEXTS);
    assert_null(secret_in(f, forked, "KEY"));
    restore(f, box, checkpoint);
    assert_true(same_token(token_in(f, box, "KEY"), token));
    assert_slice(secret_in(f, box, "KEY")->sealed, SLICE("hidden"));
    set_secret(f, live, "KEY", "again");
    assert_false(same_token(token_in(f, forked, "KEY"), token));
}

static void a_store_hidden_for_another_sandbox_keeps_no_checkpoint_token(void **state)
{
    struct fixture *f = *state;
    struct slice hidden = store_with(f, "hidden", "KEY"), live = store_with(f, "live", "KEY");
    struct slice box = make_sandbox(f, TEXTS(hidden, live));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    make_sandbox(f, TEXTS(hidden));
    delete_sandbox(f, box);
    delete_store(f, hidden);
    delete_secret(f, live, "KEY");
    set_secret(f, live, "KEY", "again");
    assert_false(same_token(token_in(f, make_fork(f, checkpoint, NO_TEXTS), "KEY"), token));
}

static void restoring_puts_the_tokens_back(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "OLD");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct token old = token_in(f, box, "OLD");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    set_secret(f, store, "NEW", "new");
    struct token newer = token_in(f, box, "NEW");

    restore(f, box, checkpoint);
    assert_true(same_token(token_in(f, box, "OLD"), old));
    assert_false(same_token(token_in(f, box, "NEW"), newer));
}

static void restoring_keeps_a_deleted_store_that_the_sandbox_is_bound_to(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct token token = token_in(f, box, "KEY");
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_store(f, store);
    restore(f, box, checkpoint);
    assert_int_equal(view_of(f, box).layer_count, 1);
    assert_false(view_of(f, box).reaches_nothing);
    assert_true(same_token(token_in(f, box, "KEY"), token));
}

static void restoring_a_fork_does_not_bring_a_gone_layer_back(void **state)
{
    struct fixture *f = *state;
    struct slice store = store_with(f, "agent", "KEY");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct slice checkpoint = make_checkpoint(f, box, "first");
    delete_store(f, store);
    struct slice fork = make_fork(f, checkpoint, NO_TEXTS);
    restore(f, fork, make_checkpoint(f, fork, "of the fork"));
    assert_true(view_of(f, fork).reaches_nothing);
    assert_int_equal(view_of(f, fork).secret_count, 0);
}

static void tokens_of_a_fork_and_its_parent_live_apart(void **state)
{
    struct fixture *f = *state;
    struct slice base = store_with(f, "base", "KEY"), top = store_with(f, "top", "KEY");
    struct slice box = make_sandbox(f, TEXTS(base));
    struct slice fork = make_fork(f, make_checkpoint(f, box, "first"), TEXTS(top));
    struct token token = token_in(f, fork, "KEY");
    delete_secret(f, base, "KEY");
    assert_null(secret_in(f, box, "KEY"));
    assert_true(same_token(token_in(f, fork, "KEY"), token));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_view_has_the_layers_in_order_and_the_last_wins),
        TEST(a_sandbox_without_stores_is_not_one_that_reaches_nothing),
        TEST(a_store_named_twice_counts_once_at_its_last_place),
        TEST(a_sandbox_has_at_most_sixteen_layers),
        TEST(setting_again_keeps_the_token_and_counts_running_users),
        TEST(a_shadowed_secret_refreshes_nobody),
        TEST(a_new_name_gets_a_token_in_running_and_hibernated_sandboxes),
        TEST(a_name_that_another_layer_has_keeps_its_token_when_set),
        TEST(a_deleted_secret_kills_its_token_for_ever),
        TEST(a_name_that_still_resolves_keeps_its_token),
        TEST(a_deleted_store_goes_on_serving_until_its_last_sandbox_goes),
        TEST(a_new_store_of_a_freed_name_does_not_reach_the_old_sandbox),
        TEST(a_checkpoint_does_not_keep_a_store),
        TEST(bound_sandboxes_are_told_for_propagation),
        TEST(a_checkpoint_reads_back_and_its_name_is_unique),
        TEST(a_checkpoint_is_deleted_only_with_its_own_sandbox_named),
        TEST(a_checkpoint_outlives_its_sandbox),
        TEST(a_fork_layers_its_store_on_top),
        TEST(a_fork_moves_a_store_it_names_again_to_the_top),
        TEST(a_fork_of_a_fork_keeps_the_first_token),
        TEST(a_fork_needs_the_store_it_names_but_skips_inherited_ones_that_are_gone),
        TEST(a_fork_whose_layers_are_all_gone_reaches_nothing),
        TEST(a_token_of_a_gone_store_serves_the_same_name_of_the_named_one),
        TEST(a_token_killed_by_deletion_is_dead_in_checkpoints_too),
        TEST(a_checkpoint_keeps_a_token_that_another_layer_resolves),
        TEST(a_hidden_store_keeps_a_checkpoint_token_for_its_own_sandbox_only),
        TEST(a_store_hidden_for_another_sandbox_keeps_no_checkpoint_token),
        TEST(restoring_puts_the_tokens_back),
        TEST(restoring_keeps_a_deleted_store_that_the_sandbox_is_bound_to),
        TEST(restoring_a_fork_does_not_bring_a_gone_layer_back),
        TEST(tokens_of_a_fork_and_its_parent_live_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
