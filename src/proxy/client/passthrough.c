/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes both ways between two sockets. Never looks at one, and never reads more than it can write.
 */
#include "proxy/client/passthrough.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { READS_PER_STEP = 16, IDLE_KEPT = 4096 };

static uint64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_named_private(const struct connection *connection)
{
    return decision_for_private(connection->sandbox->view, &connection->tunnel.host).verdict ==
           VERDICT_ALLOW;
}

static void dial(struct passthrough *passthrough)
{
    struct connection *connection = passthrough->connection;
    struct proxy *proxy = connection->proxy;
    struct view *view = connection->sandbox->view;

    passthrough->is_private = is_named_private(connection);
    uint64_t ticket = ticket_open(proxy, &passthrough->ticket, TICKET_PASSTHROUGH, passthrough);
    proxy->services.dial(proxy->services.context, ticket, view, &connection->tunnel);
}

struct passthrough *passthrough_open(struct connection *connection)
{
    struct passthrough *passthrough = calloc(1, sizeof(*passthrough));

    if (passthrough == NULL)
        return NULL;
    passthrough->connection = connection;
    passthrough->upstream.fd = -1;
    passthrough->up = (struct passthrough_way){&connection->leg, &passthrough->upstream, 0, false};
    passthrough->down =
        (struct passthrough_way){&passthrough->upstream, &connection->leg, 0, false};
    passthrough->began_ms = wall_clock_ms();
    passthrough->since_ms = deadline_now_ms();
    dial(passthrough);
    return passthrough;
}

static bool is_connected(const struct passthrough *passthrough)
{
    return passthrough->address.port != 0;
}

static bool is_over(const struct passthrough *passthrough)
{
    return passthrough->up.is_over && passthrough->down.is_over;
}

void passthrough_free(struct passthrough *passthrough)
{
    if (passthrough == NULL)
        return;
    ticket_cancel(passthrough->connection->proxy, &passthrough->ticket);
    if (is_connected(passthrough) && !is_over(passthrough)) {
        leg_reset_on_close(&passthrough->upstream);
        leg_reset_on_close(&passthrough->connection->leg);
    }
    leg_close(&passthrough->upstream);
    free(passthrough);
}

bool passthrough_on_dialed(struct proxy *proxy, uint64_t ticket, const struct proxy_dialed *answer)
{
    struct passthrough *passthrough = ticket_take(proxy, ticket, TICKET_PASSTHROUGH);

    if (passthrough == NULL)
        return false;
    struct connection *connection = passthrough->connection;
    if (answer->code != REFUSAL_NONE) {
        passthrough->refusal = answer->code;
    } else {
        passthrough->address = answer->address;
        /* It may have been dialled under a view that came meanwhile. */
        passthrough->is_private = passthrough->is_private || is_named_private(connection);
        leg_open(&passthrough->upstream, proxy->base, answer->fd, &proxy->legs);
        leg_set_owner(&passthrough->upstream, connection->leg.on_ready, connection->leg.owner);
    }
    task_schedule(&proxy->tasks, &connection->task);
    return true;
}

/* What one read brings goes out before the next. LEG_READY: there may be more, after others had
 * their turn. */
static enum leg_status move_some(struct passthrough_way *way)
{
    enum leg_status status = LEG_READY;
    struct slice bytes;

    for (int i = 0; i < READS_PER_STEP && status == LEG_READY; i++) {
        status = leg_flush(way->to);
        leg_want_read(way->from, status == LEG_READY);
        if (status == LEG_READY)
            status = leg_read(way->from, &bytes);
        if (status != LEG_READY)
            break;
        way->bytes += bytes.len;
        if (leg_write(way->to, bytes) != OK || leg_put_back(way->from, bytes, SLICE_NONE) != OK)
            return LEG_BROKEN;
    }
    return status;
}

static void end_way(struct passthrough_way *way)
{
    way->is_over = true;
    leg_want_read(way->from, false);
    leg_finish_writing(way->to);
}

/* A tunnel that waits holds no memory for bytes. */
static void release_storage(struct buffer *buffer)
{
    if (buffer_len(buffer) == 0 && buffer->capacity > IDLE_KEPT)
        buffer_clear(buffer);
}

static enum leg_status step_way(struct passthrough_way *way)
{
    if (way->is_over)
        return LEG_EOF;
    enum leg_status status = move_some(way);
    if (status == LEG_EOF)
        end_way(way);
    release_storage(&way->from->in);
    release_storage(&way->to->out);
    return status;
}

/* What has gone through, and what waits to: it changes whenever something moves. */
static uint64_t progress(const struct passthrough *passthrough)
{
    return passthrough->up.bytes + passthrough->down.bytes + passthrough->up.is_over +
           passthrough->down.is_over - buffer_len(&passthrough->upstream.out) -
           buffer_len(&passthrough->connection->leg.out);
}

static void on_progress(struct passthrough *passthrough)
{
    struct connection *connection = passthrough->connection;
    uint64_t limit_ms = connection->proxy->settings.idle_timeout_ms;

    if ((passthrough->up.is_over || passthrough->down.is_over) &&
        limit_ms > PASSTHROUGH_HALF_CLOSED_MS)
        limit_ms = PASSTHROUGH_HALF_CLOSED_MS;
    deadline_set(&connection->deadline, limit_ms);
    sandbox_touch(connection->sandbox);
}

enum passthrough_status passthrough_step(struct passthrough *passthrough)
{
    struct connection *connection = passthrough->connection;
    uint64_t before = progress(passthrough);

    if (passthrough->refusal != REFUSAL_NONE)
        return PASSTHROUGH_REFUSED;
    if (!is_connected(passthrough))
        return PASSTHROUGH_OPEN;
    enum leg_status up = step_way(&passthrough->up);
    enum leg_status down = step_way(&passthrough->down);
    if (up == LEG_BROKEN || down == LEG_BROKEN)
        return PASSTHROUGH_BROKEN;
    if (is_over(passthrough))
        return PASSTHROUGH_OVER;
    if (progress(passthrough) != before)
        on_progress(passthrough);
    if (up == LEG_READY || down == LEG_READY)
        task_schedule(&connection->proxy->tasks, &connection->task);
    return PASSTHROUGH_OPEN;
}
