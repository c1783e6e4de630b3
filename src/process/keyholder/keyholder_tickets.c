/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of session tickets: made here, the same for every worker of the node, in memory alone.
 * Never keeps one for longer than tickets of it may be opened. */
#include "process/keyholder/keyholder_state.h"

#include <event2/event.h>
#include <sodium.h>

/* As long as a ticket lives (client_tls.c), so that none is useless before its time. */
enum { ROTATION_S = 2 * 3600 };

static uint8_t *former_of(const struct keyholder *keyholder)
{
    return keyholder->ticket_keys + MESSAGE_TICKET_KEY_SIZE;
}

static void send_key(const uint8_t *key, struct peer *worker)
{
    struct message message = {.type = MESSAGE_TICKET_KEY};

    memcpy(message.ticket_key.key, key, MESSAGE_TICKET_KEY_SIZE);
    peer_post(worker, &message);
    message_clear(&message);
}

static void on_rotation(UNUSED evutil_socket_t fd, UNUSED short what, void *argument)
{
    struct keyholder *keyholder = argument;

    memcpy(former_of(keyholder), keyholder->ticket_keys, MESSAGE_TICKET_KEY_SIZE);
    keyholder->has_former_ticket_key = true;
    randombytes_buf(keyholder->ticket_keys, MESSAGE_TICKET_KEY_SIZE);
    for (size_t i = 0; i < keyholder->worker_count; i++)
        if (keyholder->workers[i] != NULL)
            keyholder_worker_rotate_tickets(keyholder->workers[i]);
}

enum error keyholder_tickets_start(struct keyholder *keyholder)
{
    static const struct timeval interval = {.tv_sec = ROTATION_S};

    keyholder->ticket_keys = sodium_malloc(2 * MESSAGE_TICKET_KEY_SIZE);
    keyholder->ticket_rotation =
        event_new(keyholder->child->base, -1, EV_PERSIST, on_rotation, keyholder);
    if (keyholder->ticket_keys == NULL || keyholder->ticket_rotation == NULL ||
        event_add(keyholder->ticket_rotation, &interval) != 0)
        return ERR_NO_MEMORY;
    randombytes_buf(keyholder->ticket_keys, MESSAGE_TICKET_KEY_SIZE);
    return OK;
}

void keyholder_tickets_send(const struct keyholder *keyholder, struct peer *worker)
{
    if (keyholder->has_former_ticket_key)
        send_key(former_of(keyholder), worker);
    send_key(keyholder->ticket_keys, worker);
}

void keyholder_tickets_stop(struct keyholder *keyholder)
{
    if (keyholder->ticket_rotation != NULL)
        event_free(keyholder->ticket_rotation);
    sodium_free(keyholder->ticket_keys);
}
