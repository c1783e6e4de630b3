/* SPDX-License-Identifier: Apache-2.0 */
/* Several connection attempts, the first that succeeds wins. Never connects to anything but the
 * endpoints that it was given. */
#include "process/dialer/connector.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

struct attempt {
    struct connector *connector; /* borrowed: the owner */
    struct event *event;         /* writable; NULL: not under way */
    struct ip_endpoint endpoint;
    int fd; /* -1: not under way */
};

struct connector {
    struct event_base *base; /* borrowed */
    void (*done)(void *context, const struct connector_outcome *outcome);
    void *context;
    struct event *stagger;
    struct attempt attempts[CONNECTOR_ENDPOINTS_MAX];
    size_t count, started, under_way;
    struct connector_outcome outcome;
};

static void end_attempt(struct attempt *attempt)
{
    if (attempt->event != NULL) {
        event_free(attempt->event);
        attempt->event = NULL;
        attempt->connector->under_way--;
    }
    if (attempt->fd >= 0)
        close(attempt->fd);
    attempt->fd = -1;
}

static void note_failure(struct attempt *attempt, int system_error)
{
    end_attempt(attempt);
    attempt->connector->outcome.endpoint = attempt->endpoint;
    attempt->connector->outcome.system_error = system_error;
}

static void note_success(struct attempt *attempt)
{
    attempt->connector->outcome.endpoint = attempt->endpoint;
    attempt->connector->outcome.fd = attempt->fd;
    attempt->fd = -1;
    end_attempt(attempt);
}

static void on_writable(evutil_socket_t fd, short what, void *argument);

static bool watch(struct attempt *attempt)
{
    attempt->event =
        event_new(attempt->connector->base, attempt->fd, EV_WRITE, on_writable, attempt);
    if (attempt->event == NULL)
        return false;
    attempt->connector->under_way++;
    return event_add(attempt->event, NULL) == 0;
}

/* 0, EINPROGRESS or the error. */
static int begin_connect(struct attempt *attempt)
{
    static const int one = 1;
    struct sockaddr_storage address;
    socklen_t len = ip_endpoint_to_sockaddr(&attempt->endpoint, &address);

    attempt->fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (attempt->fd < 0 ||
        setsockopt(attempt->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
        return errno;
    return connect(attempt->fd, (const struct sockaddr *)&address, len) == 0 ? 0 : errno;
}

static void start_attempt(struct attempt *attempt)
{
    int result = begin_connect(attempt);

    if (result == 0)
        note_success(attempt);
    else if (result != EINPROGRESS)
        note_failure(attempt, result);
    else if (!watch(attempt))
        note_failure(attempt, ENOMEM);
}

/* Starts attempts until one is under way, or has succeeded, or none is left. */
static void start_next(struct connector *connector)
{
    size_t before = connector->under_way;

    while (connector->outcome.fd < 0 && connector->started < connector->count &&
           connector->under_way == before)
        start_attempt(&connector->attempts[connector->started++]);
}

/* Reports the outcome when there is one, else waits on. The connector may be gone afterwards. */
static void settle(struct connector *connector)
{
    static const struct timeval stagger = {.tv_usec = 250 * 1000};
    bool is_done = connector->outcome.fd >= 0 ||
                   (connector->under_way == 0 && connector->started == connector->count);

    if (is_done) {
        event_del(connector->stagger);
        connector->done(connector->context, &connector->outcome);
    } else if (connector->started < connector->count) {
        event_add(connector->stagger, &stagger);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct attempt *attempt = argument;
    struct connector *connector = attempt->connector;
    int failure = 0;
    socklen_t len = sizeof(failure);

    (void)what;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
        failure = errno;
    if (failure == 0) {
        note_success(attempt);
    } else {
        note_failure(attempt, failure);
        start_next(connector);
    }
    settle(connector);
}

static void on_stagger(evutil_socket_t fd, short what, void *argument)
{
    struct connector *connector = argument;

    (void)fd;
    (void)what;
    start_next(connector);
    settle(connector);
}

static void add_endpoints(struct connector *connector, const struct ip_endpoint *endpoints,
                          size_t count)
{
    connector->count = count < CONNECTOR_ENDPOINTS_MAX ? count : CONNECTOR_ENDPOINTS_MAX;
    for (size_t i = 0; i < connector->count; i++)
        connector->attempts[i] = (struct attempt){connector, NULL, endpoints[i], -1};
}

enum error connector_start(struct event_base *base, const struct ip_endpoint *endpoints,
                           size_t count,
                           void (*done)(void *context, const struct connector_outcome *outcome),
                           void *context, struct connector **out)
{
    static const struct timeval at_once = {0};
    OWNED_STRUCT(connector) *connector = calloc(1, sizeof(*connector));
    if (connector == NULL)
        return ERR_NO_MEMORY;

    connector->base = base;
    connector->done = done;
    connector->context = context;
    connector->outcome.fd = -1;
    add_endpoints(connector, endpoints, count);
    connector->stagger = event_new(base, -1, 0, on_stagger, connector);
    if (connector->stagger == NULL || event_add(connector->stagger, &at_once) != 0)
        return ERR_NO_MEMORY;
    *out = TAKE(connector);
    return OK;
}

void connector_free(struct connector *connector)
{
    if (connector == NULL)
        return;
    for (size_t i = 0; i < connector->count; i++)
        end_attempt(&connector->attempts[i]);
    if (connector->stagger != NULL)
        event_free(connector->stagger);
    free(connector);
}
