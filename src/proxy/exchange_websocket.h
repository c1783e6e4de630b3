/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* WebSockets: the handshake (RFC 6455, 4; over HTTP/2 on either side RFC 8441), and their life once
 * they are open. A tunnel opens only after an answer that proves the upstream understood: a 101
 * with the right key, or of HTTP/2 any success. Frames are read where a value may have to be put in
 * or hidden; else bytes pass both ways as they come. */

#include "proxy/exchange.h"

/* Before the request is sent: notes what the upstream has to answer, and makes a key where the
 * client's protocol has none. No extension is offered where frames are read: they change what
 * frames hold. `head` is changed. */
MUST_USE enum error exchange_websocket_prepare(struct exchange *exchange, struct http_head *head);
/* Whether this response is meant to open it. */
bool exchange_websocket_is_switch(const struct exchange *exchange);
/* ... and is the right answer to what was sent: it chooses nothing that was not offered (RFC 6455,
 * 4.1). */
bool exchange_websocket_accepts(const struct exchange *exchange, const struct http_head *head);
/* Makes of it what the client's protocol has for it. Hop-by-hop fields are gone. */
MUST_USE enum error exchange_websocket_adapt(const struct exchange *exchange,
                                             struct http_head *head);
/* It opens. ERR_NO_MEMORY. */
MUST_USE enum error exchange_websocket_open(struct exchange *exchange);
/* The sandbox's present view no longer covers what this one was decided on: why not. */
enum refusal_code exchange_websocket_outdated(const struct exchange *exchange);
/* Of exchange->client_frames: `*frames`, in exchange->piece, is what goes upstream for this. Any
 * error ends the WebSocket. */
MUST_USE enum error exchange_websocket_rewrite(struct exchange *exchange, struct slice piece,
                                               struct slice *frames);
/* Each of these may end the exchange, visibly for both sides: with a Close where frames are read
 * (RFC 6455, 7.4), else by cutting. A message cannot be passed on; `code` is for ERR_SYNTAX: */
void exchange_websocket_fail(struct exchange *exchange, enum refusal_code code, enum error error);
/* The upstream's Close has gone to the client: however it leaves now, it has said all. Known where
 * frames are read. */
bool exchange_websocket_is_closed(const struct exchange *exchange);
/* The upstream has said all: it hears no more from us either. */
void exchange_websocket_end_request(struct exchange *exchange);
/* The sandbox has a new view. For any exchange. */
void exchange_websocket_follow_view(struct exchange *exchange);
