/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of a worker share; private to them. */

#include "process/child.h"
#include "process/shared_pages.h"
#include "process/worker/held_views.h"
#include "proxy/proxy.h"
#include "proxy/session_tickets.h"
#include "proxy/upstream/own_ca.h"
#include "proxy/upstream/upstream_rules.h"

#include <sodium.h>
#include <sys/queue.h>

struct event;
struct worker;

/* Another process that this one asks. While it restarts, what was asked waits for a while. */
struct worker_service {
    struct worker *worker;
    struct peer peer;
    struct event *patience; /* timer: runs while the process is away */
    bool is_given_up;       /* away for too long: answers are ERR_UNAVAILABLE at once */
    TAILQ_HEAD(worker_requests, worker_request) requests; /* outstanding, oldest first */
};

enum worker_request_kind {
    WORKER_REQUEST_VIEW,
    WORKER_REQUEST_DIAL,
    WORKER_REQUEST_LOOKUP,
    WORKER_REQUEST_MINT,
    WORKER_REQUEST_VALUES,
};

/* What was asked and has not been answered, with all that is needed to ask again. */
struct worker_request {
    struct table_entry entry;
    TAILQ_ENTRY(worker_request) next; /* of its service */
    uint64_t number;                  /* its ticket on the channel; also the key */
    uint64_t ticket;                  /* the data path's */
    enum worker_request_kind kind;
    char *sandbox_id; /* VIEW: empty when asked by source */
    struct ip_address source;
    struct view *view;       /* DIAL, LOOKUP, VALUES: a reference */
    struct authority target; /* LOOKUP, MINT: the host alone */
    bool wants_ipv6;         /* LOOKUP */
    bool is_answered_in_part;
    bool awaits_view;  /* a newer one than `view`, to be asked again under it */
    unsigned renewals; /* how often it was */
};

/* Rules for upstream connections on their way from the supervisor. */
struct worker_upstream {
    struct upstream_rules *coming; /* NULL: nothing came */
    crypto_generichash_state digest;
    uint8_t in_force[crypto_generichash_BYTES]; /* digest of the rules that the proxy has */
};

struct worker_listener {
    int fd;
    enum proxy_listener_kind kind;
    char *sandbox_id; /* empty: any */
};

enum { WORKER_LISTENERS_MAX = 64 };

struct worker {
    struct child *child;
    struct proxy *proxy; /* NULL before on_begin */
    struct worker_service control, dialer, keyholder;
    struct held_views views;
    struct worker_upstream upstream;
    struct table requests;
    uint64_t last_number;
    EVP_PKEY *leaf_key;
    struct event *sweep; /* timer: superseded views */
    struct shared_pages pages;
    int audit_fd;
    bool audit_is_datagram;
    struct session_tickets *tickets;
    struct own_ca own_ca;
    struct worker_listener listeners[WORKER_LISTENERS_MAX]; /* until there is a proxy */
    size_t listener_count;
};

/* worker_service.c: connections to the other processes. */
MUST_USE enum error worker_service_init(struct worker *worker, struct worker_service *service,
                                        enum process_role role, message_handler *const *handlers);
void worker_service_clear(struct worker_service *service);
void worker_service_connect(struct worker_service *service, struct message_peer *message);
/* Forgets views that nobody uses any more, here and where they were presented. */
void worker_service_sweep_views(struct worker *worker);

/* worker_upstream.c: what files hold that the coming configuration names. False: not mine. */
bool worker_upstream_take(struct worker *worker, const struct message *message);
/* The rules to begin with. NULL when out of memory. */
struct upstream_rules *worker_upstream_begin(struct worker *worker);
/* The configuration has come: its rules take the place of those before, unless they say the same.
 */
void worker_upstream_reconfigure(struct worker *worker);
void worker_upstream_clear(struct worker *worker);

/* worker_request.c: proxy_services. */
extern const struct proxy_services worker_request_services;
/* The outstanding request with this number and kind; NULL: nobody waits for it any more. */
struct worker_request *worker_request_find(const struct worker *worker, uint64_t number,
                                           enum worker_request_kind kind);
void worker_request_free(struct worker *worker, struct worker_request *request);
/* The service has a fresh channel: asks again what was not answered, up to this number. */
void worker_request_repeat(struct worker_service *service, uint64_t last);
/* The service stays away: answers everything with ERR_UNAVAILABLE. */
void worker_request_fail_all(struct worker_service *service);
/* What it cannot be asked for. Frees it. */
void worker_request_fail(struct worker *worker, struct worker_request *request);
/* Sends it, perhaps once more; the service being away, it waits or fails. */
void worker_request_submit(struct worker *worker, struct worker_request *request);
/* Without an answer, because the process ends. */
void worker_request_clear(struct worker *worker);

/* worker_renewal.c: a view that does not count any more. */

/* From keyholder or dialer: this request is to be asked again under a newer view. */
void worker_renewal_begin(struct worker *worker, struct worker_request *request);
/* Control has said what counts for this sandbox, and the proxy has been told. */
void worker_renewal_on_view(struct worker *worker, struct slice sandbox_id);
/* Control stays away. */
void worker_renewal_give_up(struct worker *worker);

/* worker_answers.c: what comes from each of the other processes. */
extern message_handler *const worker_answers_from_control[MESSAGE_COUNT];
extern message_handler *const worker_answers_from_dialer[MESSAGE_COUNT];
extern message_handler *const worker_answers_from_keyholder[MESSAGE_COUNT];
