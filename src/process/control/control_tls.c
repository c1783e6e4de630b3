/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate and key of the API. Never leaves a copy of the key behind. */
#include "process/control/control_tls.h"

#include "base/buffer.h"
#include "ca/ca.h"
#include "observe/log.h"
#include "process/descriptor.h"

#include <openssl/pem.h>

enum { FILE_MAX = 256 * 1024 };

DEFINE_OWNED(SSL_CTX, SSL_CTX_free)
DEFINE_OWNED(BIO, BIO_free_all)

static BIO *memory_of(const struct buffer *buffer)
{
    return BIO_new_mem_buf(buffer_view(buffer).data, (int)buffer_len(buffer));
}

static enum error use_chain(SSL_CTX *tls, BIO *pem)
{
    OWNED(X509) *leaf = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    X509 *issuer;

    if (leaf == NULL || SSL_CTX_use_certificate(tls, leaf) != 1)
        return ERR_CONFIG;
    while ((issuer = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(tls, issuer) != 1) {
            X509_free(issuer);
            return ERR_CONFIG;
        }
    }
    return OK;
}

static enum error load_certificate(SSL_CTX *tls, int fd)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = FILE_MAX};

    TRY(descriptor_read_all(fd, text));
    OWNED(BIO) *pem = memory_of(text);
    return pem != NULL ? use_chain(tls, pem) : ERR_NO_MEMORY;
}

static enum error load_key(SSL_CTX *tls, int fd)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = FILE_MAX};

    TRY(descriptor_read_all(fd, text));
    OWNED(BIO) *pem = memory_of(text);
    OWNED(EVP_PKEY) *key = pem != NULL ? PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL) : NULL;
    if (key == NULL || SSL_CTX_use_PrivateKey(tls, key) != 1 || SSL_CTX_check_private_key(tls) != 1)
        return ERR_CONFIG;
    return OK;
}

enum error control_tls_load(int certificate_fd, int key_fd, SSL_CTX **out)
{
    OWNED(SSL_CTX) *tls = SSL_CTX_new(TLS_server_method());

    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
        return ERR_CRYPTO;
    if (load_certificate(tls, certificate_fd) != OK) {
        LOG(LEVEL_ERROR, "control_certificate_unusable");
        return ERR_CONFIG;
    }
    if (load_key(tls, key_fd) != OK) {
        LOG(LEVEL_ERROR, "control_key_unusable");
        return ERR_CONFIG;
    }
    *out = TAKE(tls);
    return OK;
}
