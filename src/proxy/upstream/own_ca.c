/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises our own CA among the certificates of others. Never holds a private key. */
#include "proxy/upstream/own_ca.h"

#include "ca/ca.h"

#include <openssl/err.h>
#include <openssl/pem.h>

DEFINE_OWNED(BIO, BIO_free_all)

static enum error add_key(struct own_ca *own, const X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);

    if (key == NULL)
        return ERR_CRYPTO;
    if (own->count == OWN_CA_KEYS_MAX)
        return ERR_TOO_LARGE;
    EVP_PKEY_up_ref(key);
    own->keys[own->count++] = key;
    return OK;
}

/* ERR_NOT_FOUND: the text is at its end. */
static enum error read_next(BIO *pem, X509 **out)
{
    *out = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    if (*out != NULL)
        return OK;
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return is_end ? ERR_NOT_FOUND : ERR_SYNTAX;
}

static enum error read_keys(BIO *pem, struct own_ca *own)
{
    for (;;) {
        OWNED(X509) *certificate = NULL;
        enum error error = read_next(pem, &certificate);

        if (error == ERR_NOT_FOUND)
            return own->count == 0 ? ERR_SYNTAX : OK;
        TRY(error);
        TRY(add_key(own, certificate));
    }
}

enum error own_ca_replace(struct own_ca *own, struct slice certificates)
{
    OWNED(BIO) *pem = BIO_new_mem_buf(certificates.data, (int)certificates.len);
    struct own_ca coming = {.count = 0};

    if (pem == NULL)
        return ERR_NO_MEMORY;
    enum error error = read_keys(pem, &coming);
    if (error != OK) {
        own_ca_clear(&coming);
        return error;
    }
    own_ca_clear(own);
    *own = coming;
    return OK;
}

void own_ca_clear(struct own_ca *own)
{
    while (own->count > 0)
        EVP_PKEY_free(own->keys[--own->count]);
}

static bool has_key_of(const struct own_ca *own, const X509 *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);

    for (size_t i = 0; key != NULL && i < own->count; i++) {
        if (EVP_PKEY_eq(own->keys[i], key) == 1)
            return true;
    }
    return false;
}

bool own_ca_is_in(const struct own_ca *own, const STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (has_key_of(own, sk_X509_value(chain, i)))
            return true;
    }
    return false;
}
