/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's connections: several queries each, answered in the order their answers come. Never
 * holds more of a client that does not read, or does not finish its query, than its buffers. */
#include "dns/dns_frame.h"
#include "proxy/dns_gate/dns_gate_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    IDLE_MS = 10 * 1000,
    UNANSWERED_MAX = 16, /* queries taken from one connection before it has answers */
    OUT_HIGH = 8 * 1024, /* of answers not taken: no more queries are */
    OUT_MAX = 64 * 1024,
    READ_SIZE = 2048,
};

struct dns_gate_stream {
    TAILQ_ENTRY(dns_gate_stream) link;
    struct dns_gate *gate; /* borrowed: the owner */
    int fd;
    struct event *readable, *writable;
    struct deadline idle;
    struct buffer in, out;
    struct dns_gate_route route;
    char sandbox_id[SANDBOX_ID_MAX];
    unsigned unanswered;
    bool is_at_end; /* the client sends no more */
    bool is_broken; /* closes at the next event */
};

void dns_gate_tcp_close(struct dns_gate_stream *stream)
{
    dns_gate_query_forget(stream->gate, stream);
    TAILQ_REMOVE(&stream->gate->streams, stream, link);
    stream->gate->stream_count--;
    deadline_clear(&stream->idle);
    if (stream->readable != NULL)
        event_free(stream->readable);
    if (stream->writable != NULL)
        event_free(stream->writable);
    buffer_clear(&stream->in);
    buffer_clear(&stream->out);
    close(stream->fd);
    free(stream);
}

static void on_idle(void *owner)
{
    dns_gate_tcp_close(owner);
}

static bool has_room(const struct dns_gate_stream *stream)
{
    return !stream->is_broken && stream->unanswered < UNANSWERED_MAX &&
           buffer_len(&stream->out) < OUT_HIGH;
}

/* The deadline moves with whole queries and their answers, not with single bytes. */
static void take_queries(struct dns_gate_stream *stream)
{
    struct slice message;
    enum error error = OK;

    while (has_room(stream)) {
        error = dns_frame_read(buffer_view(&stream->in), &message);
        if (error != OK)
            break;
        stream->unanswered++;
        deadline_set(&stream->idle, IDLE_MS);
        dns_gate_query_start(stream->gate, &stream->route, message);
        buffer_consume(&stream->in, DNS_FRAME_HEADER_LEN + message.len);
    }
    if (error != OK && error != ERR_AGAIN)
        stream->is_broken = true;
}

static void flush(struct dns_gate_stream *stream)
{
    while (buffer_len(&stream->out) > 0) {
        struct slice pending = buffer_view(&stream->out);
        ssize_t sent = send(stream->fd, pending.data, pending.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0) {
            stream->is_broken |= errno != EAGAIN && errno != EINTR;
            return;
        }
        buffer_consume(&stream->out, (size_t)sent);
    }
}

static bool has_query(const struct dns_gate_stream *stream)
{
    struct slice message;

    return dns_frame_read(buffer_view(&stream->in), &message) == OK;
}

static bool is_done(const struct dns_gate_stream *stream)
{
    bool is_idle = stream->unanswered == 0 && buffer_len(&stream->out) == 0;

    return stream->is_broken || (stream->is_at_end && is_idle && !has_query(stream));
}

static void want(struct event *event, bool is_wanted)
{
    if (is_wanted)
        event_add(event, NULL);
    else
        event_del(event);
}

/* After anything happened. Closes the stream when it is done. */
static void advance(struct dns_gate_stream *stream)
{
    take_queries(stream);
    flush(stream);
    if (is_done(stream)) {
        dns_gate_tcp_close(stream);
        return;
    }
    want(stream->readable, !stream->is_at_end && has_room(stream));
    want(stream->writable, buffer_len(&stream->out) > 0);
}

static void on_writable(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    advance(argument);
}

/* `in` has room for one query at least: a complete one would have been taken, or reading stopped.
 */
static void on_readable(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    struct dns_gate_stream *stream = argument;
    char bytes[READ_SIZE];
    size_t room = stream->in.limit - buffer_len(&stream->in);
    ssize_t len = recv(stream->fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes), 0);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    stream->is_at_end = len == 0;
    if (len < 0 || (len > 0 && buffer_append(&stream->in, slice_of(bytes, (size_t)len)) != OK))
        stream->is_broken = true;
    advance(stream);
}

/* The answer may come from inside take_queries(): what follows from it waits for the event. */
void dns_gate_tcp_send(struct dns_gate_stream *stream, struct slice message)
{
    stream->unanswered--;
    if (dns_frame_write(message, &stream->out) != OK)
        stream->is_broken = true;
    event_active(stream->writable, EV_WRITE, 0);
}

void dns_gate_tcp_drop(struct dns_gate_stream *stream)
{
    stream->unanswered--;
    stream->is_broken = true;
    event_active(stream->writable, EV_WRITE, 0);
}

/* Of one sandbox's socket, or one address. */
static bool is_same_client(const struct dns_gate_stream *stream, const struct listener *listener,
                           const struct ip_endpoint *client)
{
    struct slice sandbox = slice_of(listener->sandbox_id, listener->sandbox_id_len);

    if (sandbox.len > 0)
        return slice_equals(stream->route.listener_sandbox, sandbox);
    return ip_address_equals(&stream->route.source.address, &client->address);
}

static bool has_too_many(const struct dns_gate *gate, const struct listener *listener,
                         const struct ip_endpoint *client)
{
    const struct dns_gate_stream *stream;
    unsigned count = 0;

    if (gate->stream_count == DNS_GATE_STREAMS_MAX)
        return true;
    TAILQ_FOREACH(stream, &gate->streams, link)
    count += is_same_client(stream, listener, client);
    return count >= DNS_GATE_STREAMS_PER_CLIENT;
}

static bool watch(struct dns_gate_stream *stream)
{
    struct event_base *base = stream->gate->proxy->base;

    stream->readable = event_new(base, stream->fd, EV_READ | EV_PERSIST, on_readable, stream);
    stream->writable = event_new(base, stream->fd, EV_WRITE | EV_PERSIST, on_writable, stream);
    return stream->readable != NULL && stream->writable != NULL &&
           event_add(stream->readable, NULL) == 0;
}

static void fill(struct dns_gate_stream *stream, const struct listener *listener,
                 const struct ip_endpoint *client)
{
    memcpy(stream->sandbox_id, listener->sandbox_id, listener->sandbox_id_len);
    stream->route.stream = stream;
    stream->route.source = *client;
    stream->route.listener_sandbox = slice_of(stream->sandbox_id, listener->sandbox_id_len);
    buffer_init(&stream->in, DNS_FRAME_HEADER_LEN + DNS_QUERY_MAX);
    buffer_init(&stream->out, OUT_MAX);
    deadline_init(&stream->idle, stream->gate->proxy->base, on_idle, stream);
    deadline_set(&stream->idle, IDLE_MS);
}

void dns_gate_tcp_open(struct dns_gate *gate, int fd, const struct listener *listener,
                       const struct ip_endpoint *client)
{
    struct dns_gate_stream *stream = NULL;

    if (!has_too_many(gate, listener, client))
        stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        close(fd);
        return;
    }
    stream->gate = gate;
    stream->fd = fd;
    fill(stream, listener, client);
    TAILQ_INSERT_TAIL(&gate->streams, stream, link);
    gate->stream_count++;
    if (!watch(stream))
        dns_gate_tcp_close(stream);
}
