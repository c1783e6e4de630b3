/* SPDX-License-Identifier: Apache-2.0 */
/* PEM text to certificates and keys. Never asks a terminal for a passphrase. */
#include "process/supervisor/upstream_pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

DEFINE_OWNED(BIO, BIO_free_all)
DEFINE_OWNED(SSL_CTX, SSL_CTX_free)

static BIO *memory_of(struct slice text)
{
    return BIO_new_mem_buf(text.data, (int)text.len);
}

static int no_passphrase(char *out, int size, int is_for_writing, void *context)
{
    (void)out;
    (void)size;
    (void)is_for_writing;
    (void)context;
    return -1;
}

void upstream_pem_clear(struct upstream_pem_identity *identity)
{
    X509_free(identity->leaf);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    *identity = (struct upstream_pem_identity){NULL, NULL, NULL};
}

static enum error read_chain(BIO *pem, STACK_OF(X509) * chain)
{
    X509 *issuer;

    while ((issuer = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL)) != NULL) {
        if (sk_X509_push(chain, issuer) <= 0) {
            X509_free(issuer);
            return ERR_NO_MEMORY;
        }
    }
    ERR_clear_error(); /* the end of the text */
    return OK;
}

static enum error read_certificates(struct slice text, struct upstream_pem_identity *out)
{
    OWNED(BIO) *pem = memory_of(text);

    out->chain = sk_X509_new_null();
    if (pem == NULL || out->chain == NULL)
        return ERR_NO_MEMORY;
    out->leaf = PEM_read_bio_X509(pem, NULL, no_passphrase, NULL);
    return out->leaf == NULL ? ERR_SYNTAX : read_chain(pem, out->chain);
}

static enum error read_key(struct slice text, struct upstream_pem_identity *out)
{
    OWNED(BIO) *pem = memory_of(text);

    if (pem == NULL)
        return ERR_NO_MEMORY;
    out->key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    return out->key == NULL ? ERR_SYNTAX : OK;
}

/* By the rules of upstream_tls.c: what these refuse would fail at every handshake. */
static bool is_strong(const struct upstream_pem_identity *identity)
{
    OWNED(SSL_CTX) *tls = SSL_CTX_new(TLS_client_method());

    if (tls == NULL)
        return false;
    SSL_CTX_set_security_level(tls, 2);
    return SSL_CTX_use_cert_and_key(tls, identity->leaf, identity->key, identity->chain, 1) == 1;
}

static enum error read_identity(struct slice certificate, struct slice key,
                                struct upstream_pem_identity *out, const char **why,
                                bool *is_about_key)
{
    *is_about_key = false;
    *why = "it holds no PEM certificate";
    TRY(read_certificates(certificate, out));
    *is_about_key = true;
    *why = "it holds no PEM private key without a passphrase";
    TRY(read_key(key, out));
    *why = "it is not the key of the certificate";
    if (X509_check_private_key(out->leaf, out->key) != 1)
        return ERR_SYNTAX;
    *why = "the certificate or its key is too weak for TLS (RSA of 2048 bits, SHA-256)";
    return is_strong(out) ? OK : ERR_SYNTAX;
}

enum error upstream_pem_read_identity(struct slice certificate, struct slice key,
                                      struct upstream_pem_identity *out, const char **why,
                                      bool *is_about_key)
{
    struct upstream_pem_identity identity = {NULL, NULL, NULL};

    enum error error = read_identity(certificate, key, &identity, why, is_about_key);
    ERR_clear_error();
    if (error != OK)
        upstream_pem_clear(&identity);
    else
        *out = identity;
    return error;
}

const char *upstream_pem_why_not_now(const X509 *certificate)
{
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return "the certificate is not valid yet";
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return "the certificate has expired";
    return NULL;
}

enum error upstream_pem_add_roots(struct slice text, X509_STORE *store)
{
    OWNED(BIO) *pem = memory_of(text);
    X509 *root;
    size_t count = 0;

    if (pem == NULL)
        return ERR_NO_MEMORY;
    for (; (root = PEM_read_bio_X509_AUX(pem, NULL, no_passphrase, NULL)) != NULL; count++) {
        bool is_added = X509_STORE_add_cert(store, root) == 1;

        X509_free(root);
        if (!is_added)
            return ERR_NO_MEMORY;
    }
    ERR_clear_error();
    return count == 0 ? ERR_SYNTAX : OK;
}
