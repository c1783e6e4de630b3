/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Stapled revocation (RFC 6960, RFC 7633): a stapled "revoked" and a must-staple certificate
 * without a good staple are refused; no staple at all is the common case and passes. */

#include "base/compiler.h"
#include "base/error.h"

#include <openssl/ssl.h>
#include <stdbool.h>

MUST_USE enum error upstream_ocsp_enable(SSL_CTX *context);
/* After a full handshake. False: refused, `why` says it. */
bool upstream_ocsp_check(SSL *ssl, char *why, size_t why_size);
