/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whose connection is this: by registered source address, by Proxy-Authorization, by both where
 * both are there (CONTRACT section 4, "Identity"). No other field of the request counts. */

#include "proxy/connection.h"

enum identify_result { IDENTIFY_KNOWN, IDENTIFY_WAIT, IDENTIFY_REFUSED };

/* `head` is NULL on a transparent connection. KNOWN: `*out`, whose view is there. WAIT:
 * connection->waiter waits; ask again. REFUSED: `*code`.
 */
enum identify_result identify_client(struct connection *connection, const struct http_head *head,
                                     struct sandbox **out, enum refusal_code *code);
