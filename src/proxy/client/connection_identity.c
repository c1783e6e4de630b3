/* SPDX-License-Identifier: Apache-2.0 */
/* Whose connection is it. Never goes on before that is known. */
#include "proxy/client/connection_steps.h"
#include "proxy/client/identify.h"

bool connection_identity_enter(struct connection *connection, struct sandbox *sandbox)
{
    if (connection->sandbox == sandbox)
        return true;
    if (!sandbox_enter(sandbox))
        return false;
    if (connection->sandbox != NULL)
        sandbox_leave(connection->sandbox);
    connection->sandbox = sandbox;
    return true;
}

enum connection_step connection_identity_refuse(struct connection *connection,
                                                enum refusal_code code)
{
    if (connection->is_transparent)
        return connection_drop(connection, code);
    connection_refuse(connection, code, SLICE_NONE);
    return CONNECTION_WAIT;
}

static enum connection_step sniff_transparent(struct connection *connection)
{
    if (connection->destination.port == 0)
        return connection_identity_refuse(connection, REFUSAL_ADDRESS_NOT_ALLOWED);
    connection_set_state(connection, CONNECTION_SNIFFING);
    connection_await_greeting(connection);
    leg_want_read(&connection->leg, true);
    return CONNECTION_NEXT;
}

enum connection_step connection_identity_step(struct connection *connection)
{
    struct stream *stream = &connection->h1.stream;
    struct identify_claim claim;
    struct sandbox *sandbox;
    enum refusal_code code;

    identify_claim_of_head(connection->is_transparent ? NULL : stream->ops->head(stream), &claim);
    switch (identify_client(connection, &claim, &sandbox, &code)) {
    case IDENTIFY_WAIT:
        leg_want_read(&connection->leg, false);
        return CONNECTION_WAIT;
    case IDENTIFY_REFUSED:
        return connection_identity_refuse(connection, code);
    default:
        break;
    }
    if (!connection_identity_enter(connection, sandbox))
        return connection_identity_refuse(connection, REFUSAL_LIMIT_EXCEEDED);
    return connection->is_transparent ? sniff_transparent(connection)
                                      : connection_request_route(connection);
}
