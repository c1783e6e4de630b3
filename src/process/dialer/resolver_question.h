/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One name, asked for in both families at once. When one of them has addresses the other gets
 * another 50 ms (RFC 8305, section 3), so that a nameserver that swallows AAAA holds nothing up.
 * Only resolver.c includes this. */

#include "process/dialer/resolver.h"
#include "process/dialer/resolver_channel.h"

struct resolver_question {
    /* Once, maybe before resolver_question_ask() returns. `status` is c-ares's: ARES_ENODATA when
     * the name has no address, ARES_ENOTFOUND when there is no such name; `answer` is empty unless
     * it is ARES_SUCCESS. */
    void (*done)(void *context, int status, const struct resolver_answer *answer);
    void *context;
};

/* ERR_NO_MEMORY: nothing was asked. It ends by itself, at the latest with the channel. */
MUST_USE enum error resolver_question_ask(struct resolver_channel *channel, const char *name,
                                          const struct resolver_question *question);
