/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who we claim to be: the root, leaves minted per host, a bounded cache of leaves. No sockets. The
 * only header of ca/ that others include. Only the keyholder holds a ca_root with its key. */

#include "base/buffer.h"
#include "base/host_name.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <time.h>

DEFINE_OWNED(X509, X509_free)
DEFINE_OWNED(EVP_PKEY, EVP_PKEY_free)

enum { CA_DER_MAX = 4096, CA_LEAF_MAX_AGE_S = 7 * 24 * 3600 };

/* root.c: ECDSA P-256, 10 years, CA:TRUE path length 0 (critical), keyCertSign|cRLSign (critical),
 * subject key id. */
struct ca_root {
    X509 *certificate;
    EVP_PKEY *key;
};

MUST_USE enum error root_create(time_t now, struct ca_root **out);
/* From PEM; the two must belong together, and the certificate be a CA's. ERR_CRYPTO. The caller
 * wipes its copy of `key_pem`. */
MUST_USE enum error root_parse(struct slice certificate_pem, struct slice key_pem,
                               struct ca_root **out);
MUST_USE enum error root_certificate_pem(const struct ca_root *root, struct buffer *out);
/* PKCS #8, not encrypted: the caller wipes `out`. */
MUST_USE enum error root_key_pem(const struct ca_root *root, struct buffer *out);
void root_free(struct ca_root *root);
DEFINE_OWNED_STRUCT(ca_root, root_free)

/* leaf.c: one SAN (DNS or IP, critical, empty subject), authority and subject key ids, key usage
 * digitalSignature (critical), EKU serverAuth, random 128-bit serial, from 24 hours ago to at most
 * 6 days ahead and never beyond the root (ERR_CRYPTO once the root has ended). Built from objects,
 * never from text. */
MUST_USE enum error leaf_mint(const struct ca_root *root, EVP_PKEY *leaf_public_key,
                              const struct host_name *host, time_t now, X509 **out);

/* leaf_cache.c: host → leaf, least recently used out first, none handed out within an hour of its
 * end. */
struct leaf_cache;

struct leaf_cache *leaf_cache_new(size_t capacity);
void leaf_cache_free(struct leaf_cache *cache);
DEFINE_OWNED_STRUCT(leaf_cache, leaf_cache_free)
/* NULL when there is none; borrowed until the next put. */
X509 *leaf_cache_find(struct leaf_cache *cache, const struct host_name *host, time_t now);
/* Takes a reference of its own. Replaces what is there. */
MUST_USE enum error leaf_cache_put(struct leaf_cache *cache, const struct host_name *host,
                                   X509 *leaf);
/* Forgets all: the root was rotated. */
void leaf_cache_reset(struct leaf_cache *cache);
