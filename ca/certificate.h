/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What root and leaves have in common. Only for ca/. Every extension is made of objects. */

#include "ca/ca.h"

enum { KEY_USAGE_DIGITAL_SIGNATURE = 0, KEY_USAGE_CERT_SIGN = 5, KEY_USAGE_CRL_SIGN = 6 };

DEFINE_OWNED(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)

/* Version 3, a random 128-bit serial number, this P-256 key (ERR_CRYPTO for another kind), valid
 * from and to. Its own key can be read only after certificate_reload() or a trip as DER. */
MUST_USE enum error certificate_new(EVP_PKEY *key, time_t not_before, time_t not_after, X509 **out);
/* `value` is the decoded form that belongs to `nid`; it stays the caller's. */
MUST_USE enum error certificate_add_extension(X509 *certificate, int nid, void *value,
                                              bool critical);
/* Critical. Up to two bits of KEY_USAGE_*; the same bit twice is one. */
MUST_USE enum error certificate_add_key_usage(X509 *certificate, int bit, int other_bit);
/* The left-most 160 bits of SHA-256 of the key (RFC 7093, 2). */
MUST_USE enum error certificate_add_subject_key_id(X509 *certificate);
MUST_USE enum error certificate_sign(X509 *certificate, EVP_PKEY *key);
/* Replaces it by what a reader of its DER sees. */
MUST_USE enum error certificate_reload(X509 **certificate);
