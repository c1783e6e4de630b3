/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The keys that our own CA signs with, and signed with before its last rotation. They vouch for us
 * toward sandboxes; an origin that shows a certificate of theirs is an impostor, or ourselves. */

#include "base/error.h"
#include "base/slice.h"

#include <openssl/x509.h>
#include <stdbool.h>

enum { OWN_CA_KEYS_MAX = 4 };

struct own_ca {
    EVP_PKEY *keys[OWN_CA_KEYS_MAX];
    size_t count; /* 0: not told yet */
};

/* These certificates, PEM, instead of those before. ERR_SYNTAX: none, or something else as well;
 * ERR_TOO_LARGE; ERR_CRYPTO. Unchanged on failure. */
MUST_USE enum error own_ca_replace(struct own_ca *own, struct slice certificates);
void own_ca_clear(struct own_ca *own);
/* Whether any certificate of the chain has one of the keys: names and serial numbers do not matter,
 * nor who signed it. NULL: no. */
bool own_ca_is_in(const struct own_ca *own, const STACK_OF(X509) * chain);
