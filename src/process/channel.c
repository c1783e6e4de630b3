/* SPDX-License-Identifier: Apache-2.0 */
/* Frames between two processes. Never blocks but in channel_wait(), and never keeps a byte of a
 * frame that was delivered or sent. */
#include "process/channel.h"

#include "process/channel_frame.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* After so many frames the event loop gets its turn. */
enum { FRAMES_PER_TURN = 64 };

struct channel {
    int fd;
    struct channel_events events;
    struct event *readable, *writable;
    struct channel_frame *queue_head, **queue_tail;
    size_t queued_bytes;
    bool is_paused;
    bool is_broken;     /* on_closed is due */
    bool is_delivering; /* in a callback: channel_close() leaves freeing to it */
    bool is_closed;
    char *received; /* CHANNEL_PACKET_MAX bytes */
};

enum error channel_pair(int out[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out) != 0)
        return ERR_SYSTEM;
    return OK;
}

static void channel_destroy(struct channel *channel)
{
    while (channel->queue_head != NULL) {
        struct channel_frame *frame = channel->queue_head;

        channel->queue_head = frame->next;
        channel_frame_free(frame);
    }
    free(channel->received);
    free(channel);
}

void channel_close(struct channel *channel)
{
    if (channel == NULL || channel->is_closed)
        return;
    channel->is_closed = true;
    if (channel->readable != NULL)
        event_free(channel->readable);
    if (channel->writable != NULL)
        event_free(channel->writable);
    close(channel->fd);
    if (!channel->is_delivering)
        channel_destroy(channel);
}

/* Returns false when the channel was closed, and is freed, in the callback. */
static bool after_callback(struct channel *channel)
{
    channel->is_delivering = false;
    if (!channel->is_closed)
        return true;
    channel_destroy(channel);
    return false;
}

/* The end: no more events, and the owner is told, once. */
static void report_closed(struct channel *channel)
{
    event_del(channel->readable);
    event_del(channel->writable);
    channel->is_delivering = true;
    channel->events.on_closed(channel->events.context);
    after_callback(channel);
}

/* on_closed comes from the event loop, not from within the owner's call. */
static void break_later(struct channel *channel)
{
    channel->is_broken = true;
    event_active(channel->readable, EV_READ, 0);
}

static bool deliver(struct channel *channel, struct channel_packet *packet)
{
    channel->is_delivering = true;
    channel->events.on_frame(channel->events.context, packet->bytes, packet->descriptors,
                             packet->count);
    channel_packet_clear(packet, channel->received);
    return after_callback(channel);
}

/* OK: one frame was delivered, and `*alive` says whether the channel still is. ERR_AGAIN: there is
 * none. */
static enum error receive_one(struct channel *channel, bool *alive)
{
    struct channel_packet packet;

    *alive = true;
    if (channel->is_broken)
        return ERR_CLOSED;
    TRY(channel_packet_receive(channel->fd, channel->received, &packet));
    *alive = deliver(channel, &packet);
    return OK;
}

static void on_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct channel *channel = argument;
    bool alive = true;
    enum error error = OK;

    for (int i = 0; i < FRAMES_PER_TURN && error == OK; i++) {
        error = receive_one(channel, &alive);
        if (!alive || channel->is_paused)
            return;
    }
    if (error != OK && error != ERR_AGAIN)
        report_closed(channel);
}

static void drop_sent(struct channel *channel)
{
    struct channel_frame *sent = channel->queue_head;

    channel->queue_head = sent->next;
    if (channel->queue_head == NULL)
        channel->queue_tail = &channel->queue_head;
    channel->queued_bytes -= sent->cost;
    channel_frame_free(sent);
}

/* OK: all was sent. ERR_AGAIN, ERR_CLOSED. */
static enum error flush_queue(struct channel *channel)
{
    while (channel->queue_head != NULL) {
        TRY(channel_frame_send(channel->fd, channel->queue_head));
        drop_sent(channel);
    }
    event_del(channel->writable);
    return OK;
}

static void on_writable(evutil_socket_t fd UNUSED, short what UNUSED, void *argument)
{
    struct channel *channel = argument;
    enum error error = flush_queue(channel);

    if (error == ERR_CLOSED)
        break_later(channel);
    if (error != OK || channel->events.on_drained == NULL)
        return;
    channel->is_delivering = true;
    channel->events.on_drained(channel->events.context);
    after_callback(channel);
}

