/* SPDX-License-Identifier: Apache-2.0 */
/* A connection whose TLS goes through unopened. Never begins one that the sandbox's view does not
 * allow, and never keeps one that it allows no more. */
#include "proxy/client/connection_steps.h"
#include "proxy/client/passthrough.h"
#include "proxy/exchange_record.h"

struct decision connection_passthrough_decide(const struct connection *connection)
{
    const struct view *view = connection->sandbox->view;
    struct decision decision = decision_for_identity(view);

    if (decision.verdict == VERDICT_ALLOW)
        decision = decision_for_passthrough(view, &connection->tunnel,
                                            connection->proxy->settings.decision);
    return decision;
}

enum connection_step connection_passthrough_open(struct connection *connection)
{
    connection->passthrough = passthrough_open(connection);
    if (connection->passthrough == NULL)
        return connection_drop(connection, REFUSAL_OVERLOADED);
    connection_set_state(connection, CONNECTION_PASSING);
    leg_want_read(&connection->leg, false);
    deadline_set(&connection->deadline, connection->proxy->settings.idle_timeout_ms);
    return CONNECTION_NEXT;
}

/* The client can be told why only in the words of TLS; the audit line says the rest. */
static enum connection_step refuse(struct connection *connection)
{
    enum refusal_code code = connection->passthrough->refusal;

    connection_record_passthrough(connection);
    passthrough_free(TAKE(connection->passthrough));
    return connection_hello_end(connection, refusal_code_status(code) == 403
                                                ? CLIENT_HELLO_ACCESS_DENIED
                                                : CLIENT_HELLO_INTERNAL_ERROR);
}

static void cut(struct connection *connection, enum refusal_code code)
{
    connection->passthrough->refusal = code;
    connection_free(connection);
}

enum connection_step connection_passthrough_step(struct connection *connection)
{
    switch (passthrough_step(connection->passthrough)) {
    case PASSTHROUGH_OPEN:
        break;
    case PASSTHROUGH_REFUSED:
        return refuse(connection);
    case PASSTHROUGH_OVER:
    case PASSTHROUGH_BROKEN:
        connection_free(connection);
        break;
    }
    return CONNECTION_WAIT;
}

/* An address that only a named exception permitted, when that is gone. */
static bool lost_its_exception(const struct connection *connection)
{
    const struct passthrough *passthrough = connection->passthrough;
    const struct view *view = connection->sandbox->view;

    return passthrough->is_private &&
           address_guard_classify(&passthrough->address.address) != ADDRESS_PUBLIC &&
           decision_for_private(view, &connection->tunnel.host).verdict != VERDICT_ALLOW;
}

void connection_passthrough_follow_view(struct connection *connection)
{
    struct decision decision = connection_passthrough_decide(connection);

    if (decision.verdict != VERDICT_ALLOW)
        cut(connection, decision.code);
    else if (lost_its_exception(connection))
        cut(connection, REFUSAL_ADDRESS_NOT_ALLOWED);
}
