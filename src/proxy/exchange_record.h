/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is said of an exchange: to the client when it is refused, to the audit log and the metrics
 * when it is over. */

#include "proxy/exchange.h"

/* Writes the refusal in exchange->refusal to the client. */
MUST_USE enum error exchange_write_refusal(struct exchange *exchange, struct slice detail);
/* Audit line and metrics. */
void exchange_record(const struct exchange *exchange, uint64_t duration_us);
/* The same for a connection that is refused outside of an exchange. */
MUST_USE enum error connection_write_refusal(struct connection *connection, enum refusal_code code,
                                             struct slice detail);
void connection_record(const struct connection *connection, enum refusal_code code);
/* A passthrough is over, or was refused. */
void connection_record_passthrough(const struct connection *connection);
