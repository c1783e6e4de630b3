/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A client connection that speaks HTTP/2: every request on it is an exchange of its own, decided,
 * injected and redacted like any other. */

#include "proxy/client/connection.h"

struct client_h2;

/* ALPN has chosen h2. */
MUST_USE enum error client_h2_open(struct connection *connection, struct client_h2 **out);
/* The leg is ready. May free the connection. */
void client_h2_step(struct client_h2 *client);
/* No new requests; ends the connection with the last that is under way. */
void client_h2_drain(struct client_h2 *client);
/* Ends the WebSockets among its streams that the sandbox's new view no longer covers. */
void client_h2_follow_view(struct client_h2 *client);
/* No exchange is under way. */
bool client_h2_is_idle(const struct client_h2 *client);
/* Abandons what is under way. NULL is fine. */
void client_h2_free(struct client_h2 *client);
