/* SPDX-License-Identifier: Apache-2.0 */
/* Root and leaves, judged by OpenSSL at its strictest. */
#include "ca/ca.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum { DAY_S = 24 * 3600, NOW = 1790000000 };

DEFINE_OWNED(X509_STORE, X509_STORE_free)
DEFINE_OWNED(X509_STORE_CTX, X509_STORE_CTX_free)
DEFINE_OWNED(GENERAL_NAMES, GENERAL_NAMES_free)

static struct ca_root *new_root(void)
{
    struct ca_root *root = NULL;

    assert_int_equal(root_create(NOW, &root), OK);
    return root;
}

static EVP_PKEY *new_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    assert_non_null(key);
    return key;
}

static struct host_name host_of(const char *text)
{
    struct host_name host;

    assert_int_equal(host_name_parse(slice_from_string(text), &host), OK);
    return host;
}

/* What the worker sees of it. Frees `leaf`. */
static X509 *as_received(X509 *leaf)
{
    unsigned char der[CA_DER_MAX], *end = der;
    const unsigned char *start = der;

    assert_in_range(i2d_X509(leaf, NULL), 1, sizeof(der));
    int len = i2d_X509(leaf, &end);
    X509_free(leaf);
    leaf = d2i_X509(NULL, &start, len);
    assert_non_null(leaf);
    return leaf;
}

static X509 *mint(const struct ca_root *root, const char *text, time_t now)
{
    OWNED(EVP_PKEY) *key = new_key();
    struct host_name host = host_of(text);
    X509 *leaf = NULL;

    assert_int_equal(leaf_mint(root, key, &host, now, &leaf), OK);
    X509 *received = as_received(leaf);
    assert_int_equal(X509_check_private_key(received, key), 1);
    return received;
}

/* As a TLS client with X509_V_FLAG_X509_STRICT: X509_V_OK or why not. */
static int verify(const struct ca_root *root, X509 *leaf, const char *host, time_t at)
{
    OWNED(X509_STORE) *store = X509_STORE_new();
    OWNED(X509_STORE_CTX) *context = X509_STORE_CTX_new();

    assert_int_equal(X509_STORE_add_cert(store, root->certificate), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_VERIFY_PARAM_set_time(param, at);
    if (host_of(host).literal.len > 0)
        X509_VERIFY_PARAM_set1_ip_asc(param, host);
    else
        X509_VERIFY_PARAM_set1_host(param, host, 0);
    X509_verify_cert(context);
    return X509_STORE_CTX_get_error(context);
}

static void a_strict_client_accepts_the_leaf_for_its_host_alone(void **state)
{
    const struct {
        const char *minted_for, *asked_for;
        int expected;
    } cases[] = {
        {"api.example.com", "api.example.com", X509_V_OK},
        {"api.example.com", "example.com", X509_V_ERR_HOSTNAME_MISMATCH},
        {"api.example.com", "x.api.example.com", X509_V_ERR_HOSTNAME_MISMATCH},
        {"localhost", "localhost", X509_V_OK},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", X509_V_OK},
        {"203.0.113.7", "203.0.113.7", X509_V_OK},
        {"203.0.113.7", "203.0.113.8", X509_V_ERR_IP_ADDRESS_MISMATCH},
        {"2001:db8::7", "2001:db8::7", X509_V_OK},
        {"2001:db8::7", "2001:db8::8", X509_V_ERR_IP_ADDRESS_MISMATCH},
    };
    OWNED_STRUCT(ca_root) *root = new_root();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED(X509) *leaf = mint(root, cases[i].minted_for, NOW);
        assert_int_equal(verify(root, leaf, cases[i].asked_for, NOW), cases[i].expected);
    }
}

static void a_name_of_the_longest_form_is_minted(void **state)
{
    char name[HOST_NAME_MAX_LEN + 1];
    OWNED_STRUCT(ca_root) *root = new_root();

    (void)state;
    memset(name, 'a', sizeof(name));
    for (size_t i = 63; i < HOST_NAME_MAX_LEN; i += 64)
        name[i] = '.';
    name[HOST_NAME_MAX_LEN] = '\0';
    OWNED(X509) *leaf = mint(root, name, NOW);
    assert_int_equal(verify(root, leaf, name, NOW), X509_V_OK);
    assert_in_range(i2d_X509(leaf, NULL), 1, CA_DER_MAX);
}

static void the_leaf_is_valid_from_a_day_ago_to_six_days_ahead(void **state)
{
    const struct {
        time_t at;
        int expected;
    } cases[] = {
        {NOW - DAY_S - 1, X509_V_ERR_CERT_NOT_YET_VALID},
        {NOW - DAY_S + 1, X509_V_OK},
        {NOW + 6 * DAY_S - 1, X509_V_OK},
        {NOW + 6 * DAY_S + 1, X509_V_ERR_CERT_HAS_EXPIRED},
    };
    OWNED_STRUCT(ca_root) *root = new_root();
    OWNED(X509) *leaf = mint(root, "a.example", NOW);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(verify(root, leaf, "a.example", cases[i].at), cases[i].expected);
}

