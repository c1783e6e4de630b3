/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of an HTTP/2 client as exchanges. Never lets one stream's trouble end another. */
#include "proxy/client/client_h2.h"

#include "http/h2_request.h"
#include "proxy/exchange_websocket.h"
#include "proxy/h2_message.h"
#include "proxy/request_limits.h"

#include <stdlib.h>

struct client_h2 {
    struct connection *connection; /* borrowed: owns us */
    struct h2_link link;
    bool is_draining, was_drained, is_amid_head;
};

static void on_exchange_ended(void *owner, UNUSED bool must_close)
{
    h2_message_release(owner);
}

/* A fault is the exchange's first step to refuse, so that it is answered and recorded like any
 * other. */
static void on_request(void *owner, struct h2_message *message)
{
    struct client_h2 *client = owner;
    struct exchange_owner ends = {on_exchange_ended, message};
    struct http_request request = {0};

    struct http_fault fault =
        h2_request_parse(h2_stream_head(message->h2), h2_stream_pseudo(message->h2), &request);
    if (fault.status == 0)
        fault = request_limits_check(&client->connection->proxy->settings,
                                     h2_stream_head(message->h2), &request);
    struct exchange *exchange = exchange_new(client->connection, &message->stream, &request, &ends);
    if (exchange == NULL) {
        h2_stream_reset(message->h2, H2_REFUSED_STREAM);
        return;
    }
    exchange->fault = fault;
    message->is_head_pulled = true;
    h2_message_set_owner(message, exchange, &exchange->task);
    task_schedule(&client->connection->proxy->tasks, &exchange->task);
}

/* Exchanges have deadlines of their own; answers that the client does not take have not. */
static bool has_exchange(const struct client_h2 *client)
{
    const struct h2_message *message;

    TAILQ_FOREACH(message, &client->link.messages, link_entry)
    {
        if (message->owner != NULL)
            return true;
    }
    return false;
}

static void say_goodbye(struct client_h2 *client)
{
    if (h2_session_drain(client->link.session) != OK)
        h2_session_terminate(client->link.session, H2_INTERNAL_ERROR);
    task_schedule(&client->connection->proxy->tasks, &client->link.push);
}

/* A head that has begun has the time of a head, and not that of a client at rest. */
static void bound_rest(struct client_h2 *client)
{
    const struct proxy_settings *settings = &client->connection->proxy->settings;
    struct deadline *deadline = &client->connection->deadline;
    bool was_amid_head = client->is_amid_head;
    uint64_t head_ends_ms = deadline_now_ms() + settings->header_timeout_ms;

    client->is_amid_head = h2_session_is_amid_head(client->link.session);
    if (deadline->at_ms == 0)
        deadline_set(deadline, settings->idle_timeout_ms);
    if (client->is_amid_head && !was_amid_head && deadline->at_ms > head_ends_ms)
        deadline_set(deadline, settings->header_timeout_ms);
}

static void on_change(void *owner)
{
    struct client_h2 *client = owner;
    struct connection *connection = client->connection;

    if (client->is_draining && client->link.message_count == 0 && !client->was_drained) {
        client->was_drained = true;
        say_goodbye(client); /* the second time: the session is over with it */
    }
    if (client->link.is_over)
        connection_free(connection);
    else if (has_exchange(client))
        deadline_set(&connection->deadline, 0);
    else
        bound_rest(client);
}

enum error client_h2_open(struct connection *connection, struct client_h2 **out)
{
    struct client_h2 *client = calloc(1, sizeof(*client));

    if (client == NULL)
        return ERR_NO_MEMORY;
    client->connection = connection;
    client->link.on_request = on_request;
    client->link.on_change = on_change;
    client->link.owner = client;
    enum error error =
        h2_link_open(&client->link, connection->sandbox, &connection->leg, H2_REQUESTS);
    if (error != OK) {
        free(client);
        return error;
    }
    *out = client;
    return OK;
}

void client_h2_step(struct client_h2 *client)
{
    h2_link_step(&client->link);
}

void client_h2_drain(struct client_h2 *client)
{
    if (client->is_draining)
        return;
    client->is_draining = true;
    say_goodbye(client);
}

void client_h2_follow_view(struct client_h2 *client)
{
    struct h2_message *message = TAILQ_FIRST(&client->link.messages), *next;

    for (; message != NULL; message = next) {
        next = TAILQ_NEXT(message, link_entry);
        if (message->owner != NULL)
            exchange_websocket_follow_view(message->owner);
    }
}

bool client_h2_is_idle(const struct client_h2 *client)
{
    return client->link.message_count == 0;
}

void client_h2_free(struct client_h2 *client)
{
    struct h2_message *message;

    if (client == NULL)
        return;
    TAILQ_FOREACH(message, &client->link.messages, link_entry)
    {
        exchange_abandon(message->owner);
        h2_message_set_owner(message, NULL, NULL);
    }
    h2_link_close(&client->link);
    free(client);
}
