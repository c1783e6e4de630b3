/* SPDX-License-Identifier: Apache-2.0 */
/* Secret stores and the secrets in them, as their owners see them. */

#include "store_fixture.h"

static struct secret_store find_store(struct fixture *f, struct slice id_or_name)
{
    struct secret_store store;
    assert_ok(secret_stores_find(f->store, &f->arena, f->org, id_or_name, &store));
    return store;
}

static struct secret_entry find_secret(struct fixture *f, struct slice store_id, const char *name)
{
    struct secret_entry secret;
    assert_ok(secrets_get(f->store, &f->arena, f->org, store_id, TEXT(name), &secret));
    return secret;
}

static void a_store_reads_back_as_it_was_given(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    struct secret_store store = find_store(f, id);
    assert_slice(store.id, id);
    assert_slice(store.org_id, f->org);
    assert_slice(store.name, SLICE("agent"));
    assert_int_equal(store.egress.count, 2);
    assert_slice(store.egress.items[0], SLICE("api.example.com"));
    assert_slice(store.egress.items[1], SLICE("*.example.org"));
    assert_int_equal(store.mac[2], 3);
    assert_true(store.redact_responses);
    assert_false(store.read_only);
    assert_false(store.deleted);
    assert_int_equal(store.created_at_ms, store.updated_at_ms);
    assert_slice(find_store(f, SLICE("agent")).id, id);
}

static void a_store_name_is_unique_in_its_org_only(void **state)
{
    struct fixture *f = *state;
    make_store(f, "agent");
    struct secret_store store;
    assert_int_equal(try_store(f, f->org, "agent", &store), ERR_EXISTS);
    assert_ok(try_store(f, f->org, "Agent", &store));
    assert_ok(try_store(f, f->other, "agent", &store));
    assert_int_equal(try_store(f, SLICE("no-such-org"), "agent", &store), ERR_NOT_FOUND);
}

