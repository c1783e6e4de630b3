/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the tunnel: first bytes, TLS, HTTP/2. Never forwards a byte itself. */
#include "observe/log.h"
#include "observe/metrics.h"
#include "proxy/client/client_h2.h"
#include "proxy/client/client_leaf.h"
#include "proxy/client/client_tls.h"
#include "proxy/client/connection_steps.h"
#include "proxy/upstream/upstream.h"

enum { TLS_HANDSHAKE_RECORD = 0x16, METHOD_LOOKED_AT_MAX = 32 };

static bool is_reachable(const struct connection *connection)
{
    const struct view *view = connection->sandbox->view;
    struct decision_settings settings = connection->proxy->settings.decision;

    return decision_for_identity(view).verdict == VERDICT_ALLOW &&
           decision_for_host(view, &connection->tunnel, settings).verdict == VERDICT_ALLOW;
}

/* Both handshakes run at once: the leaf and the upstream connection are asked for before the client
 * says hello. Port 80 will hardly see TLS. */
void connection_set_tunnel(struct connection *connection, const struct authority *target)
{
    X509 *leaf;

    connection->is_tunnel = true;
    connection->tunnel = *target;
    if (target->port == 80 || connection_passthrough_decide(connection).verdict == VERDICT_ALLOW)
        return;
    client_leaf_get(connection->proxy, &target->host, NULL, &leaf);
    if (is_reachable(connection))
        upstream_warm(connection->sandbox, target, true);
}

enum connection_step connection_tunnel_open(struct connection *connection,
                                            const struct authority *target, struct slice welcome)
{
    const struct authority host = *target; /* it may be the request's, which goes */

    h1_stream_clear(&connection->h1);
    connection_set_state(connection, CONNECTION_SNIFFING);
    connection_await_greeting(connection);
    if (leg_write(&connection->leg, welcome) != OK || leg_flush(&connection->leg) == LEG_BROKEN) {
        connection_free(connection);
        return CONNECTION_WAIT;
    }
    leg_want_read(&connection->leg, true);
    connection_set_tunnel(connection, &host);
    return CONNECTION_NEXT;
}

enum connection_step connection_tunnel_greet(struct connection *connection)
{
    if (client_tls_start(connection) != OK)
        return connection_drop(connection, REFUSAL_OVERLOADED);
    connection->is_tls = true;
    connection_set_state(connection, CONNECTION_GREETING_CLIENT);
    return CONNECTION_NEXT;
}

static enum connection_step on_tls(struct connection *connection)
{
    if (!connection_hello_decides(connection))
        return connection_tunnel_greet(connection);
    connection_set_state(connection, CONNECTION_READING_HELLO);
    return CONNECTION_NEXT;
}

/* What the first bytes are. */
enum greeting { GREETING_UNCLEAR, GREETING_TLS, GREETING_HTTP, GREETING_OTHER };

/* A method, up to the space behind it: enough to tell HTTP from "SSH-2.0-" and binary protocols,
 * however many reads it takes. */
static enum greeting recognize(struct slice bytes)
{
    struct slice method = slice_take(bytes, slice_find(bytes, ' '));

    if (bytes.len == 0)
        return GREETING_UNCLEAR;
    if (bytes.data[0] == TLS_HANDSHAKE_RECORD)
        return GREETING_TLS;
    if (method.len == 0 || method.data[0] == '-' || method.len > METHOD_LOOKED_AT_MAX)
        return GREETING_OTHER;
    for (size_t i = 0; i < method.len; i++)
        if (method.data[i] != '-' && (method.data[i] < 'A' || method.data[i] > 'Z'))
            return GREETING_OTHER;
    return method.len < bytes.len ? GREETING_HTTP : GREETING_UNCLEAR;
}

/* LEG_READY: it is no longer unclear. */
static enum leg_status read_greeting(struct leg *leg, enum greeting *out)
{
    /* What was said in the clear must be out before TLS writes to the socket. */
    enum leg_status status = leg_flush(leg);

    leg_want_read(leg, status == LEG_READY);
    while (status == LEG_READY) {
        *out = recognize(buffer_view(&leg->in));
        if (*out != GREETING_UNCLEAR)
            break;
        status = leg_read_more(leg);
    }
    return status;
}

/* Nothing else than TLS and HTTP passes. */
enum connection_step connection_tunnel_sniff_step(struct connection *connection)
{
    enum greeting greeting = GREETING_UNCLEAR;
    enum leg_status status = read_greeting(&connection->leg, &greeting);

    if (status == LEG_BLOCKED)
        return CONNECTION_WAIT;
    if (status != LEG_READY) {
        connection_free(connection);
        return CONNECTION_WAIT;
    }
    if (greeting == GREETING_TLS)
        return on_tls(connection);
    if (greeting == GREETING_OTHER)
        return connection_drop(connection, REFUSAL_PROTOCOL_NOT_ALLOWED);
    connection_set_state(connection, CONNECTION_AWAITING_HEAD);
    return CONNECTION_NEXT;
}

static void check_sni(struct connection *connection)
{
    struct host_name sni;
    bool is_host = client_tls_sni(connection, &sni, &connection->has_sni);

    connection->is_sni_wrong =
        connection->has_sni && (!is_host || !host_name_equals(&sni, &connection->tunnel.host));
}

static enum connection_step begin_multiplexing(struct connection *connection)
{
    if (client_h2_open(connection, &connection->h2) != OK) {
        connection_free(connection);
        return CONNECTION_WAIT;
    }
    connection_set_state(connection, CONNECTION_MULTIPLEXING);
    return CONNECTION_NEXT;
}

enum connection_step connection_tunnel_multiplex_step(struct connection *connection)
{
    client_h2_step(connection->h2);
    return CONNECTION_WAIT;
}

enum connection_step connection_tunnel_greet_step(struct connection *connection)
{
    switch (leg_handshake(&connection->leg)) {
    case LEG_READY:
        break;
    case LEG_BLOCKED: /* for the client, or for its leaf */
        leg_want_read(&connection->leg, SSL_want_read(connection->leg.ssl));
        return CONNECTION_WAIT;
    default:
        LOG(LEVEL_DEBUG, "client_handshake_failed",
            .host = host_name_view(&connection->tunnel.host));
        connection_free(connection);
        return CONNECTION_WAIT;
    }
    leg_want_read(&connection->leg, true);
    check_sni(connection);
    metrics_add(METRIC_CLIENT_TLS_HANDSHAKES, 1);
    deadline_set(&connection->deadline, connection->proxy->settings.header_timeout_ms);
    if (client_tls_speaks_h2(connection))
        return begin_multiplexing(connection);
    connection_set_state(connection, CONNECTION_AWAITING_HEAD);
    return CONNECTION_NEXT;
}
