/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The keys of the TLS session tickets that clients get (RFC 5077, RFC 8446 section 4.6.1): one that
 * seals new tickets, and the one before it, which still opens what it sealed. All workers of a node
 * have the same two, so that a session can be resumed with any of them. Which sandbox and name a
 * ticket is good for is not said here: client_tls.c binds that into the session. */

#include "base/error.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { SESSION_TICKETS_KEY_SIZE = 80 }; /* 16 of a name, 32 for HMAC-SHA-256, 32 for AES-256 */

struct session_tickets;

/* Without a key. Guarded memory. ERR_NO_MEMORY. */
MUST_USE enum error session_tickets_new(struct session_tickets **out);
void session_tickets_free(struct session_tickets *tickets);
DEFINE_OWNED_STRUCT(session_tickets, session_tickets_free)
/* New tickets are sealed with this key; the one that was in use opens tickets until the next call.
 * The key in use changes nothing. */
void session_tickets_rotate(struct session_tickets *tickets,
                            const uint8_t key[SESSION_TICKETS_KEY_SIZE]);
bool session_tickets_have_key(const struct session_tickets *tickets);
/* The context uses them; they outlive it. */
MUST_USE enum error session_tickets_attach(struct session_tickets *tickets, SSL_CTX *context);