static void the_leaf_never_outlives_the_root(void **state)
{
    OWNED_STRUCT(ca_root) *root = new_root();
    const ASN1_TIME *end = X509_get0_notAfter(root->certificate);
    OWNED(EVP_PKEY) *key = new_key();
    struct host_name host = host_of("a.example");
    X509 *none = NULL;
    struct tm tm;

    (void)state;
    assert_int_equal(ASN1_TIME_to_tm(end, &tm), 1);
    OWNED(X509) *last = mint(root, "a.example", timegm(&tm) - DAY_S);
    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(last), end), 0);
    assert_int_equal(leaf_mint(root, key, &host, timegm(&tm), &none), ERR_CRYPTO);
    assert_null(none);
}

static int criticality(const X509 *certificate, int nid)
{
    int at = X509_get_ext_by_NID(certificate, nid, -1);

    return at < 0 ? -1 : X509_EXTENSION_get_critical(X509_get_ext(certificate, at));
}

static void the_leaf_has_the_extensions_that_strict_clients_ask_for(void **state)
{
    OWNED_STRUCT(ca_root) *root = new_root();
    OWNED(X509) *leaf = mint(root, "a.example", NOW);

    (void)state;
    assert_int_equal(X509_get_version(leaf), 2);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
    assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
    assert_int_equal(criticality(leaf, NID_subject_alt_name), 1);
    assert_int_equal(criticality(leaf, NID_key_usage), 1);
    assert_int_equal(criticality(leaf, NID_ext_key_usage), 0);
    assert_int_equal(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
                                           X509_get0_subject_key_id(root->certificate)),
                     0);
    assert_int_equal(X509_get0_subject_key_id(leaf)->length, 20);
    assert_int_equal(X509_check_ca(leaf), 0);
}

static void the_leaf_has_one_name_with_the_right_type(void **state)
{
    const struct {
        const char *host;
        int type;
    } cases[] = {{"a.example", GEN_DNS}, {"192.0.2.1", GEN_IPADD}, {"2001:db8::1", GEN_IPADD}};
    OWNED_STRUCT(ca_root) *root = new_root();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OWNED(X509) *leaf = mint(root, cases[i].host, NOW);
        OWNED(GENERAL_NAMES) *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
        assert_int_equal(sk_GENERAL_NAME_num(names), 1);
        assert_int_equal(sk_GENERAL_NAME_value(names, 0)->type, cases[i].type);
    }
}

static void serial_numbers_are_128_random_bits(void **state)
{
    OWNED_STRUCT(ca_root) *root = new_root();
    OWNED(X509) *one = mint(root, "a.example", NOW);
    OWNED(X509) *two = mint(root, "a.example", NOW);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(one);

    (void)state;
    assert_int_equal(ASN1_STRING_length(serial), 16);
    assert_int_not_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(two)), 0);
}

static void the_root_is_a_ca_of_ten_years_that_signs_leaves_alone(void **state)
{
    OWNED_STRUCT(ca_root) *root = new_root();
    X509 *certificate = root->certificate;
    int days = 0, seconds = 0;

    (void)state;
    assert_int_equal(X509_check_ca(certificate), 1);
    assert_int_equal(X509_get_pathlen(certificate), 0);
    assert_int_equal(criticality(certificate, NID_basic_constraints), 1);
    assert_int_equal(criticality(certificate, NID_key_usage), 1);
    assert_int_equal(X509_get_key_usage(certificate), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_non_null(X509_get0_subject_key_id(certificate));
    assert_int_equal(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate),
                                    X509_get0_notAfter(certificate)),
                     1);
    assert_in_range(days, 3650, 3653);
}

static void two_roots_have_different_names(void **state)
{
    OWNED_STRUCT(ca_root) *one = new_root(), *two = new_root();
    char text[128];

    (void)state;
    assert_int_not_equal(X509_NAME_cmp(X509_get_subject_name(one->certificate),
                                       X509_get_subject_name(two->certificate)),
                         0);
    X509_NAME_get_text_by_NID(X509_get_subject_name(one->certificate), NID_commonName, text,
                              sizeof(text));
    assert_true(slice_starts_with(slice_from_string(text), SLICE("sealgate CA ")));
}

static void the_other_root_does_not_vouch_for_the_leaf(void **state)
{
    OWNED_STRUCT(ca_root) *one = new_root(), *two = new_root();
    OWNED(X509) *leaf = mint(one, "a.example", NOW);

    (void)state;
    assert_int_not_equal(verify(two, leaf, "a.example", NOW), X509_V_OK);
}