static void stores_are_listed_in_the_order_of_creation(void **state)
{
    struct fixture *f = *state;
    const char *const names[] = {"z", "a", "m", "b"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        make_store(f, names[i]);
    struct secret_store_list list;
    assert_ok(secret_stores_list(f->store, &f->arena, f->org, &list));
    assert_int_equal(list.count, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_slice(list.items[i].name, TEXT(names[i]));
}

static void an_update_changes_only_what_is_passed(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    const struct slice name = SLICE("renamed");
    assert_ok(
        secret_stores_update(f->store, f->org, id, &(struct secret_store_change){.name = &name}));
    struct secret_store store = find_store(f, id);
    assert_slice(store.name, name);
    assert_int_equal(store.egress.count, 2);
    assert_int_equal(store.mac[0], 1);
    assert_true(store.redact_responses);

    const struct text_list none = NO_TEXTS;
    const uint8_t mac[SECRET_STORES_MAC_SIZE] = {9};
    const bool redact = false;
    assert_ok(secret_stores_update(
        f->store, f->org, id,
        &(struct secret_store_change){.egress = &none, .mac = mac, .redact_responses = &redact}));
    store = find_store(f, id);
    assert_slice(store.name, name);
    assert_int_equal(store.egress.count, 0);
    assert_int_equal(store.mac[0], 9);
    assert_false(store.redact_responses);
    assert_true(store.updated_at_ms >= store.created_at_ms);
}

static void the_lists_beside_the_allowlist_are_kept_and_replaced_one_by_one(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    assert_int_equal(find_store(f, id).passthrough.count, 0);
    assert_int_equal(find_store(f, id).private_hosts.count, 0);

    const struct text_list passthrough = TEXTS(SLICE("*.pin.test"), SLICE("b.test:8443"));
    const struct text_list private_hosts = TEXTS(SLICE("db.internal"));
    assert_ok(secret_stores_update(f->store, f->org, id,
                                   &(struct secret_store_change){.passthrough = &passthrough,
                                                                 .private_hosts = &private_hosts}));
    const struct text_list none = NO_TEXTS;
    assert_ok(secret_stores_update(f->store, f->org, id,
                                   &(struct secret_store_change){.private_hosts = &none}));
    struct secret_store store = find_store(f, id);
    assert_int_equal(store.passthrough.count, 2);
    assert_slice(store.passthrough.items[1], SLICE("b.test:8443"));
    assert_int_equal(store.private_hosts.count, 0);
    assert_int_equal(store.egress.count, 2);
}

static void an_update_to_a_taken_name_changes_nothing(void **state)
{
    struct fixture *f = *state;
    make_store(f, "one");
    struct slice id = make_store(f, "two");
    const struct slice name = SLICE("one");
    const bool redact = false;
    const struct secret_store_change change = {.name = &name, .redact_responses = &redact};
    assert_int_equal(secret_stores_update(f->store, f->org, id, &change), ERR_EXISTS);
    assert_slice(find_store(f, id).name, SLICE("two"));
    assert_true(find_store(f, id).redact_responses);
}

static void another_org_sees_nothing_of_a_store(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    set_secret(f, id, "KEY", "sealed");
    struct secret_store store;
    struct secret_store_list stores;
    struct secret_entry secret;
    struct secret_entry_list secrets;
    struct secret_set_outcome outcome;
    const bool redact = false;
    const struct secret_store_change change = {.redact_responses = &redact};
    const struct secret_entry_new given = {
        f->other, id, SLICE_INIT("KEY"), SLICE_INIT("other"), NO_TEXTS, NO_TEXTS};

    assert_int_equal(secret_stores_find(f->store, &f->arena, f->other, id, &store), ERR_NOT_FOUND);
    assert_int_equal(secret_stores_find(f->store, &f->arena, f->other, SLICE("agent"), &store),
                     ERR_NOT_FOUND);
    assert_ok(secret_stores_list(f->store, &f->arena, f->other, &stores));
    assert_int_equal(stores.count, 0);
    assert_int_equal(secret_stores_update(f->store, f->other, id, &change), ERR_NOT_FOUND);
    assert_int_equal(secret_stores_delete(f->store, f->other, id), ERR_NOT_FOUND);
    assert_int_equal(secrets_get(f->store, &f->arena, f->other, id, SLICE("KEY"), &secret),
                     ERR_NOT_FOUND);
    assert_int_equal(secrets_list(f->store, &f->arena, f->other, id, &secrets), ERR_NOT_FOUND);
    assert_int_equal(secrets_set(f->store, &given, &outcome), ERR_NOT_FOUND);
    assert_int_equal(secrets_delete(f->store, f->other, id, SLICE("KEY")), ERR_NOT_FOUND);
    assert_slice(find_secret(f, id, "KEY").sealed, SLICE("sealed"));
}

static void a_deleted_store_that_serves_nobody_is_erased(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    set_secret(f, id, "KEY", "sealed");
    delete_store(f, id);
    assert_int_equal(stores_at_rest(f), 0);
    assert_int_equal(secrets_at_rest(f), 0);
    assert_int_equal(secret_stores_delete(f->store, f->org, id), ERR_NOT_FOUND);
}

static void a_deleted_store_is_hidden_and_its_name_free(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    make_sandbox(f, TEXTS(id));
    delete_store(f, id);

    struct secret_store store;
    struct secret_store_list stores;
    struct secret_entry_list secrets;
    struct secret_set_outcome outcome;
    const struct secret_store_change nothing = {.name = NULL};
    const struct secret_entry_new given = {f->org,          id,       SLICE_INIT("KEY"),
                                           SLICE_INIT("s"), NO_TEXTS, NO_TEXTS};
    assert_int_equal(secret_stores_find(f->store, &f->arena, f->org, id, &store), ERR_NOT_FOUND);
    assert_int_equal(secret_stores_update(f->store, f->org, id, &nothing), ERR_NOT_FOUND);
    assert_int_equal(secret_stores_delete(f->store, f->org, id), ERR_NOT_FOUND);
    assert_int_equal(secrets_list(f->store, &f->arena, f->org, id, &secrets), ERR_NOT_FOUND);
    assert_int_equal(secrets_set(f->store, &given, &outcome), ERR_NOT_FOUND);
    assert_ok(secret_stores_list(f->store, &f->arena, f->org, &stores));
    assert_int_equal(stores.count, 0);

    assert_false(slice_equals(make_store(f, "agent"), id));
    assert_int_equal(stores_at_rest(f), 2);
}

static void setting_a_secret_again_keeps_its_id(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    assert_true(set_secret(f, id, "KEY", "first").is_new);
    struct secret_entry before = find_secret(f, id, "KEY");
    assert_false(set_secret(f, id, "KEY", "second").is_new);
    struct secret_entry after = find_secret(f, id, "KEY");

    assert_slice(after.id, before.id);
    assert_int_equal(after.created_at_ms, before.created_at_ms);
    assert_true(after.updated_at_ms >= before.updated_at_ms);
    assert_slice(after.sealed, SLICE("second"));
    assert_slice(after.hosts.items[0], SLICE("api.example.com"));
    assert_slice(after.places.items[0], SLICE("header"));
    assert_slice(after.store_id, id);
    assert_slice(after.org_id, f->org);
}

static void a_deleted_secret_is_gone(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    set_secret(f, id, "KEY", "sealed");
    struct slice first = find_secret(f, id, "KEY").id;
    delete_secret(f, id, "KEY");
    struct secret_entry secret;
    assert_int_equal(secrets_get(f->store, &f->arena, f->org, id, SLICE("KEY"), &secret),
                     ERR_NOT_FOUND);
    assert_int_equal(secrets_delete(f->store, f->org, id, SLICE("KEY")), ERR_NOT_FOUND);
    assert_true(set_secret(f, id, "KEY", "again").is_new);
    assert_false(slice_equals(find_secret(f, id, "KEY").id, first));
}

static void secrets_are_listed_in_the_order_of_creation(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    set_secret(f, id, "Z", "1");
    set_secret(f, id, "A", "2");
    set_secret(f, make_store(f, "else"), "B", "3");
    set_secret(f, id, "Z", "4");
    struct secret_entry_list list;
    assert_ok(secrets_list(f->store, &f->arena, f->org, id, &list));
    assert_int_equal(list.count, 2);
    assert_slice(list.items[0].name, SLICE("Z"));
    assert_slice(list.items[1].name, SLICE("A"));
}

static void a_store_holds_a_thousand_secrets_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    assert_ok(store_begin(f->store));
    for (int i = 0; i < SECRETS_PER_STORE_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "KEY_%d", i);
        set_secret(f, id, name, "sealed");
    }
    assert_ok(store_end(f->store, OK));

    struct secret_set_outcome outcome;
    const struct secret_entry_new given = {f->org,          id,       SLICE_INIT("ONE_MORE"),
                                           SLICE_INIT("s"), NO_TEXTS, NO_TEXTS};
    assert_int_equal(secrets_set(f->store, &given, &outcome), ERR_TOO_LARGE);
    assert_false(set_secret(f, id, "KEY_7", "changed").is_new);
}

