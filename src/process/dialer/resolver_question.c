/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for A and AAAA side by side. Never answers twice, and never without having heard of a family
 * or having waited for it. */
#include "process/dialer/resolver_question.h"

#include <event2/event.h>
#include <stdlib.h>

enum { TTL_MIN_S = 1, TTL_MAX_S = 60, DELAY_MS = 50, FAMILY_MAX = RESOLVER_ADDRESSES_MAX / 2 };

struct asked {
    struct resolver_question question;
    struct resolver_channel *channel; /* borrowed */
    struct event *delay;              /* until the other family is given up; it may still come */
    unsigned outstanding;             /* c-ares cannot be told to forget one */
    bool is_answered;
    int status;
    struct resolver_answer answer;
};

/* What says more about the name wins: addresses, then a failure, then "none", then "unknown". */
static int rank(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 3;
    case ARES_ENODATA:
        return 1;
    case ARES_ENOTFOUND:
        return 0;
    default:
        return 2;
    }
}

static void note_status(struct asked *asked, int status)
{
    if (rank(status) > rank(asked->status))
        asked->status = status;
}

/* The lowest TTL counts, within our bounds. */
static void add_addresses(struct resolver_answer *answer, const struct ares_addrinfo *info)
{
    size_t limit = answer->count + FAMILY_MAX;

    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL && answer->count < limit;
         node = node->ai_next) {
        struct ip_endpoint endpoint;
        uint32_t ttl = node->ai_ttl < TTL_MIN_S ? TTL_MIN_S : (uint32_t)node->ai_ttl;

        if (!ip_endpoint_from_sockaddr(node->ai_addr, &endpoint))
            continue;
        answer->addresses[answer->count++] = endpoint.address;
        answer->ttl_s = ttl < answer->ttl_s ? ttl : answer->ttl_s;
    }
}

static void tell(struct asked *asked)
{
    asked->is_answered = true;
    event_del(asked->delay);
    if (asked->outstanding > 0)
        asked->answer.ttl_s = TTL_MIN_S; /* half an answer is not kept for long */
    asked->question.done(asked->question.context, asked->status, &asked->answer);
}

static void release(struct asked *asked)
{
    if (asked->outstanding > 0)
        return;
    event_free(asked->delay);
    free(asked);
}

static void on_delay_over(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    tell(argument);
}

static void settle(struct asked *asked)
{
    static const struct timeval delay = {.tv_usec = DELAY_MS * 1000};

    if (asked->is_answered)
        return;
    if (asked->outstanding == 0)
        tell(asked);
    else if (asked->answer.count > 0 && event_add(asked->delay, &delay) != 0)
        tell(asked);
}

static void on_family(void *argument, int status, int timeouts, struct ares_addrinfo *info)
{
    struct asked *asked = argument;
    size_t count = asked->answer.count;

    (void)timeouts;
    resolver_channel_answered(asked->channel);
    asked->outstanding--;
    if (status == ARES_SUCCESS && !asked->is_answered)
        add_addresses(&asked->answer, info);
    ares_freeaddrinfo(info);
    if (status == ARES_SUCCESS && asked->answer.count == count)
        status = ARES_ENODATA;
    if (!asked->is_answered)
        note_status(asked, status);
    settle(asked);
    release(asked);
}

enum error resolver_question_ask(struct resolver_channel *channel, const char *name,
                                 const struct resolver_question *question)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL)
        return ERR_NO_MEMORY;

    *asked = (struct asked){.question = *question,
                            .channel = channel,
                            .delay = resolver_channel_timer(channel, on_delay_over, asked),
                            .outstanding = 2,
                            .status = ARES_ENOTFOUND,
                            .answer = {.ttl_s = TTL_MAX_S}};
    if (asked->delay == NULL) {
        free(asked);
        return ERR_NO_MEMORY;
    }
    resolver_channel_ask(channel, name, AF_INET6, on_family, asked);
    /* The first answer may be there; the second cannot have been, so `asked` is. */
    resolver_channel_ask(channel, name, AF_INET, on_family, asked);
    return OK;
}
