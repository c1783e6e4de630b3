/* SPDX-License-Identifier: Apache-2.0 */
/* What a stapled OCSP response says of a certificate. Never asks a responder itself. */
#include "proxy/upstream/upstream_ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { CLOCK_SKEW_S = 300 };

enum staple { STAPLE_NONE, STAPLE_GOOD, STAPLE_REVOKED, STAPLE_INVALID };

DEFINE_OWNED(OCSP_RESPONSE, OCSP_RESPONSE_free)
DEFINE_OWNED(OCSP_BASICRESP, OCSP_BASICRESP_free)
DEFINE_OWNED(OCSP_CERTID, OCSP_CERTID_free)

enum error upstream_ocsp_enable(SSL_CTX *context)
{
    return SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp) == 1 ? OK : ERR_CRYPTO;
}

/* id-pe-tlsfeature with status_request (5). */
static bool must_staple(X509 *certificate)
{
    TLS_FEATURE *features = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
        found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == TLSEXT_TYPE_status_request;
    sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
    return found;
}

static enum staple status_of(OCSP_BASICRESP *basic, X509 *certificate, X509 *issuer)
{
    ASN1_GENERALIZEDTIME *revoked_at, *this_update, *next_update;
    int status, reason;

    OWNED(OCSP_CERTID) *id = OCSP_cert_to_id(NULL, certificate, issuer);
    if (id == NULL || OCSP_resp_find_status(basic, id, &status, &reason, &revoked_at, &this_update,
                                            &next_update) != 1)
        return STAPLE_INVALID;
    if (OCSP_check_validity(this_update, next_update, CLOCK_SKEW_S, -1) != 1)
        return STAPLE_INVALID;
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        return STAPLE_REVOKED;
    return status == V_OCSP_CERTSTATUS_GOOD ? STAPLE_GOOD : STAPLE_INVALID;
}

/* Roots of this host, or those of all. */
static X509_STORE *trust_of(SSL *ssl)
{
    X509_STORE *store = NULL;

    SSL_get0_verify_cert_store(ssl, &store);
    return store != NULL ? store : SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
}

static enum staple read_staple(SSL *ssl, STACK_OF(X509) * chain)
{
    const unsigned char *bytes;
    long len = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);

    if (bytes == NULL || len <= 0)
        return STAPLE_NONE;
    OWNED(OCSP_RESPONSE) *response = d2i_OCSP_RESPONSE(NULL, &bytes, len);
    if (response == NULL || OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return STAPLE_INVALID;
    OWNED(OCSP_BASICRESP) *basic = OCSP_response_get1_basic(response);
    if (basic == NULL || OCSP_basic_verify(basic, chain, trust_of(ssl), 0) != 1)
        return STAPLE_INVALID;
    return status_of(basic, sk_X509_value(chain, 0), sk_X509_value(chain, 1));
}

bool upstream_ocsp_check(SSL *ssl, char *why, size_t why_size)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

    if (chain == NULL || sk_X509_num(chain) < 2)
        return true; /* the leaf is itself a trust anchor: nobody could revoke it */
    switch (read_staple(ssl, chain)) {
    case STAPLE_REVOKED:
        snprintf(why, why_size, "certificate: revoked, as the stapled OCSP response says");
        return false;
    case STAPLE_GOOD:
        return true;
    default:
        break;
    }
    if (!must_staple(sk_X509_value(chain, 0)))
        return true;
    snprintf(why, why_size, "certificate: it must be stapled and has no valid OCSP response");
    return false;
}
