/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From a request to its handler. */

#include "control/api.h"
#include "control/http_server.h"

/* The callbacks of http_server.h; `context` is the struct control. */
void router_on_request(void *context, struct http_connection *connection,
                       const struct http_message *message);
void router_on_fault(void *context, struct http_connection *connection, struct http_fault fault);
void router_on_gone(void *context, void *pending);
