/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The way back: interim heads, the final head, the body, with values hidden in all of them. */

#include "proxy/exchange_request.h"

/* Moves the response as far as both sides allow. */
enum pump_result exchange_response_pump(struct exchange *exchange);
