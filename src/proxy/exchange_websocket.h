/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The WebSocket handshake (RFC 6455, 4; RFC 8441 toward HTTP/2 clients). A tunnel opens only after
 * a 101 that proves the upstream understood. */

#include "proxy/exchange.h"

/* Before the request is sent: notes what the upstream has to answer, and makes a key where the
 * client's protocol has none. `head` is changed. */
MUST_USE enum error exchange_websocket_prepare(struct exchange *exchange, struct http_head *head);
/* Whether this 101 is the answer to that. */
bool exchange_websocket_accepts(const struct exchange *exchange, const struct http_head *head);
