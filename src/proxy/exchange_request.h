/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The way to the upstream: head with values, then the body as it comes. */

#include "proxy/exchange.h"

/* Step 6: writes the head anew, with its tokens replaced. ERR_NOT_FOUND: a value did not open. */
MUST_USE enum error exchange_request_send_head(struct exchange *exchange);

enum pump_result { PUMP_WAITING, PUMP_DONE, PUMP_ENDED /* the exchange is gone */ };
/* Moves body bytes from the client as far as both sides allow. */
enum pump_result exchange_request_pump(struct exchange *exchange);
/* The client has no more to say in this exchange: what comes is the next request, or its end. */
enum pump_result exchange_watch_client(struct exchange *exchange);
