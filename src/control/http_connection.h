/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One client connection of the server. Only http_server.c includes this. */

#include "control/http_server.h"
#include "control/http_stream.h"

struct http_connection_owner {
    void *context;
    const struct http_server_events *events;
    const bool *draining; /* answers then close the connection */
    /* Called once, last: the owner frees the connection. */
    void (*on_closed)(void *context, struct http_connection *connection);
};

struct http_connection_link {
    struct http_connection_link *previous, *next;
};

/* Takes the stream, also when it fails (NULL). `owner` is borrowed. */
struct http_connection *http_connection_new(struct event_base *base, struct http_stream stream,
                                            const struct http_connection_owner *owner,
                                            bool is_local);
/* Tells on_gone() when a request is unanswered. */
void http_connection_free(struct http_connection *connection);
/* No byte of a request has come. */
bool http_connection_is_idle(const struct http_connection *connection);
bool http_connection_is_local(const struct http_connection *connection);
struct http_connection_link *http_connection_link(struct http_connection *connection);
struct http_connection *http_connection_of_link(struct http_connection_link *link);