static void pages_cover_every_secret_once(void **state)
{
    struct fixture *f = *state;
    assert_ok(store_begin(f->store));
    struct slice served = make_store(f, "served");
    for (int i = 0; i < 2 * SECRETS_PAGE + 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "KEY_%d", i);
        set_secret(f, served, name, "sealed");
    }
    make_sandbox(f, TEXTS(served));
    delete_store(f, served);
    assert_ok(store_end(f->store, OK));

    uint64_t after = 0;
    size_t seen = 0;
    for (struct secret_entry_list page = {NULL, SECRETS_PAGE}; page.count == SECRETS_PAGE;) {
        assert_ok(secrets_page(f->store, &f->arena, after, &page));
        for (size_t i = 0; i < page.count; i++) {
            assert_true(page.items[i].seq > after);
            assert_slice(page.items[i].org_id, f->org);
            after = page.items[i].seq;
        }
        seen += page.count;
    }
    assert_int_equal(seen, 2 * SECRETS_PAGE + 10);
}

static void resealing_needs_the_box_that_was_read(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    set_secret(f, id, "KEY", "old");
    struct secret_entry secret = find_secret(f, id, "KEY");
    set_secret(f, id, "KEY", "newer");
    assert_int_equal(secrets_reseal(f->store, secret.id, SLICE("old"), SLICE("resealed")),
                     ERR_CONFLICT);
    assert_slice(find_secret(f, id, "KEY").sealed, SLICE("newer"));
    assert_ok(secrets_reseal(f->store, secret.id, SLICE("newer"), SLICE("resealed")));
    assert_slice(find_secret(f, id, "KEY").sealed, SLICE("resealed"));
    assert_int_equal(secrets_reseal(f->store, SLICE("gone"), SLICE("a"), SLICE("b")), ERR_CONFLICT);
}

static void resigning_needs_the_mac_that_was_read(void **state)
{
    struct fixture *f = *state;
    struct slice id = make_store(f, "agent");
    struct secret_store store = find_store(f, id);
    const uint8_t newer[SECRET_STORES_MAC_SIZE] = {5}, wrong[SECRET_STORES_MAC_SIZE] = {6};
    assert_int_equal(secret_stores_resign(f->store, id, wrong, newer), ERR_CONFLICT);
    assert_ok(secret_stores_resign(f->store, id, store.mac, newer));
    assert_memory_equal(find_store(f, id).mac, newer, sizeof newer);
    assert_int_equal(find_store(f, id).updated_at_ms, store.updated_at_ms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_store_reads_back_as_it_was_given),
        TEST(a_store_name_is_unique_in_its_org_only),
        TEST(stores_are_listed_in_the_order_of_creation),
        TEST(an_update_changes_only_what_is_passed),
        TEST(the_lists_beside_the_allowlist_are_kept_and_replaced_one_by_one),
        TEST(an_update_to_a_taken_name_changes_nothing),
        TEST(another_org_sees_nothing_of_a_store),
        TEST(a_deleted_store_that_serves_nobody_is_erased),
        TEST(a_deleted_store_is_hidden_and_its_name_free),
        TEST(setting_a_secret_again_keeps_its_id),
        TEST(a_deleted_secret_is_gone),
        TEST(secrets_are_listed_in_the_order_of_creation),
        TEST(a_store_holds_a_thousand_secrets_and_no_more),
        TEST(pages_cover_every_secret_once),
        TEST(resealing_needs_the_box_that_was_read),
        TEST(resigning_needs_the_mac_that_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
