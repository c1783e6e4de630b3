/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the control process share; private to them. */

#include "control/control.h"
#include "process/child.h"
#include "process/shared_pages.h"

struct control_process;
struct control_declaration; /* control_declaration.c */

/* A worker, as control sees it. */
struct control_worker {
    struct control_process *process;
    struct peer peer;
};

/* The one call to the keyholder that is under way. */
struct control_call {
    uint64_t number;
    bool is_answered;
    enum error error;
    struct buffer *out; /* borrowed from the caller; NULL: nothing is expected */
};

struct control_listener {
    int fd;
    enum control_listener_kind kind;
};

enum { CONTROL_LISTENERS_MAX = 64 };

struct control_process {
    struct child *child;
    struct store *store;
    struct control *control; /* NULL before on_begin */
    struct peer keyholder, dialer;
    struct control_call call;
    struct control_worker *workers;
    struct shared_pages pages;
    int audit_fd;
    struct ip_endpoint proxy_address; /* of the first explicit proxy listener */
    struct control_listener listeners[CONTROL_LISTENERS_MAX]; /* until there is a control */
    size_t listener_count;
    int certificate_fd, key_fd; /* until it begins; -1: none */
    SSL_CTX *tls;               /* NULL: plain HTTP */
    struct control_declaration *declaration;
};

/* control_calls.c: control_services, and what comes back from keyholder and dialer. */
extern const struct control_services control_calls_services;
extern message_handler *const control_calls_from_keyholder[MESSAGE_COUNT];
extern message_handler *const control_calls_from_dialer[MESSAGE_COUNT];
/* To keyholder or dialer over a fresh channel: it may have missed changes, or control may. */
void control_calls_outdate_all(struct control_process *process, struct peer *peer);

/* control_worker.c: what workers say. */
void control_worker_init(struct control_process *process, unsigned index);
void control_worker_connect(struct control_worker *worker, struct message_peer *message);

/* control_sandbox.c: the one sandbox of `sealgate run`. Always true: answers the supervisor. */
bool control_sandbox_create(struct control_process *process,
                            const struct message_create_sandbox *message);

/* control_declaration.c: declared stores, message by message. */
struct control_declaration *control_declaration_new(void);
void control_declaration_free(struct control_declaration *declaration);
/* False: not one of these messages. Answers the last one to the supervisor. */
bool control_declaration_take(struct control_process *process, const struct message *message);
