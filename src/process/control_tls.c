/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate and key of the API. Never falls back to plain HTTP when they are configured. */
#include "process/control_tls.h"

#include "observe/log.h"

static enum error load_files(const struct config *config, SSL_CTX *tls)
{
    if (SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1)
        return ERR_CRYPTO;
    if (SSL_CTX_use_certificate_chain_file(tls, config->control_cert.data) != 1) {
        LOG(LEVEL_ERROR, "control_certificate_unusable", .path = config->control_cert);
        return ERR_CONFIG;
    }
    if (SSL_CTX_use_PrivateKey_file(tls, config->control_key.data, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1) {
        LOG(LEVEL_ERROR, "control_key_unusable", .path = config->control_key);
        return ERR_CONFIG;
    }
    return OK;
}

enum error control_tls_load(const struct config *config, SSL_CTX **out)
{
    if (config->control_cert.len == 0) {
        *out = NULL;
        return OK;
    }
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL)
        return ERR_NO_MEMORY;
    enum error error = load_files(config, tls);
    if (error != OK) {
        SSL_CTX_free(tls);
        return error;
    }
    *out = tls;
    return OK;
}
