/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange with another proxy that makes a tunnel of a connection. Never reads a byte that
 * belongs to the target: what is there beyond the answer ends it. */
#include "process/dialer/proxy_tunnel.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct proxy_tunnel {
    void (*done)(void *context, const struct proxy_tunnel_outcome *outcome);
    void *context;
    struct event *writable, *readable;
    struct buffer request; /* holds credentials */
    struct proxy_answer *answer;
    int fd;
};

/* The tunnel is gone afterwards. */
static void finish(struct proxy_tunnel *tunnel, const struct proxy_tunnel_outcome *outcome)
{
    tunnel->done(tunnel->context, outcome);
}

static void fail(struct proxy_tunnel *tunnel, int system_error)
{
    finish(tunnel, &(struct proxy_tunnel_outcome){
                       .verdict = PROXY_MALFORMED, .system_error = system_error, .fd = -1});
}

static void conclude(struct proxy_tunnel *tunnel, enum proxy_verdict verdict, uint16_t status)
{
    struct proxy_tunnel_outcome outcome = {.verdict = verdict, .status = status, .fd = -1};

    if (verdict == PROXY_CONNECTED) {
        event_del(tunnel->readable);
        outcome.fd = tunnel->fd;
        tunnel->fd = -1;
    }
    finish(tunnel, &outcome);
}

static bool is_transient(int system_error)
{
    return system_error == EAGAIN || system_error == EINTR;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct proxy_tunnel *tunnel = argument;
    char bytes[4096];
    uint16_t status = 0;
    ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

    (void)what;
    if (got < 0 && is_transient(errno))
        return;
    if (got <= 0) {
        fail(tunnel, got == 0 ? ECONNRESET : errno);
        return;
    }
    enum proxy_verdict verdict =
        proxy_answer_feed(tunnel->answer, slice_of(bytes, (size_t)got), &status);
    if (verdict != PROXY_AWAITS_MORE)
        conclude(tunnel, verdict, status);
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    struct proxy_tunnel *tunnel = argument;
    struct slice rest = buffer_view(&tunnel->request);
    ssize_t sent = send(fd, rest.data, rest.len, MSG_NOSIGNAL);

    (void)what;
    if (sent < 0) {
        if (!is_transient(errno))
            fail(tunnel, errno);
        return;
    }
    buffer_consume(&tunnel->request, (size_t)sent);
    if (buffer_len(&tunnel->request) > 0)
        return;
    event_del(tunnel->writable);
    buffer_clear(&tunnel->request);
    if (event_add(tunnel->readable, NULL) != 0)
        fail(tunnel, ENOMEM);
}

static enum error prepare(struct proxy_tunnel *tunnel, const struct proxy_tunnel_request *request)
{
    TRY(proxy_answer_request(request->target, request->credentials, &tunnel->request));
    tunnel->answer = proxy_answer_new();
    tunnel->writable =
        event_new(request->base, tunnel->fd, EV_WRITE | EV_PERSIST, on_writable, tunnel);
    tunnel->readable =
        event_new(request->base, tunnel->fd, EV_READ | EV_PERSIST, on_readable, tunnel);
    if (tunnel->answer == NULL || tunnel->writable == NULL || tunnel->readable == NULL ||
        event_add(tunnel->writable, NULL) != 0)
        return ERR_NO_MEMORY;
    return OK;
}

enum error proxy_tunnel_start(int fd, const struct proxy_tunnel_request *request,
                              struct proxy_tunnel **out)
{
    OWNED_STRUCT(proxy_tunnel) *tunnel = calloc(1, sizeof(*tunnel));

    if (tunnel == NULL) {
        close(fd);
        return ERR_NO_MEMORY;
    }
    tunnel->fd = fd;
    tunnel->done = request->done;
    tunnel->context = request->context;
    buffer_init(&tunnel->request, PROXY_REQUEST_MAX);
    TRY(prepare(tunnel, request));
    *out = TAKE(tunnel);
    return OK;
}

void proxy_tunnel_free(struct proxy_tunnel *tunnel)
{
    if (tunnel == NULL)
        return;
    if (tunnel->writable != NULL)
        event_free(tunnel->writable);
    if (tunnel->readable != NULL)
        event_free(tunnel->readable);
    if (tunnel->fd >= 0)
        close(tunnel->fd);
    buffer_clear(&tunnel->request);
    proxy_answer_free(tunnel->answer);
    free(tunnel);
}
