/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TLS toward origins, verified at least as strictly as a browser does: TLS 1.2 with AEAD and
 * forward secrecy or 1.3, chain to the operator's trust, name from the SAN alone, validity, key and
 * signature strength, stapled revocation. Nothing switches a check off. */

#include "proxy/upstream/upstream.h"

/* The context for all upstream connections of a worker. Takes a reference of `trust`. */
MUST_USE enum error upstream_tls_context(X509_STORE *trust, SSL_CTX **out);
/* Puts TLS on the leg for the target's name, under the rules that hold for it, resuming the
 * sandbox's last session with it. */
MUST_USE enum error upstream_tls_start(struct upstream *upstream);
/* Whether it is what would be made now: no other trust and no other certificate of ours. */
bool upstream_tls_is_current(const struct upstream *upstream);
/* After the handshake: what OpenSSL does not check. False: refused, `why` says it. */
bool upstream_tls_check(struct upstream *upstream, char *why, size_t why_size);
/* Why the handshake failed, as a sentence without bytes that the peer chose. */
void upstream_tls_explain(const struct upstream *upstream, char *why, size_t why_size);
/* Whether ALPN has chosen h2; whether it has chosen anything. */
bool upstream_tls_speaks_h2(const struct upstream *upstream);
bool upstream_tls_has_agreed(const struct upstream *upstream);
/* After a handshake that failed: whether it was for another reason than the certificate. */
bool upstream_tls_trusts(const struct upstream *upstream);
