/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates and keys for upstream connections, out of PEM text. */

#include "base/compiler.h"
#include "base/error.h"
#include "base/slice.h"

#include <openssl/x509.h>
#include <stdbool.h>

/* Who we are toward an origin that wants to know. */
struct upstream_pem_identity {
    X509 *leaf;
    STACK_OF(X509) * chain; /* what stands behind the leaf in its file; may be empty */
    EVP_PKEY *key;
};

/* NULL members are fine. */
void upstream_pem_clear(struct upstream_pem_identity *identity);
/* ERR_SYNTAX: `*why`, static, says what is wrong; `*is_about_key`: with the key. A key that needs a
 * passphrase, does not belong to the certificate, or is weaker than TLS here allows is refused. */
MUST_USE enum error upstream_pem_read_identity(struct slice certificate, struct slice key,
                                               struct upstream_pem_identity *out, const char **why,
                                               bool *is_about_key);
/* NULL: it is valid now. */
const char *upstream_pem_why_not_now(const X509 *certificate);
/* Adds all certificates. ERR_SYNTAX: there is none. */
MUST_USE enum error upstream_pem_add_roots(struct slice text, X509_STORE *store);
