/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store, organizations, API keys. */

#include "base/buffer.h"
#include "store/database.h"
#include "store_fixture.h"

#include <sodium.h>

static const char key_text[] = "osb_key_AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKK";

static enum error create_key(struct fixture *f, const char *text, bool is_admin,
                             struct api_key *out)
{
    const struct api_key_new given = {f->org, SLICE_INIT("laptop"), TEXT(text), is_admin};
    return api_keys_create(f->store, &f->arena, &given, out);
}

static void the_default_org_is_made_once(void **state)
{
    struct fixture *f = *state;
    struct org again;
    assert_ok(orgs_ensure_default(f->store, &f->arena, &again));
    assert_slice(again.id, f->org);
    assert_slice(again.name, SLICE("default"));
    assert_int_equal(again.id.len, IDENTIFIER_UUID_LEN);
    assert_true(again.created_at_ms > 1700000000000);
}

static void an_org_is_found_by_id_and_by_name(void **state)
{
    struct fixture *f = *state;
    struct org org;
    assert_ok(orgs_find(f->store, &f->arena, f->other, &org));
    assert_slice(org.name, SLICE("other"));
    assert_ok(orgs_find(f->store, &f->arena, SLICE("other"), &org));
    assert_slice(org.id, f->other);
    assert_int_equal(orgs_find(f->store, &f->arena, SLICE("OTHER"), &org), ERR_NOT_FOUND);
}

static void the_name_of_an_org_is_unique(void **state)
{
    struct fixture *f = *state;
    struct org org;
    assert_int_equal(orgs_create(f->store, &f->arena, SLICE("other"), &org), ERR_EXISTS);
    assert_ok(orgs_create(f->store, &f->arena, SLICE("another"), &org));
    struct org_list list;
    assert_ok(orgs_list(f->store, &f->arena, &list));
    assert_int_equal(list.count, 3);
    assert_slice(list.items[2].name, SLICE("another"));
    assert_slice(list.items[0].name, SLICE("default"));
    assert_slice(list.items[1].name, SLICE("other"));
}

static void a_key_is_known_by_its_text_alone(void **state)
{
    struct fixture *f = *state;
    struct api_key made, found;
    assert_ok(create_key(f, key_text, true, &made));
    assert_ok(api_keys_authenticate(f->store, &f->arena, TEXT(key_text), &found));
    assert_slice(found.id, made.id);
    assert_slice(found.org_id, f->org);
    assert_slice(found.name, SLICE("laptop"));
    assert_slice(found.prefix, SLICE("osb_key_AAAA"));
    assert_true(found.is_admin);
    assert_int_equal(found.revoked_at_ms, 0);
    assert_int_equal(api_keys_authenticate(f->store, &f->arena,
                                           SLICE("osb_key_AAAABBBBCCCCDDDDEEEEFFFF"), &found),
                     ERR_NOT_FOUND);
    assert_int_equal(api_keys_authenticate(f->store, &f->arena, SLICE_NONE, &found), ERR_NOT_FOUND);
}

static void a_key_is_not_kept_in_the_clear(void **state)
{
    struct fixture *f = *state;
    struct api_key made;
    assert_ok(create_key(f, key_text, false, &made));
    const char *const names[] = {"db/sealgate.db", "db/sealgate.db-wal"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        static char bytes[4 * 1024 * 1024];
        size_t len = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        assert_true(len > 0 && len < sizeof bytes);
        assert_null(memmem(bytes, len, key_text + 8, 12));
    }
}

static void a_hash_of_a_key_is_its_blake2b(void **state)
{
    (void)state;
    static const char expected[] =
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";
    uint8_t hash[API_KEYS_HASH_SIZE];
    char hex[2 * sizeof hash + 1];
    api_keys_hash(SLICE_NONE, hash);
    assert_string_equal(sodium_bin2hex(hex, sizeof hex, hash, sizeof hash), expected);
}

static void a_revoked_key_is_known_no_more_but_listed(void **state)
{
    struct fixture *f = *state;
    struct api_key made, found;
    assert_ok(create_key(f, key_text, false, &made));
    assert_ok(api_keys_revoke(f->store, f->org, made.id));
    assert_ok(api_keys_revoke(f->store, f->org, made.id));
    assert_int_equal(api_keys_authenticate(f->store, &f->arena, TEXT(key_text), &found),
                     ERR_NOT_FOUND);

    struct api_key_list list;
    assert_ok(api_keys_list(f->store, &f->arena, f->org, &list));
    assert_int_equal(list.count, 1);
    assert_true(list.items[0].revoked_at_ms > 0);
    uint64_t count;
    assert_ok(api_keys_count(f->store, &count));
    assert_int_equal(count, 1);
}

