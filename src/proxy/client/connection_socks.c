/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKS5 as a way in: the user name is the sandbox's id, the password its proxy token, names stay
 * names. Never decides what CONNECT would not: a host that is not allowed is refused inside the
 * tunnel. */
#include "proxy/client/connection_steps.h"
#include "proxy/client/identify.h"
#include "proxy/client/socks5.h"
#include "proxy/exchange_record.h"

enum phase { AWAITING_GREETING, AWAITING_LOGIN, AWAITING_REQUEST };

union message {
    struct socks5_greeting greeting;
    struct socks5_login login;
    struct socks5_request request;
};

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

static enum socks5_status parse_greeting(struct slice *input, union message *out)
{
    return socks5_parse_greeting(input, &out->greeting);
}

/* Without a login only the socket can say who it is: asked before the method is chosen. */
static enum connection_step on_greeting(struct connection *connection, const union message *message,
                                        size_t len)
{
    const struct socks5_greeting *greeting = &message->greeting;
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

static enum socks5_status parse_login(struct slice *input, union message *out)
{
    return socks5_parse_login(input, &out->login);
}

static enum connection_step on_login(struct connection *connection, const union message *message,
                                     size_t len)
{
    const struct socks5_login *login = &message->login;
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

static enum socks5_status parse_request(struct slice *input, union message *out)
{
    return socks5_parse_request(input, &out->request);
}

static enum connection_step on_request(struct connection *connection, const union message *message,
                                       size_t len)
{
    const struct socks5_request *request = &message->request;
    enum socks5_reply reply = !request->is_connect ? SOCKS5_COMMAND_NOT_SUPPORTED
                              : request->is_valid  ? SOCKS5_SUCCEEDED
                                                   : SOCKS5_ADDRESS_NOT_SUPPORTED;
    char words[SOCKS5_REPLY_SIZE];

    take(connection, len);
    socks5_format_reply(reply, words);
    if (reply == SOCKS5_SUCCEEDED)
        return connection_tunnel_open(connection, &request->target, slice_of(words, sizeof(words)));
    return say_no(connection,
                  request->is_connect ? REFUSAL_BAD_REQUEST : REFUSAL_PROTOCOL_NOT_ALLOWED,
                  slice_of(words, sizeof(words)));
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

/* What is no message has no length either: nothing that follows can be read. */
static enum connection_step on_fault(struct connection *connection)
{
    char words[SOCKS5_REPLY_SIZE];
    size_t len = SOCKS5_REPLY_SIZE;

    take(connection, buffer_len(&connection->leg.in));
    if (connection->socks_phase == AWAITING_LOGIN) {
        socks5_format_login_result(false, words);
        len = SOCKS5_CHOICE_SIZE;
    } else {
        socks5_format_reply(SOCKS5_ADDRESS_NOT_SUPPORTED, words);
    }
    return say_no(connection, REFUSAL_BAD_REQUEST, slice_of(words, len));
}

/* One message for each phase: it is read whole, or not at all, and then acted on. */
enum connection_step connection_socks_step(struct connection *connection)
{
    static const struct {
        enum socks5_status (*parse)(struct slice *input, union message *out);
        enum connection_step (*act)(struct connection *connection, const union message *message,
                                    size_t len);
    } phases[] = {
        [AWAITING_GREETING] = {parse_greeting, on_greeting},
        [AWAITING_LOGIN] = {parse_login, on_login},
        [AWAITING_REQUEST] = {parse_request, on_request},
    };
    struct slice all = buffer_view(&connection->leg.in), rest = all;
    union message message;

    switch (phases[connection->socks_phase].parse(&rest, &message)) {
    case SOCKS5_COMPLETE:
        return phases[connection->socks_phase].act(connection, &message, all.len - rest.len);
    case SOCKS5_NEED_MORE:
        return read_more(connection);
    default:
        return on_fault(connection);
    }
}
