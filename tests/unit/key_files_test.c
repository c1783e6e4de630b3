/* SPDX-License-Identifier: Apache-2.0 */
/* Keys on disk survive a restart, a rotation and a crash in the middle of one. */
#include "process/keyholder/key_files.h"

#include "process/durable_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char data_dir[64];
    int folder;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char path[96];

    snprintf(fixture->data_dir, sizeof(fixture->data_dir), "/tmp/sealgate-keys-XXXXXX");
    assert_non_null(mkdtemp(fixture->data_dir));
    snprintf(path, sizeof(path), "%s/keys", fixture->data_dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(key_files_open(slice_from_string(fixture->data_dir), &fixture->folder), OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    close(fixture->folder);
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->data_dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static struct ca_root *load_root(const struct fixture *fixture)
{
    struct ca_root *root = NULL;

    assert_int_equal(key_files_load_root(fixture->folder, &root), OK);
    return root;
}

static struct keyring *load_ring(const struct fixture *fixture)
{
    struct keyring *ring = keyring_new();

    assert_int_equal(key_files_load_ring(fixture->folder, ring), OK);
    return ring;
}

static void the_root_is_made_once(void **state)
{
    struct ca_root *first = load_root(*state), *second = load_root(*state);

    assert_int_equal(X509_cmp(first->certificate, second->certificate), 0);
    root_free(first);
    root_free(second);
}

static void only_the_owner_can_read_a_key(void **state)
{
    const struct fixture *fixture = *state;
    struct stat status;

    root_free(load_root(fixture));
    assert_int_equal(fstatat(fixture->folder, "ca-key.pem", &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void a_rotated_root_leaves_its_certificate_behind(void **state)
{
    const struct fixture *fixture = *state;
    struct ca_root *former = load_root(fixture), *next = NULL;
    OWNED_STRUCT(buffer) *published = &(struct buffer){.limit = 65536};
    OWNED_STRUCT(buffer) *expected = &(struct buffer){.limit = 65536};

    assert_int_equal(key_files_rotate_root(fixture->folder, former, &next), OK);
    assert_int_not_equal(X509_cmp(former->certificate, next->certificate), 0);
    assert_int_equal(key_files_previous_certificate(fixture->folder, published), OK);
    assert_int_equal(root_certificate_pem(former, expected), OK);
    assert_true(slice_equals(buffer_view(published), buffer_view(expected)));

    struct ca_root *loaded = load_root(fixture);
    assert_int_equal(X509_cmp(loaded->certificate, next->certificate), 0);
    root_free(loaded);
    root_free(former);
    root_free(next);
}

/* The new key is in place, the new certificate still lies beside the old one. */
static void a_crash_between_key_and_certificate_is_put_right(void **state)
{
    const struct fixture *fixture = *state;
    struct ca_root *former = load_root(fixture), *next = NULL;
    OWNED_STRUCT(buffer) *old = &(struct buffer){.limit = 65536};

    assert_int_equal(root_certificate_pem(former, old), OK);
    assert_int_equal(key_files_rotate_root(fixture->folder, former, &next), OK);
    assert_int_equal(durable_file_rename(fixture->folder, "ca-cert.pem", "ca-cert.new.pem"), OK);
    assert_int_equal(durable_file_write(fixture->folder, "ca-cert.pem", buffer_view(old), 0600),
                     OK);

    for (int start = 0; start < 2; start++) {
        struct ca_root *loaded = load_root(fixture);
        assert_int_equal(X509_cmp(loaded->certificate, next->certificate), 0);
        root_free(loaded);
    }
    root_free(former);
    root_free(next);
}

static void a_damaged_root_is_an_error_and_stays(void **state)
{
    const struct fixture *fixture = *state;
    struct ca_root *root = NULL;
    OWNED_STRUCT(buffer) *after = &(struct buffer){.limit = 65536};

    root_free(load_root(fixture));
    assert_int_equal(durable_file_write(fixture->folder, "ca-key.pem", SLICE("damaged"), 0600), OK);
    assert_int_not_equal(key_files_load_root(fixture->folder, &root), OK);
    assert_null(root);
    assert_int_equal(durable_file_read(fixture->folder, "ca-key.pem", after), OK);
    assert_true(slice_equals(buffer_view(after), SLICE("damaged")));
}

static void a_lost_certificate_does_not_make_a_new_root(void **state)
{
    const struct fixture *fixture = *state;
    struct ca_root *root = NULL;

    root_free(load_root(fixture));
    assert_int_equal(durable_file_remove(fixture->folder, "ca-cert.pem"), OK);
    assert_int_not_equal(key_files_load_root(fixture->folder, &root), OK);
}

static void the_newest_sealing_key_is_current_after_a_restart(void **state)
{
    const struct fixture *fixture = *state;
    struct keyring *ring = load_ring(fixture);

    assert_int_equal(keyring_count(ring), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(key_files_add_key(fixture->folder, ring), OK);
    struct keyring *loaded = load_ring(fixture);
    assert_int_equal(keyring_count(loaded), 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(keyring_public(loaded, i)->id, keyring_public(ring, i)->id);
    keyring_free(loaded);
    keyring_free(ring);
}

static void retiring_keeps_the_current_key_alone(void **state)
{
    const struct fixture *fixture = *state;
    struct keyring *ring = load_ring(fixture);

    assert_int_equal(key_files_add_key(fixture->folder, ring), OK);
    assert_int_equal(key_files_retire_keys(fixture->folder, ring), OK);
    assert_int_equal(keyring_count(ring), 1);
    struct keyring *loaded = load_ring(fixture);
    assert_int_equal(keyring_count(loaded), 1);
    assert_string_equal(keyring_public(loaded, 0)->id, keyring_public(ring, 0)->id);
    keyring_free(loaded);
    keyring_free(ring);
}

static void a_file_over_the_limit_is_not_read(void **state)
{
    const struct fixture *fixture = *state;
    OWNED_STRUCT(buffer) *exact = &(struct buffer){.limit = 4};
    OWNED_STRUCT(buffer) *small = &(struct buffer){.limit = 3};

    assert_int_equal(durable_file_write(fixture->folder, "f", SLICE("four"), 0644), OK);
    assert_int_equal(durable_file_read(fixture->folder, "f", exact), OK);
    assert_int_equal(durable_file_read(fixture->folder, "f", small), ERR_TOO_LARGE);
    assert_int_equal(durable_file_read(fixture->folder, "none", small), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_root_is_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_owner_can_read_a_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rotated_root_leaves_its_certificate_behind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_crash_between_key_and_certificate_is_put_right, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_damaged_root_is_an_error_and_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_certificate_does_not_make_a_new_root, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_newest_sealing_key_is_current_after_a_restart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(retiring_keeps_the_current_key_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_over_the_limit_is_not_read, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
