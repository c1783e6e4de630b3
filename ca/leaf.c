/* SPDX-License-Identifier: Apache-2.0 */
/* One leaf per host. Never names anything but the host it was asked for. */
#include "ca/certificate.h"

#include <openssl/x509v3.h>

enum { DAY_S = 24 * 3600, BACKDATED_S = DAY_S, AHEAD_S = CA_LEAF_MAX_AGE_S - BACKDATED_S };

DEFINE_OWNED(GENERAL_NAME, GENERAL_NAME_free)
DEFINE_OWNED(GENERAL_NAMES, GENERAL_NAMES_free)
DEFINE_OWNED(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
DEFINE_OWNED(AUTHORITY_KEYID, AUTHORITY_KEYID_free)

static enum error set_name(GENERAL_NAME *name, int type, struct slice bytes)
{
    ASN1_STRING *string =
        ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

    if (string == NULL || !ASN1_STRING_set(string, bytes.data, (int)bytes.len)) {
        ASN1_STRING_free(string);
        return ERR_NO_MEMORY;
    }
    GENERAL_NAME_set0_value(name, type, string);
    return OK;
}

static enum error set_host(GENERAL_NAME *name, const struct host_name *host)
{
    const struct ip_address *literal = &host->literal;

    if (host_name_is_literal(host))
        return set_name(name, GEN_IPADD, slice_of(literal->bytes, literal->len));
    return set_name(name, GEN_DNS, host_name_view(host));
}

/* Critical, because the subject is empty (RFC 5280, 4.1.2.6). */
static enum error add_host(X509 *leaf, const struct host_name *host)
{
    OWNED(GENERAL_NAMES) *names = GENERAL_NAMES_new();
    OWNED(GENERAL_NAME) *name = GENERAL_NAME_new();

    if (names == NULL || name == NULL)
        return ERR_NO_MEMORY;
    TRY(set_host(name, host));
    if (!sk_GENERAL_NAME_push(names, name))
        return ERR_NO_MEMORY;
    name = NULL; /* the list's now */
    return certificate_add_extension(leaf, NID_subject_alt_name, names, true);
}

static enum error add_purpose(X509 *leaf)
{
    OWNED(EXTENDED_KEY_USAGE) *purposes = EXTENDED_KEY_USAGE_new();

    if (purposes == NULL || !sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(NID_server_auth)))
        return ERR_NO_MEMORY;
    return certificate_add_extension(leaf, NID_ext_key_usage, purposes, false);
}

static enum error add_authority_key_id(X509 *leaf, X509 *issuer)
{
    OWNED(AUTHORITY_KEYID) *authority = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(issuer);

    if (key_id == NULL)
        return ERR_CRYPTO;
    if (authority == NULL || (authority->keyid = ASN1_OCTET_STRING_dup(key_id)) == NULL)
        return ERR_NO_MEMORY;
    return certificate_add_extension(leaf, NID_authority_key_identifier, authority, false);
}

static enum error add_extensions(X509 *leaf, X509 *issuer, const struct host_name *host)
{
    TRY(add_host(leaf, host));
    TRY(certificate_add_key_usage(leaf, KEY_USAGE_DIGITAL_SIGNATURE, KEY_USAGE_DIGITAL_SIGNATURE));
    TRY(add_purpose(leaf));
    TRY(certificate_add_subject_key_id(leaf));
    return add_authority_key_id(leaf, issuer);
}

/* Never beyond the root: some clients check that validity nests. */
static enum error limit_to_root(X509 *leaf, const X509 *issuer, time_t now)
{
    const ASN1_TIME *end = X509_get0_notAfter(issuer);

    if (ASN1_TIME_cmp_time_t(end, now) <= 0)
        return ERR_CRYPTO;
    if (ASN1_TIME_cmp_time_t(end, now + AHEAD_S) < 0 && !X509_set1_notAfter(leaf, end))
        return ERR_NO_MEMORY;
    return OK;
}

enum error leaf_mint(const struct ca_root *root, EVP_PKEY *leaf_public_key,
                     const struct host_name *host, time_t now, X509 **out)
{
    OWNED(X509) *leaf = NULL;

    TRY(certificate_new(leaf_public_key, now - BACKDATED_S, now + AHEAD_S, &leaf));
    TRY(limit_to_root(leaf, root->certificate, now));
    if (!X509_set_issuer_name(leaf, X509_get_subject_name(root->certificate)))
        return ERR_NO_MEMORY;
    TRY(add_extensions(leaf, root->certificate, host));
    TRY(certificate_sign(leaf, root->key));
    *out = TAKE(leaf);
    return OK;
}
