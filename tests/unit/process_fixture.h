/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A process of sealgate under test: a real one, with the test as its supervisor and its peers. */

#include "process/peer.h"
#include "process/view_mac.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct process_fixture {
    struct event_base *base;
    pid_t process;
    enum process_role role;
    struct view_mac_key key; /* that the process has, too */
    struct peer supervisor;
};

/* What it says to its supervisor is for `handlers`, which find `world` as their context. */
static inline void process_fixture_start(struct process_fixture *fixture, int (*process_main)(void),
                                         message_handler *const *handlers, void *world)
{
    int pair[2];

    fixture->base = event_base_new();
    assert_int_equal(channel_pair(pair), OK);
    fixture->process = fork();
    if (fixture->process == 0) {
        dup2(pair[1], 3);
        closefrom(4);
        _exit(process_main());
    }
    close(pair[1]);
    fixture->supervisor =
        (struct peer){.role = fixture->role, .context = world, .handlers = handlers};
    assert_int_equal(peer_open(&fixture->supervisor, fixture->base, pair[0]), OK);
}

static inline void process_fixture_send(struct process_fixture *fixture,
                                        const struct message *message)
{
    assert_int_equal(peer_send(&fixture->supervisor, message), OK);
}

/* After the configuration: the key of views, and that all has been said. */
static inline void process_fixture_begin(struct process_fixture *fixture)
{
    struct message view_key = {.type = MESSAGE_VIEW_KEY};

    memset(fixture->key.bytes, 7, sizeof(fixture->key.bytes));
    memcpy(view_key.view_key.key, fixture->key.bytes, sizeof(fixture->key.bytes));
    process_fixture_send(fixture, &view_key);
    process_fixture_send(fixture, &(struct message){.type = MESSAGE_BEGIN});
}

/* `peer` has its context, its handlers and, where that matters, its on_gone; to the process it is
 * one of this role. */
static inline void process_fixture_connect(struct process_fixture *fixture, struct peer *peer,
                                           enum process_role role)
{
    int pair[2];

    assert_int_equal(channel_pair(pair), OK);
    process_fixture_send(
        fixture, &(struct message){.type = MESSAGE_PEER,
                                   .peer = {.role = role, .generation = 1, .channel = pair[1]}});
    peer->role = fixture->role;
    assert_int_equal(peer_open(peer, fixture->base, pair[0]), OK);
}

static inline void process_fixture_wait(struct process_fixture *fixture, const bool *condition)
{
    while (!*condition)
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
}

/* It ends by itself when its supervisor goes: 0 when it did so in order. The other peers are closed
 * already. */
static inline int process_fixture_end(struct process_fixture *fixture)
{
    int status = -1;

    peer_close(&fixture->supervisor);
    waitpid(fixture->process, &status, 0);
    event_base_free(fixture->base);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