static void write_pem(const struct ca_root *root, struct buffer *certificate, struct buffer *key)
{
    assert_int_equal(root_certificate_pem(root, certificate), OK);
    assert_int_equal(root_key_pem(root, key), OK);
}

static void a_root_survives_being_written_and_read(void **state)
{
    OWNED_STRUCT(buffer) *certificate = &(struct buffer){.limit = CA_DER_MAX};
    OWNED_STRUCT(buffer) *key = &(struct buffer){.limit = CA_DER_MAX};
    OWNED_STRUCT(ca_root) *root = new_root(), *again = NULL;

    (void)state;
    write_pem(root, certificate, key);
    assert_true(slice_starts_with(buffer_view(key), SLICE("-----BEGIN PRIVATE KEY-----\n")));
    assert_int_equal(root_parse(buffer_view(certificate), buffer_view(key), &again), OK);
    OWNED(X509) *leaf = mint(again, "a.example", NOW);
    assert_int_equal(verify(root, leaf, "a.example", NOW), X509_V_OK);
}

static void what_does_not_belong_together_is_no_root(void **state)
{
    OWNED_STRUCT(buffer) *certificate = &(struct buffer){.limit = CA_DER_MAX};
    OWNED_STRUCT(buffer) *key = &(struct buffer){.limit = CA_DER_MAX};
    OWNED_STRUCT(buffer) *other_certificate = &(struct buffer){.limit = CA_DER_MAX};
    OWNED_STRUCT(buffer) *other_key = &(struct buffer){.limit = CA_DER_MAX};
    OWNED_STRUCT(ca_root) *root = new_root(), *other = new_root();
    struct ca_root *none = NULL;

    (void)state;
    write_pem(root, certificate, key);
    write_pem(other, other_certificate, other_key);
    const struct slice pairs[][2] = {
        {buffer_view(certificate), buffer_view(other_key)},
        {buffer_view(key), buffer_view(certificate)},
        {buffer_view(certificate), SLICE_NONE},
        {SLICE_NONE, buffer_view(key)},
        {buffer_view(certificate), slice_take(buffer_view(key), buffer_len(key) / 2)},
        {buffer_view(certificate), SLICE("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"
                                         "-----END ENCRYPTED PRIVATE KEY-----\n")},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        assert_int_equal(root_parse(pairs[i][0], pairs[i][1], &none), ERR_CRYPTO);
    assert_null(none);
}

static void a_leaf_is_no_root(void **state)
{
    OWNED_STRUCT(ca_root) *root = new_root();
    OWNED(EVP_PKEY) *key = new_key();
    OWNED_STRUCT(buffer) *certificate_pem = &(struct buffer){.limit = CA_DER_MAX};
    OWNED_STRUCT(buffer) *key_pem = &(struct buffer){.limit = CA_DER_MAX};
    struct host_name host = host_of("a.example");
    struct ca_root *none = NULL;
    struct ca_root pair = {.key = key};

    (void)state;
    OWNED(X509) *leaf = NULL;
    assert_int_equal(leaf_mint(root, key, &host, NOW, &leaf), OK);
    pair.certificate = leaf;
    write_pem(&pair, certificate_pem, key_pem);
    assert_int_equal(root_parse(buffer_view(certificate_pem), buffer_view(key_pem), &none),
                     ERR_CRYPTO);
}

static void only_p_256_keys_get_a_leaf(void **state)
{
    OWNED_STRUCT(ca_root) *root = new_root();
    OWNED(EVP_PKEY) *p384 = EVP_EC_gen("P-384");
    OWNED(EVP_PKEY) *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    struct host_name host = host_of("a.example");
    X509 *none = NULL;

    (void)state;
    assert_int_equal(leaf_mint(root, p384, &host, NOW, &none), ERR_CRYPTO);
    assert_int_equal(leaf_mint(root, ed25519, &host, NOW, &none), ERR_CRYPTO);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strict_client_accepts_the_leaf_for_its_host_alone),
        cmocka_unit_test(a_name_of_the_longest_form_is_minted),
        cmocka_unit_test(the_leaf_is_valid_from_a_day_ago_to_six_days_ahead),
        cmocka_unit_test(the_leaf_never_outlives_the_root),
        cmocka_unit_test(the_leaf_has_the_extensions_that_strict_clients_ask_for),
        cmocka_unit_test(the_leaf_has_one_name_with_the_right_type),
        cmocka_unit_test(serial_numbers_are_128_random_bits),
        cmocka_unit_test(the_root_is_a_ca_of_ten_years_that_signs_leaves_alone),
        cmocka_unit_test(two_roots_have_different_names),
        cmocka_unit_test(the_other_root_does_not_vouch_for_the_leaf),
        cmocka_unit_test(a_root_survives_being_written_and_read),
        cmocka_unit_test(what_does_not_belong_together_is_no_root),
        cmocka_unit_test(a_leaf_is_no_root),
        cmocka_unit_test(only_p_256_keys_get_a_leaf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
