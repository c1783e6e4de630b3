/* SPDX-License-Identifier: Apache-2.0 */
/* A ClientHello that decides what becomes of its connection: whom a transparent client means, and
 * whether its TLS is opened. Never answers it. */
#include "proxy/client/connection_steps.h"
#include "proxy/exchange_record.h"

bool connection_hello_decides(const struct connection *connection)
{
    return connection->tunnel.port == 0 ||
           connection_passthrough_decide(connection).verdict == VERDICT_ALLOW;
}

enum connection_step connection_hello_end(struct connection *connection,
                                          enum client_hello_alert alert)
{
    char bytes[CLIENT_HELLO_ALERT_SIZE];

    if (leg_write(&connection->leg, client_hello_format_alert(alert, bytes)) != OK)
        connection_free(connection);
    else
        connection_finish(connection);
    return CONNECTION_WAIT;
}

static enum connection_step refuse(struct connection *connection, enum refusal_code code,
                                   enum client_hello_alert alert)
{
    connection_record(connection, code);
    return connection_hello_end(connection, alert);
}

/* The host that the client means: without a name in its ClientHello, the address that it dialled.
 */
static bool name_host(const struct connection *connection, struct host_name *out)
{
    char text[IP_ADDRESS_TEXT_MAX];

    if (connection->hello.name == CLIENT_HELLO_HOST)
        *out = connection->hello.host;
    if (connection->hello.name != CLIENT_HELLO_NO_NAME)
        return connection->hello.name == CLIENT_HELLO_HOST;
    if (!connection->is_transparent)
        *out = connection->tunnel.host;
    else if (host_name_parse(ip_address_format(&connection->destination.address, text), out) != OK)
        return false;
    return host_name_is_literal(out);
}

static enum connection_step on_hello(struct connection *connection)
{
    struct authority target = {.port = connection->destination.port};

    if (!name_host(connection, &target.host))
        return refuse(connection, REFUSAL_MISDIRECTED_REQUEST, CLIENT_HELLO_UNRECOGNIZED_NAME);
    if (connection->tunnel.port == 0)
        connection_set_tunnel(connection, &target);
    if (connection_passthrough_decide(connection).verdict != VERDICT_ALLOW)
        return connection_tunnel_greet(connection);
    if (!host_name_equals(&target.host, &connection->tunnel.host))
        return refuse(connection, REFUSAL_MISDIRECTED_REQUEST, CLIENT_HELLO_UNRECOGNIZED_NAME);
    return connection_passthrough_open(connection);
}

/* The bytes stay in the leg: whoever goes on with the connection reads them again. */
enum connection_step connection_hello_step(struct connection *connection)
{
    struct leg *leg = &connection->leg;

    for (;;) {
        switch (client_hello_parse(&connection->hello, buffer_view(&leg->in))) {
        case CLIENT_HELLO_COMPLETE:
            return on_hello(connection);
        case CLIENT_HELLO_MALFORMED:
            return refuse(connection, REFUSAL_BAD_REQUEST, CLIENT_HELLO_DECODE_ERROR);
        case CLIENT_HELLO_INCOMPLETE:
            break;
        }
        leg_want_read(leg, true);
        enum leg_status status = leg_read_more(leg);
        if (status == LEG_READY)
            continue;
        if (status != LEG_BLOCKED)
            connection_free(connection);
        return CONNECTION_WAIT;
    }
}
