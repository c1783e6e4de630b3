/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKS5 as a way in: the user name is the sandbox's id, the password its proxy token, names stay
 * names. Never decides what CONNECT would not: a host that is not allowed is refused inside the
 * tunnel. */
#include "proxy/connection_steps.h"
#include "proxy/exchange_record.h"
#include "proxy/identify.h"
#include "proxy/socks5.h"

enum phase { AWAITING_GREETING, AWAITING_LOGIN, AWAITING_REQUEST };

/* Messages stay in the leg's buffer until they are acted on: while control is asked whose
 * connection it is, the same message is parsed again. */
static void take(struct connection *connection, size_t len)
{
    buffer_consume(&connection->leg.in, len);
}

static enum connection_step say(struct connection *connection, struct slice words)
{
    if (leg_write(&connection->leg, words) != OK || leg_flush(&connection->leg) == LEG_BROKEN) {
        connection_free(connection);
        return CONNECTION_WAIT;
    }
    return CONNECTION_NEXT;
}

/* The last words: recorded, said, then the connection ends. */
static enum connection_step say_no(struct connection *connection, enum refusal_code code,
                                   struct slice words)
{
    connection_record(connection, code);
    connection->close_after = true;
    if (say(connection, words) == CONNECTION_NEXT)
        connection_finish(connection);
    return CONNECTION_WAIT;
}

static enum connection_step await_identity(struct connection *connection)
{
    leg_want_read(&connection->leg, false);
    return CONNECTION_WAIT;
}

static enum connection_step choose_method(struct connection *connection,
                                          const struct socks5_greeting *greeting)
{
    char choice[SOCKS5_CHOICE_SIZE];

    if (greeting->offers_login) {
        socks5_format_choice(SOCKS5_LOGIN, choice);
        connection->socks_phase = AWAITING_LOGIN;
        return say(connection, slice_of(choice, sizeof(choice)));
    }
    if (connection->sandbox != NULL && greeting->offers_no_login) {
        socks5_format_choice(SOCKS5_NO_LOGIN, choice);
        connection->socks_phase = AWAITING_REQUEST;
        return say(connection, slice_of(choice, sizeof(choice)));
    }
    socks5_format_choice(SOCKS5_NO_METHOD, choice);
    return say_no(connection, REFUSAL_IDENTITY_REQUIRED, slice_of(choice, sizeof(choice)));
}

/* Without a login only the socket can say who it is: asked before the method is chosen. */
static enum connection_step on_greeting(struct connection *connection,
                                        const struct socks5_greeting *greeting, size_t len)
{
    const struct identify_claim none = {.kind = IDENTIFY_CLAIM_NONE};
    struct sandbox *sandbox;
    enum refusal_code code;

    if (greeting->offers_login) {
        take(connection, len);
        return choose_method(connection, greeting);
    }
    enum identify_result result = identify_client(connection, &none, &sandbox, &code);
    if (result == IDENTIFY_WAIT)
        return await_identity(connection);
    take(connection, len);
    if (result == IDENTIFY_KNOWN && !connection_identity_enter(connection, sandbox))
        return connection_drop(connection, REFUSAL_LIMIT_EXCEEDED);
    return choose_method(connection, greeting);
}

static enum connection_step on_login(struct connection *connection,
                                     const struct socks5_login *login, size_t len)
{
    struct identify_claim claim = {
        .kind = IDENTIFY_CLAIM_GIVEN, .sandbox_id = login->user, .token = login->password};
    struct sandbox *sandbox;
    enum refusal_code code;
    char result[SOCKS5_CHOICE_SIZE];

    enum identify_result identity = identify_client(connection, &claim, &sandbox, &code);
    if (identity == IDENTIFY_WAIT)
        return await_identity(connection);
    take(connection, len);
    if (identity == IDENTIFY_KNOWN && !connection_identity_enter(connection, sandbox)) {
        identity = IDENTIFY_REFUSED;
        code = REFUSAL_LIMIT_EXCEEDED;
    }
    socks5_format_login_result(identity == IDENTIFY_KNOWN, result);
    if (identity != IDENTIFY_KNOWN)
        return say_no(connection, code, slice_of(result, sizeof(result)));
    connection->socks_phase = AWAITING_REQUEST;
    return say(connection, slice_of(result, sizeof(result)));
}

static enum connection_step on_request(struct connection *connection,
                                       const struct socks5_request *request, size_t len)
{
    char reply[SOCKS5_REPLY_SIZE];

    take(connection, len);
    if (!request->is_connect || !request->is_valid) {
        socks5_format_reply(request->is_connect ? SOCKS5_ADDRESS_NOT_SUPPORTED
                                                : SOCKS5_COMMAND_NOT_SUPPORTED,
                            reply);
        return say_no(connection,
                      request->is_connect ? REFUSAL_BAD_REQUEST : REFUSAL_PROTOCOL_NOT_ALLOWED,
                      slice_of(reply, sizeof(reply)));
    }
    socks5_format_reply(SOCKS5_SUCCEEDED, reply);
    return connection_tunnel_open(connection, &request->target, slice_of(reply, sizeof(reply)));
}

/* More of a message that is not complete. */
static enum connection_step read_more(struct connection *connection)
{
    leg_want_read(&connection->leg, true);
    switch (leg_read_more(&connection->leg)) {
    case LEG_READY:
        return CONNECTION_NEXT;
    case LEG_BLOCKED:
        return CONNECTION_WAIT;
    default:
        connection_free(connection);
        return CONNECTION_WAIT;
    }
}

static enum connection_step on_incomplete(struct connection *connection, enum socks5_status status)
{
    return status == SOCKS5_FAULT ? connection_drop(connection, REFUSAL_BAD_REQUEST)
                                  : read_more(connection);
}

static enum connection_step step_greeting(struct connection *connection)
{
    struct slice all = buffer_view(&connection->leg.in), rest = all;
    struct socks5_greeting greeting;

    enum socks5_status status = socks5_parse_greeting(&rest, &greeting);
    return status == SOCKS5_COMPLETE ? on_greeting(connection, &greeting, all.len - rest.len)
                                     : on_incomplete(connection, status);
}

static enum connection_step step_login(struct connection *connection)
{
    struct slice all = buffer_view(&connection->leg.in), rest = all;
    struct socks5_login login;

    enum socks5_status status = socks5_parse_login(&rest, &login);
    return status == SOCKS5_COMPLETE ? on_login(connection, &login, all.len - rest.len)
                                     : on_incomplete(connection, status);
}

static enum connection_step step_request(struct connection *connection)
{
    struct slice all = buffer_view(&connection->leg.in), rest = all;
    struct socks5_request request;

    enum socks5_status status = socks5_parse_request(&rest, &request);
    return status == SOCKS5_COMPLETE ? on_request(connection, &request, all.len - rest.len)
                                     : on_incomplete(connection, status);
}

enum connection_step connection_socks_step(struct connection *connection)
{
    static enum connection_step (*const steps[])(struct connection * connection) = {
        [AWAITING_GREETING] = step_greeting,
        [AWAITING_LOGIN] = step_login,
        [AWAITING_REQUEST] = step_request,
    };

    return steps[connection->socks_phase](connection);
}
