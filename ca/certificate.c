/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that every certificate of ours has. Never takes one from text or from a peer. */
#include "ca/certificate.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

enum { SERIAL_BITS = 128, KEY_ID_SIZE = 20, VERSION_3 = 2, POINT_MAX = 65 };

DEFINE_OWNED(BIGNUM, BN_free)
DEFINE_OWNED(ASN1_BIT_STRING, ASN1_BIT_STRING_free)

static enum error set_serial(X509 *certificate)
{
    OWNED(BIGNUM) *serial = BN_new();

    if (serial == NULL)
        return ERR_NO_MEMORY;
    if (!BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) ||
        BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) == NULL)
        return ERR_CRYPTO;
    return OK;
}

static enum error set_validity(X509 *certificate, time_t not_before, time_t not_after)
{
    if (ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), not_after) == NULL)
        return ERR_CRYPTO;
    return OK;
}

/* X509_set_pubkey() would run OpenSSL's general encoder and decoder, four times as long as all the
 * rest of a mint; the point and the curve's name are all that this kind of key is. */
static enum error set_public_key(X509 *certificate, EVP_PKEY *key)
{
    X509_PUBKEY *public_key = X509_get_X509_PUBKEY(certificate);
    unsigned char *point = NULL;
    char group[32];
    size_t len = 0;

    if (!EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) ||
        OBJ_sn2nid(group) != NID_X9_62_prime256v1)
        return ERR_CRYPTO;
    if ((point = OPENSSL_malloc(POINT_MAX)) == NULL)
        return ERR_NO_MEMORY;
    if (!EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, POINT_MAX, &len) ||
        !X509_PUBKEY_set0_param(public_key, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                OBJ_nid2obj(NID_X9_62_prime256v1), point, (int)len)) {
        OPENSSL_free(point);
        return ERR_CRYPTO;
    }
    return OK;
}

enum error certificate_new(EVP_PKEY *key, time_t not_before, time_t not_after, X509 **out)
{
    OWNED(X509) *certificate = X509_new();

    if (certificate == NULL)
        return ERR_NO_MEMORY;
    TRY(set_serial(certificate));
    TRY(set_validity(certificate, not_before, not_after));
    TRY(set_public_key(certificate, key));
    if (!X509_set_version(certificate, VERSION_3))
        return ERR_CRYPTO;
    *out = TAKE(certificate);
    return OK;
}

enum error certificate_add_extension(X509 *certificate, int nid, void *value, bool critical)
{
    return X509_add1_ext_i2d(certificate, nid, value, critical, X509V3_ADD_APPEND) == 1
               ? OK
               : ERR_CRYPTO;
}

enum error certificate_add_key_usage(X509 *certificate, int bit, int other_bit)
{
    OWNED(ASN1_BIT_STRING) *usage = ASN1_BIT_STRING_new();

    if (usage == NULL || !ASN1_BIT_STRING_set_bit(usage, bit, 1) ||
        !ASN1_BIT_STRING_set_bit(usage, other_bit, 1))
        return ERR_NO_MEMORY;
    return certificate_add_extension(certificate, NID_key_usage, usage, true);
}

enum error certificate_add_subject_key_id(X509 *certificate)
{
    OWNED(ASN1_OCTET_STRING) *key_id = ASN1_OCTET_STRING_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;

    if (key_id == NULL)
        return ERR_NO_MEMORY;
    if (!X509_pubkey_digest(certificate, EVP_sha256(), digest, &len) || len < KEY_ID_SIZE ||
        !ASN1_OCTET_STRING_set(key_id, digest, KEY_ID_SIZE))
        return ERR_CRYPTO;
    return certificate_add_extension(certificate, NID_subject_key_identifier, key_id, false);
}

enum error certificate_sign(X509 *certificate, EVP_PKEY *key)
{
    return X509_sign(certificate, key, EVP_sha256()) > 0 ? OK : ERR_CRYPTO;
}

enum error certificate_reload(X509 **certificate)
{
    X509 *reloaded = X509_dup(*certificate); /* encodes and decodes */

    if (reloaded == NULL)
        return ERR_CRYPTO;
    X509_free(*certificate);
    *certificate = reloaded;
    return OK;
}
