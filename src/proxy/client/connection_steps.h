/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The states of a connection, one step function each: what the files connection_*.c share. */

#include "proxy/client/connection.h"

/* What a step says: the state has moved on, or there is nothing to do now (or any more: the
 * connection may be gone). */
enum connection_step { CONNECTION_NEXT, CONNECTION_WAIT };

/* connection.c: only the moves of its table are legal. */
void connection_set_state(struct connection *connection, enum connection_state next);
/* Nothing that the client could read: closed and recorded. */
enum connection_step connection_drop(struct connection *connection, enum refusal_code code);

/* connection_request.c: AWAITING_HEAD, EXCHANGING, and what follows from a head once it is known
 * whose it is. */
enum connection_step connection_request_step(struct connection *connection);
enum connection_step connection_request_route(struct connection *connection);
enum connection_step connection_request_exchange_step(struct connection *connection);

/* connection_identity.c: AWAITING_IDENTITY. */
enum connection_step connection_identity_step(struct connection *connection);
/* Where the client could not read why it is refused it is told nothing. */
enum connection_step connection_identity_refuse(struct connection *connection,
                                                enum refusal_code code);
/* Moves the connection to the sandbox that it belongs to from now on. False: it has too many. */
bool connection_identity_enter(struct connection *connection, struct sandbox *sandbox);

/* connection_tunnel.c: SNIFFING, GREETING_CLIENT, MULTIPLEXING. Opens a tunnel with the words that
 * the client's protocol has for it. */
enum connection_step connection_tunnel_open(struct connection *connection,
                                            const struct authority *target, struct slice welcome);
enum connection_step connection_tunnel_sniff_step(struct connection *connection);
enum connection_step connection_tunnel_greet_step(struct connection *connection);
enum connection_step connection_tunnel_multiplex_step(struct connection *connection);
enum connection_step connection_tunnel_greet(struct connection *connection);

/* connection_hello.c: READING_HELLO. Whether it takes a look at the ClientHello to know how to go
 * on: the tunnel's name is not known yet, or TLS to it may not be opened. */
bool connection_hello_decides(const struct connection *connection);
enum connection_step connection_hello_step(struct connection *connection);
/* The client hears an alert, and the connection ends. */
enum connection_step connection_hello_end(struct connection *connection,
                                          enum client_hello_alert alert);

/* connection_passthrough.c: PASSING. Whether TLS in the connection's tunnel goes through unopened,
 * under the view that counts now. */
struct decision connection_passthrough_decide(const struct connection *connection);
enum connection_step connection_passthrough_open(struct connection *connection);
enum connection_step connection_passthrough_step(struct connection *connection);
/* There is another view: may free the connection. */
void connection_passthrough_follow_view(struct connection *connection);

/* connection_socks.c: AWAITING_SOCKS. */
enum connection_step connection_socks_step(struct connection *connection);
