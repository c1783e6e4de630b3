/* SPDX-License-Identifier: Apache-2.0 */
/* Messages over a channel, to the handler that its owner has for them. Never hands on a message
 * that the owner did not list. */
#include "process/peer.h"

#include "observe/log.h"

#include <unistd.h>

static void peer_break(struct peer *peer)
{
    peer_close(peer);
    if (peer->on_gone != NULL)
        peer->on_gone(peer);
}

void peer_reject(struct peer *peer, const char *event, enum error error)
{
    LOG(LEVEL_ERROR, event, .error = error, .number = (long long)peer->role, .has_number = true);
    peer_break(peer);
}

static void refuse_message(struct peer *peer, enum message_type type)
{
    LOG(LEVEL_ERROR, "peer_message_refused", .name = message_name(type),
        .number = (long long)peer->role, .has_number = true);
    peer_break(peer);
}

static void on_frame(void *context, struct slice bytes, int *descriptors, size_t count)
{
    struct peer *peer = context;
    struct message message;
    enum error error = message_decode(bytes, descriptors, count, &message);

    if (error != OK) {
        peer_reject(peer, "peer_message_malformed", error);
        return;
    }
    if (peer->handlers[message.type] != NULL)
        peer->handlers[message.type](peer, &message);
    else
        refuse_message(peer, message.type);
    message_clear(&message);
}

static void on_closed(void *context)
{
    peer_break(context);
}

static void on_drained(void *context)
{
    struct peer *peer = context;

    if (peer->on_drained != NULL)
        peer->on_drained(peer);
}

enum error peer_open(struct peer *peer, struct event_base *base, int fd)
{
    struct channel_events events = {
        .context = peer, .on_frame = on_frame, .on_closed = on_closed, .on_drained = on_drained};

    peer_close(peer);
    return channel_open(base, fd, &events, &peer->channel);
}

void peer_close(struct peer *peer)
{
    channel_close(TAKE(peer->channel));
}

bool peer_is_open(const struct peer *peer)
{
    return peer->channel != NULL;
}

static void close_descriptors(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(descriptors[i]);
}

enum error peer_send(struct peer *peer, const struct message *message)
{
    struct buffer encoded;
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t count = 0;

    buffer_init(&encoded, CHANNEL_FRAME_MAX);
    enum error error = message_encode(message, &encoded, descriptors, &count);
    if (error == OK && peer->channel == NULL)
        error = ERR_UNAVAILABLE;
    if (error == OK)
        error = channel_send(peer->channel, buffer_view(&encoded), message_secrecy(message->type),
                             descriptors, count);
    else
        close_descriptors(descriptors, count);
    buffer_clear(&encoded);
    return error == ERR_CLOSED ? ERR_UNAVAILABLE : error;
}

void peer_post(struct peer *peer, const struct message *message)
{
    enum error error = peer_send(peer, message);

    if (error != OK && error != ERR_UNAVAILABLE)
        LOG(LEVEL_ERROR, "message_not_sent", .name = message_name(message->type), .error = error);
}
