/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* TLS toward clients: we answer as the host that the connection was opened for, with a leaf of that
 * name, whatever SNI says; a session resumes only for the same sandbox and the same host. */

#include "proxy/client/connection.h"

/* `tickets` are borrowed: the same in every worker of the node. */
MUST_USE enum error client_tls_context(EVP_PKEY *leaf_key, struct session_tickets *tickets,
                                       SSL_CTX **out);
/* Puts TLS on the connection's leg; connection->tunnel is the host to be. */
MUST_USE enum error client_tls_start(struct connection *connection);
/* After the handshake: the SNI that the client sent, as a host. False: it sent one that is no host
 * name.
 * `*has_sni` false: it sent none. */
bool client_tls_sni(const struct connection *connection, struct host_name *out, bool *has_sni);
/* Whether ALPN has chosen h2. */
bool client_tls_speaks_h2(const struct connection *connection);
