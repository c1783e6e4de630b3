/* SPDX-License-Identifier: Apache-2.0 */
/* Our own CA is known by its key, whatever else a certificate says. */
#include "proxy/upstream/own_ca.h"

#include "ca/ca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

enum { PEM_MAX = 16 * 1024 };

static struct ca_root *new_root(void)
{
    struct ca_root *root = NULL;

    assert_int_equal(root_create(time(NULL), &root), OK);
    return root;
}

static void tell(struct own_ca *own, const struct ca_root *const *roots, size_t count)
{
    OWNED_STRUCT(buffer) *pem = &(struct buffer){.limit = PEM_MAX};

    for (size_t i = 0; i < count; i++)
        assert_int_equal(root_certificate_pem(roots[i], pem), OK);
    assert_int_equal(own_ca_replace(own, buffer_view(pem)), OK);
}

/* In a chain of two, at either place. */
static bool recognises(const struct own_ca *own, X509 *first, X509 *second)
{
    STACK_OF(X509) *chain = sk_X509_new_null();

    assert_true(sk_X509_push(chain, first) > 0 && sk_X509_push(chain, second) > 0);
    bool is_in = own_ca_is_in(own, chain);
    sk_X509_free(chain);
    return is_in;
}

static void both_roots_of_a_rotation_are_recognised_at_any_place(void **state)
{
    OWNED_STRUCT(ca_root) *current = new_root();
    OWNED_STRUCT(ca_root) *previous = new_root();
    OWNED_STRUCT(ca_root) *stranger = new_root();
    struct own_ca own = {.count = 0};

    (void)state;
    assert_false(recognises(&own, current->certificate, previous->certificate));
    tell(&own, (const struct ca_root *const[]){current, previous}, 2);
    assert_true(recognises(&own, current->certificate, stranger->certificate));
    assert_true(recognises(&own, stranger->certificate, current->certificate));
    assert_true(recognises(&own, stranger->certificate, previous->certificate));
    assert_false(recognises(&own, stranger->certificate, stranger->certificate));
    assert_false(own_ca_is_in(&own, NULL));
    tell(&own, (const struct ca_root *const[]){stranger}, 1);
    assert_false(recognises(&own, current->certificate, previous->certificate));
    own_ca_clear(&own);
}

static void another_certificate_with_the_key_is_ours_too(void **state)
{
    OWNED_STRUCT(ca_root) *ours = new_root();
    OWNED_STRUCT(ca_root) *other = new_root();
    OWNED(X509) *cross = X509_dup(other->certificate);
    struct own_ca own = {.count = 0};

    (void)state;
    tell(&own, (const struct ca_root *const[]){ours}, 1);
    assert_int_equal(X509_set_pubkey(cross, ours->key), 1);
    assert_true(X509_sign(cross, other->key, EVP_sha256()) > 0);
    assert_true(recognises(&own, cross, other->certificate));
    own_ca_clear(&own);
}

static void what_is_no_list_of_certificates_changes_nothing(void **state)
{
    static const struct slice bad[] = {
        SLICE_INIT(""), SLICE_INIT("certificates"),
        SLICE_INIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")};
    OWNED_STRUCT(ca_root) *root = new_root();
    struct own_ca own = {.count = 0};

    (void)state;
    tell(&own, (const struct ca_root *const[]){root}, 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(own_ca_replace(&own, bad[i]), ERR_SYNTAX);
    assert_true(recognises(&own, root->certificate, root->certificate));
    own_ca_clear(&own);
}

static void more_certificates_than_there_can_be_are_refused(void **state)
{
    OWNED_STRUCT(ca_root) *root = new_root();
    OWNED_STRUCT(buffer) *pem = &(struct buffer){.limit = PEM_MAX};
    struct own_ca own = {.count = 0};

    (void)state;
    for (size_t i = 0; i <= OWN_CA_KEYS_MAX; i++)
        assert_int_equal(root_certificate_pem(root, pem), OK);
    assert_int_equal(own_ca_replace(&own, buffer_view(pem)), ERR_TOO_LARGE);
    assert_int_equal(own.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roots_of_a_rotation_are_recognised_at_any_place),
        cmocka_unit_test(another_certificate_with_the_key_is_ours_too),
        cmocka_unit_test(what_is_no_list_of_certificates_changes_nothing),
        cmocka_unit_test(more_certificates_than_there_can_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