static void another_org_neither_sees_nor_revokes_a_key(void **state)
{
    struct fixture *f = *state;
    struct api_key made;
    assert_ok(create_key(f, key_text, false, &made));
    assert_int_equal(api_keys_revoke(f->store, f->other, made.id), ERR_NOT_FOUND);
    struct api_key_list list;
    assert_ok(api_keys_list(f->store, &f->arena, f->other, &list));
    assert_int_equal(list.count, 0);
    assert_ok(api_keys_list(f->store, &f->arena, SLICE_NONE, &list));
    assert_int_equal(list.count, 1);
}

static void a_key_too_short_or_twice_or_without_org_is_refused(void **state)
{
    struct fixture *f = *state;
    struct api_key made;
    assert_int_equal(create_key(f, "osb_key_short", false, &made), ERR_SYNTAX);
    assert_ok(create_key(f, key_text, false, &made));
    assert_int_equal(create_key(f, key_text, false, &made), ERR_EXISTS);
    const struct api_key_new orphan = {SLICE_INIT("no-such-org"), SLICE_INIT("x"),
                                       SLICE_INIT("osb_key_ZZZZBBBBCCCCDDDDEEEEFFFF"), false};
    assert_int_equal(api_keys_create(f->store, &f->arena, &orphan, &made), ERR_NOT_FOUND);
}

static void reopening_finds_everything(void **state)
{
    struct fixture *f = *state;
    struct api_key key;
    assert_ok(create_key(f, key_text, true, &key));
    struct slice store = make_store(f, "one");
    set_secret(f, store, "KEY", "sealed");
    struct slice box = make_sandbox(f, TEXTS(store));
    struct slice checkpoint = make_checkpoint(f, box, "first");
    struct token token = token_in(f, box, "KEY");

    fixture_reopen(f);
    struct api_key found;
    assert_ok(api_keys_authenticate(f->store, &f->arena, TEXT(key_text), &found));
    assert_true(same_token(token_in(f, box, "KEY"), token));
    assert_true(same_token(token_in(f, make_fork(f, checkpoint, NO_TEXTS), "KEY"), token));
}

static void a_database_of_a_newer_version_is_left_alone(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    f->store = NULL;
    struct database *database;
    assert_ok(database_open(SLICE("sqlite"), TEXT(f->folder), NULL, &database));
    assert_ok(database_script(database, "UPDATE schema_version SET version = version + 1"));
    database_close(database);

    struct buffer why;
    buffer_init(&why, 1024);
    assert_int_equal(store_open(SLICE("sqlite"), TEXT(f->folder), &why, &f->store), ERR_CONFLICT);
    assert_true(slice_find_slice(buffer_view(&why), SLICE("newer")) < buffer_len(&why));
    buffer_clear(&why);
}

static void a_store_without_a_folder_is_in_memory(void **state)
{
    (void)state;
    OWNED_ARENA arena = {NULL};
    struct store *store;
    struct org org;
    assert_ok(store_open(SLICE("sqlite"), SLICE_NONE, NULL, &store));
    assert_ok(orgs_ensure_default(store, &arena, &org));
    store_close(store);
    assert_ok(store_open(SLICE("sqlite"), SLICE_NONE, NULL, &store));
    assert_int_equal(orgs_find(store, &arena, SLICE("default"), &org), ERR_NOT_FOUND);
    store_close(store);
}

static void several_calls_are_kept_or_undone_as_one(void **state)
{
    struct fixture *f = *state;
    assert_ok(store_begin(f->store));
    make_store(f, "a");
    make_store(f, "b");
    assert_int_equal(store_end(f->store, ERR_FORBIDDEN), ERR_FORBIDDEN);
    assert_int_equal(stores_at_rest(f), 0);
    assert_ok(store_begin(f->store));
    make_store(f, "a");
    struct secret_store twice;
    assert_int_equal(try_store(f, f->org, "a", &twice), ERR_EXISTS);
    make_store(f, "b");
    assert_ok(store_end(f->store, OK));
    assert_int_equal(stores_at_rest(f), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_default_org_is_made_once),
        TEST(an_org_is_found_by_id_and_by_name),
        TEST(the_name_of_an_org_is_unique),
        TEST(a_key_is_known_by_its_text_alone),
        TEST(a_key_is_not_kept_in_the_clear),
        cmocka_unit_test(a_hash_of_a_key_is_its_blake2b),
        TEST(a_revoked_key_is_known_no_more_but_listed),
        TEST(another_org_neither_sees_nor_revokes_a_key),
        TEST(a_key_too_short_or_twice_or_without_org_is_refused),
        TEST(reopening_finds_everything),
        TEST(a_database_of_a_newer_version_is_left_alone),
        cmocka_unit_test(a_store_without_a_folder_is_in_memory),
        TEST(several_calls_are_kept_or_undone_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