static enum error add_events(struct channel *channel, struct event_base *base)
{
    channel->readable = event_new(base, channel->fd, EV_READ | EV_PERSIST, on_readable, channel);
    channel->writable = event_new(base, channel->fd, EV_WRITE | EV_PERSIST, on_writable, channel);
    channel->received = malloc(CHANNEL_PACKET_MAX);
    if (channel->readable == NULL || channel->writable == NULL || channel->received == NULL)
        return ERR_NO_MEMORY;
    return event_add(channel->readable, NULL) == 0 ? OK : ERR_SYSTEM;
}

enum error channel_open(struct event_base *base, int fd, const struct channel_events *events,
                        struct channel **out)
{
    struct channel *channel = calloc(1, sizeof(*channel));

    if (channel == NULL) {
        close(fd);
        return ERR_NO_MEMORY;
    }
    channel->fd = fd;
    channel->events = *events;
    channel->queue_tail = &channel->queue_head;
    enum error error = evutil_make_socket_nonblocking(fd) == 0 ? OK : ERR_SYSTEM;
    if (error == OK)
        error = add_events(channel, base);
    if (error != OK) {
        channel_close(channel);
        return error;
    }
    *out = channel;
    return OK;
}

static enum error enqueue(struct channel *channel, struct channel_frame *frame)
{
    if (channel->queued_bytes + frame->cost > CHANNEL_QUEUE_MAX ||
        event_add(channel->writable, NULL) != 0) {
        channel_frame_free(frame);
        return ERR_CLOSED;
    }
    *channel->queue_tail = frame;
    channel->queue_tail = &frame->next;
    channel->queued_bytes += frame->cost;
    return OK;
}

static enum error send_or_queue(struct channel *channel, struct channel_frame *frame)
{
    if (channel->queue_head != NULL)
        return enqueue(channel, frame);
    enum error error = channel_frame_send(channel->fd, frame);
    if (error == ERR_AGAIN)
        return enqueue(channel, frame);
    channel_frame_free(frame);
    return error;
}

enum error channel_send(struct channel *channel, struct slice bytes, enum channel_secrecy secrecy,
                        const int *descriptors, size_t count)
{
    struct channel_frame *frame;

    TRY(channel_frame_new(bytes, secrecy, descriptors, count, &frame));
    enum error error = ERR_CLOSED;
    if (channel->is_broken || channel->is_closed)
        channel_frame_free(frame);
    else
        error = send_or_queue(channel, frame);
    if (error != OK && !channel->is_broken && !channel->is_closed)
        break_later(channel);
    return error;
}

bool channel_is_drained(const struct channel *channel)
{
    return channel->queue_head == NULL;
}

void channel_pause(struct channel *channel)
{
    channel->is_paused = true;
    event_del(channel->readable);
}

void channel_resume(struct channel *channel)
{
    channel->is_paused = false;
    if (event_add(channel->readable, NULL) != 0)
        break_later(channel);
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ERR_AGAIN: something may have come, look. */
static enum error wait_for_descriptor(struct channel *channel, long long deadline_ms)
{
    short writing = channel->queue_head != NULL ? POLLOUT : 0;
    struct pollfd descriptor = {.fd = channel->fd, .events = POLLIN | writing};
    long long left_ms = deadline_ms - now_ms();

    if (left_ms <= 0)
        return ERR_TIMEOUT;
    if (poll(&descriptor, 1, (int)left_ms) < 0 && errno != EINTR)
        return ERR_SYSTEM;
    if ((descriptor.revents & POLLOUT) != 0)
        return flush_queue(channel) == ERR_CLOSED ? ERR_CLOSED : ERR_AGAIN;
    return ERR_AGAIN;
}

enum error channel_wait(struct channel *channel, int timeout_ms)
{
    long long deadline_ms = now_ms() + timeout_ms;
    bool alive = true;
    enum error error;

    if (channel->is_delivering)
        return ERR_CONFLICT;
    while ((error = receive_one(channel, &alive)) == ERR_AGAIN) {
        error = wait_for_descriptor(channel, deadline_ms);
        if (error != ERR_AGAIN)
            break;
    }
    if (error == ERR_CLOSED || error == ERR_SYNTAX)
        report_closed(channel);
    return !alive || error == ERR_SYNTAX ? ERR_CLOSED : error;
}
