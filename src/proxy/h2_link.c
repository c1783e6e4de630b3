/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 between a leg and its messages. Never reads while too much waits to be written. */
#include "proxy/h2_link.h"

#include "observe/log.h"
#include "proxy/h2_message.h"
#include "proxy/sandbox.h"

static void on_push(void *owner)
{
    struct h2_link *link = owner;

    h2_link_flush(link);
    link->on_change(link->owner);
}

enum error h2_link_open(struct h2_link *link, struct sandbox *sandbox, struct leg *leg,
                        enum h2_role role)
{
    struct h2_limits limits = h2_session_default_limits();
    struct proxy *proxy = sandbox->proxy;

    limits.wide_shared = &sandbox->wide_streams;
    limits.wide_shared_max = SANDBOX_WIDE_STREAMS_MAX;
    limits.allows_websocket = role == H2_REQUESTS;
    /* An origin that echoes a value in a field would have it kept, and its table lives on. */
    if (role == H2_RESPONSES)
        limits.header_table_size = 0;

    link->proxy = proxy;
    link->leg = leg;
    TAILQ_INIT(&link->messages);
    task_init(&link->push, on_push, link);
    TRY(h2_session_new(role, &h2_message_events, link, &limits, &link->session));
    h2_session_tick(link->session, proxy_now_ms(proxy));
    task_schedule(&proxy->tasks, &link->push);
    return OK;
}

void h2_link_close(struct h2_link *link)
{
    if (link->session == NULL)
        return;
    while (!TAILQ_EMPTY(&link->messages))
        h2_message_free(TAILQ_FIRST(&link->messages));
    task_cancel(&link->proxy->tasks, &link->push);
    h2_session_free(link->session);
    link->session = NULL;
    link->is_over = true;
}

static void disconnect(struct h2_link *link)
{
    link->is_over = true;
    leg_want_read(link->leg, false);
    h2_session_disconnect(link->session);
    task_schedule(&link->proxy->tasks, &link->push);
}

enum leg_status h2_link_flush(struct h2_link *link)
{
    struct leg *leg = link->leg;
    enum leg_status status = LEG_READY;

    if (link->is_over)
        return LEG_BROKEN;
    while (status == LEG_READY && h2_session_wants_write(link->session)) {
        if (h2_session_pull(link->session, leg_out(leg), LEG_OUT_BUDGET) != OK)
            status = LEG_BROKEN;
        else
            status = leg_flush(leg);
    }
    if (status == LEG_READY)
        status = leg_flush(leg);
    if (status == LEG_BROKEN || (status == LEG_READY && h2_session_is_over(link->session)))
        disconnect(link);
    return status;
}

/* One read. False: nothing more now. */
static bool feed(struct h2_link *link)
{
    struct slice bytes;

    enum leg_status status = leg_read(link->leg, &bytes);
    if (status == LEG_BLOCKED)
        return false;
    if (status != LEG_READY) {
        disconnect(link);
        return false;
    }
    enum error error = h2_session_feed(link->session, bytes);
    if (leg_put_back(link->leg, bytes, SLICE_NONE) != OK)
        error = ERR_NO_MEMORY;
    if (error != OK)
        LOG(LEVEL_DEBUG, "h2_session_ended", .error = error);
    return error == OK;
}

static bool may_read(const struct h2_link *link)
{
    return !link->is_over && h2_session_wants_read(link->session) && leg_out_room(link->leg) > 0;
}

/* Stops when there is nothing more to read, or no room for what it would be answered. */
static bool read_all(struct h2_link *link)
{
    while (may_read(link))
        if (!feed(link))
            return true;
    return false;
}

void h2_link_step(struct h2_link *link)
{
    bool has_read_all;

    h2_session_tick(link->session, proxy_now_ms(link->proxy));
    do { /* what TLS has read ahead raises no event: room that flushing makes is for it */
        has_read_all = read_all(link);
        h2_link_flush(link);
    } while (!has_read_all && may_read(link));
    leg_want_read(link->leg, may_read(link));
    link->on_change(link->owner);
}
