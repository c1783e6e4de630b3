/* SPDX-License-Identifier: Apache-2.0 */
/* The root: made, loaded, written out. Never leaves a copy of its key in memory that is freed
 * unwiped. */
#include "ca/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { DAY_S = 24 * 3600, ROOT_AGE_S = 3652 * DAY_S /* 10 years */, NAME_ID_SIZE = 4 };

DEFINE_OWNED(BIO, BIO_free_all)
DEFINE_OWNED(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)

void root_free(struct ca_root *root)
{
    if (root == NULL)
        return;
    X509_free(root->certificate);
    EVP_PKEY_free(root->key);
    free(root);
}

/* Two roots of a rotation need different names, or clients would try the wrong one. */
static enum error set_name(X509 *certificate)
{
    unsigned char id[NAME_ID_SIZE];
    char text[64];

    if (RAND_bytes(id, sizeof(id)) != 1)
        return ERR_CRYPTO;
    int len =
        snprintf(text, sizeof(text), "sealgate CA %02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
    X509_NAME *name = X509_get_subject_name(certificate);
    if (!X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (unsigned char *)text, len,
                                    -1, 0) ||
        !X509_set_issuer_name(certificate, name))
        return ERR_CRYPTO;
    return OK;
}

static enum error add_basic_constraints(X509 *certificate)
{
    OWNED(BASIC_CONSTRAINTS) *constraints = BASIC_CONSTRAINTS_new();

    if (constraints == NULL || (constraints->pathlen = ASN1_INTEGER_new()) == NULL)
        return ERR_NO_MEMORY;
    constraints->ca = 0xff;
    if (!ASN1_INTEGER_set(constraints->pathlen, 0))
        return ERR_CRYPTO;
    return certificate_add_extension(certificate, NID_basic_constraints, constraints, true);
}

static enum error make_certificate(EVP_PKEY *key, time_t now, X509 **out)
{
    OWNED(X509) *certificate = NULL;

    TRY(certificate_new(key, now - DAY_S, now - DAY_S + ROOT_AGE_S, &certificate));
    TRY(set_name(certificate));
    TRY(add_basic_constraints(certificate));
    TRY(certificate_add_key_usage(certificate, KEY_USAGE_CERT_SIGN, KEY_USAGE_CRL_SIGN));
    TRY(certificate_add_subject_key_id(certificate));
    TRY(certificate_sign(certificate, key));
    TRY(certificate_reload(&certificate));
    *out = TAKE(certificate);
    return OK;
}

enum error root_create(time_t now, struct ca_root **out)
{
    OWNED_STRUCT(ca_root) *root = calloc(1, sizeof(*root));

    if (root == NULL)
        return ERR_NO_MEMORY;
    root->key = EVP_EC_gen("P-256");
    if (root->key == NULL)
        return ERR_CRYPTO;
    TRY(make_certificate(root->key, now, &root->certificate));
    *out = TAKE(root);
    return OK;
}

/* A key file that is encrypted is refused; OpenSSL would ask the terminal otherwise. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)out, (void)size, (void)writing, (void)context;
    return -1;
}

/* NULL when it is too long for OpenSSL's lengths, or out of memory. Reads where the bytes lie. */
static BIO *reader_of(struct slice pem)
{
    return pem.len > CA_DER_MAX * 2 ? NULL : BIO_new_mem_buf(pem.data, (int)pem.len);
}

static bool is_consistent(const struct ca_root *root)
{
    return root->certificate != NULL && root->key != NULL &&
           X509_check_private_key(root->certificate, root->key) == 1 &&
           X509_check_ca(root->certificate) == 1;
}

enum error root_parse(struct slice certificate_pem, struct slice key_pem, struct ca_root **out)
{
    OWNED_STRUCT(ca_root) *root = calloc(1, sizeof(*root));
    OWNED(BIO) *certificate = reader_of(certificate_pem);
    OWNED(BIO) *key = reader_of(key_pem);

    if (root == NULL)
        return ERR_NO_MEMORY;
    if (certificate == NULL || key == NULL)
        return ERR_CRYPTO;
    root->certificate = PEM_read_bio_X509(certificate, NULL, no_passphrase, NULL);
    root->key = PEM_read_bio_PrivateKey(key, NULL, no_passphrase, NULL);
    if (!is_consistent(root))
        return ERR_CRYPTO;
    *out = TAKE(root);
    return OK;
}

static enum error append_written(BIO *bio, struct buffer *out)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return len > 0 ? buffer_append(out, slice_of(data, (size_t)len)) : ERR_CRYPTO;
}

enum error root_certificate_pem(const struct ca_root *root, struct buffer *out)
{
    OWNED(BIO) *bio = BIO_new(BIO_s_mem());

    if (bio == NULL)
        return ERR_NO_MEMORY;
    if (!PEM_write_bio_X509(bio, root->certificate))
        return ERR_CRYPTO;
    return append_written(bio, out);
}

/* BIO_s_secmem() cleanses what it frees. */
enum error root_key_pem(const struct ca_root *root, struct buffer *out)
{
    OWNED(BIO) *bio = BIO_new(BIO_s_secmem());

    if (bio == NULL)
        return ERR_NO_MEMORY;
    if (!PEM_write_bio_PKCS8PrivateKey(bio, root->key, NULL, NULL, 0, no_passphrase, NULL))
        return ERR_CRYPTO;
    return append_written(bio, out);
}
