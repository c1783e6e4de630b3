/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A control process in miniature: the real API over a database in memory, a key ring in place of
 * the keyholder, and workers and a dialer that the test plays. The event loop runs in the test's
 * thread, each call of the client in a thread of its own, so nothing depends on timing. */

#include "control/client.h"
#include "control/control.h"
#include "seal/seal.h"
#include "store/store.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { FIXTURE_PUSHES_MAX = 64 };

struct fixture_push {
    unsigned worker;
    uint64_t number;
    bool gone;
    struct view *view;        /* NULL when gone, or when an address was announced */
    struct ip_address source; /* that was; len 0: none */
};

/* What keyholder and dialer were told last. */
struct fixture_outdating {
    uint64_t push, generation;
    size_t count;
    char sandbox[64]; /* the last one named */
    size_t pushes_before;
};

struct fixture {
    struct event_base *base;
    struct store *store;
    struct keyring *ring;
    struct control *control;
    char first_key[64];
    char directory[64], socket_path[96], url[64];

    /* the workers */
    bool holds_back_acks;
    struct fixture_push pushes[FIXTURE_PUSHES_MAX];
    size_t push_count;
    struct view *sent; /* the last answer to a view request */
    bool sent_nothing;
    enum error sent_error;

    /* the dialer */
    enum refusal_code resolved_code;
    uint64_t resolve_ticket; /* the last one that was asked */
    bool resolves_private;   /* ... as a named private target */
    bool resolves_by_proxy;  /* to the address of an upstream proxy */
    bool holds_back_resolve;

    /* keyholder and dialer */
    struct fixture_outdating outdated;
    size_t outdate_count;
    bool dialer_holds_back;

    /* the keyholder */
    unsigned ca_rotations, retirements, signed_sandboxes, verified_stores;
    bool has_taken_over;
    bool keyholder_is_away;

    /* the supervisor: the last ca.pem and ca-bundle.pem */
    struct buffer ca_pem, ca_bundle;
};

/* A call under way. */
struct fixture_call {
    struct client client;
    struct client_request request;
    struct client_answer answer;
    enum error error;
    pthread_t thread;
    int done_pipe[2];
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* With the first key over TCP. `body` is JSON text, or NULL. The answer is the caller's. */
struct client_answer fixture_ask(struct fixture *fixture, const char *method, const char *path,
                                 const char *body);
/* With another key (NULL: none). */
struct client_answer fixture_ask_as(struct fixture *fixture, const char *key, const char *method,
                                    const char *path, const char *body);
/* Over the local socket; `org` may be NULL. */
struct client_answer fixture_ask_locally(struct fixture *fixture, const char *org,
                                         const char *method, const char *path, const char *body);
/* Expects this status and drops the answer. */
void fixture_expect(struct fixture *fixture, int status, const char *method, const char *path,
                    const char *body);
/* Expects this status, code, and a sentence that contains `words`. */
void fixture_refused(struct fixture *fixture, int status, const char *words, const char *method,
                     const char *path, const char *body);

/* The two halves of fixture_ask(). */
void fixture_start(struct fixture *fixture, struct fixture_call *call, const char *method,
                   const char *path);
/* `body` is taken. */
void fixture_start_post(struct fixture *fixture, struct fixture_call *call, const char *path,
                        json_t *body);
bool fixture_is_done(struct fixture_call *call);
struct client_answer fixture_finish(struct fixture *fixture, struct fixture_call *call);
/* A whole call that may fail. */
enum error fixture_run(struct fixture *fixture, struct fixture_call *call);
/* One round of the event loop, without waiting. */
void fixture_pump(struct fixture *fixture);

/* Sends bytes as they are over TCP and returns everything until the end, NUL-terminated. */
char *fixture_send_raw(struct fixture *fixture, const char *bytes);

/* The text of a field, "" when it is not there. Borrowed. */
const char *field(const json_t *object, const char *name);
/* Makes a store and returns its id in `id`. */
void fixture_make_store(struct fixture *fixture, const char *body, char id[64]);
/* Makes a sandbox and returns its id. */
void fixture_make_sandbox(struct fixture *fixture, const char *body, char id[64]);
/* printf into one of a few static buffers: for paths and bodies. */
const char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
