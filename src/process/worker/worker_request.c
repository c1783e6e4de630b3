/* SPDX-License-Identifier: Apache-2.0 */
/* What the data path asks of other processes. Never leaves a request without an answer: it is
 * repeated when the other process is back, or fails when that takes too long. */
#include "process/worker/worker_state.h"

#include <openssl/x509.h>
#include <stdlib.h>

static struct worker_service *service_for(struct worker *worker, enum worker_request_kind kind)
{
    switch (kind) {
    case WORKER_REQUEST_VIEW:
        return &worker->control;
    case WORKER_REQUEST_DIAL:
    case WORKER_REQUEST_LOOKUP:
        return &worker->dialer;
    case WORKER_REQUEST_MINT:
    case WORKER_REQUEST_VALUES:
        return &worker->keyholder;
    }
    abort();
}

struct worker_request *worker_request_find(const struct worker *worker, uint64_t number,
                                           enum worker_request_kind kind)
{
    struct table_entry *entry = table_find(&worker->requests, slice_of(&number, sizeof(number)));
    struct worker_request *request =
        entry == NULL ? NULL : CONTAINER_OF(entry, struct worker_request, entry);

    return request != NULL && request->kind == kind ? request : NULL;
}

static void request_destroy(struct worker_request *request)
{
    free(request->sandbox_id);
    view_unref(request->view);
    free(request);
}

void worker_request_free(struct worker *worker, struct worker_request *request)
{
    table_remove(&worker->requests, &request->entry);
    TAILQ_REMOVE(&service_for(worker, request->kind)->requests, request, next);
    request_destroy(request);
}

/* Ticket 0 is a resynchronisation: there will be another when control is back. */
static void fail_view(struct worker *worker, uint64_t ticket)
{
    if (ticket != 0)
        proxy_on_view(worker->proxy, ticket, ERR_UNAVAILABLE, NULL);
}

static void fail_ticket(struct worker *worker, enum worker_request_kind kind, uint64_t ticket)
{
    switch (kind) {
    case WORKER_REQUEST_VIEW:
        fail_view(worker, ticket);
        break;
    case WORKER_REQUEST_DIAL:
        proxy_on_dialed(
            worker->proxy, ticket,
            &(struct proxy_dialed){.code = REFUSAL_OVERLOADED,
                                   .fd = -1,
                                   .detail = SLICE("a process that is needed is restarting")});
        break;
    case WORKER_REQUEST_LOOKUP:
        proxy_on_looked_up(worker->proxy, ticket,
                           &(struct proxy_looked_up){.code = REFUSAL_OVERLOADED});
        break;
    case WORKER_REQUEST_MINT:
        proxy_on_minted(worker->proxy, ticket, ERR_UNAVAILABLE, NULL);
        break;
    case WORKER_REQUEST_VALUES:
        proxy_on_values_done(worker->proxy, ticket, ERR_UNAVAILABLE);
        break;
    }
}

void worker_request_fail(struct worker *worker, struct worker_request *request)
{
    enum worker_request_kind kind = request->kind;
    uint64_t ticket = request->ticket;

    worker_request_free(worker, request);
    fail_ticket(worker, kind, ticket);
}

static enum error present(struct worker *worker, const struct view *view,
                          enum held_view_audience audience, uint64_t *out_handle)
{
    struct worker_service *service =
        audience == HELD_VIEW_KEYHOLDER ? &worker->keyholder : &worker->dialer;
    struct held_view *held = held_views_find(&worker->views, view);
    struct message message = {.type = MESSAGE_PRESENT_VIEW};

    if (held == NULL)
        return ERR_NOT_FOUND;
    *out_handle = held->handle;
    if (held->is_presented[audience])
        return OK;
    message.present_view.handle = held->handle;
    message.present_view.view = buffer_view(&held->encoded);
    memcpy(message.present_view.mac, held->mac, MESSAGE_KEY_SIZE);
    TRY(peer_send(&service->peer, &message));
    held->is_presented[audience] = true;
    return OK;
}

static enum error send_view_request(struct worker *worker, const struct worker_request *request)
{
    return peer_send(
        &worker->control.peer,
        &(struct message){.type = MESSAGE_VIEW_REQUEST,
                          .view_request = {.ticket = request->number,
                                           .sandbox_id = slice_from_string(request->sandbox_id),
                                           .source = request->source}});
}

static enum error send_dial(struct worker *worker, const struct worker_request *request)
{
    struct message message = {.type = MESSAGE_DIAL,
                              .dial = {.ticket = request->number, .target = request->target}};

    TRY(present(worker, request->view, HELD_VIEW_DIALER, &message.dial.handle));
    return peer_send(&worker->dialer.peer, &message);
}

static enum error send_lookup(struct worker *worker, const struct worker_request *request)
{
    struct message message = {.type = MESSAGE_LOOKUP,
                              .lookup = {.ticket = request->number,
                                         .host = request->target.host,
                                         .wants_ipv6 = request->wants_ipv6}};

    TRY(present(worker, request->view, HELD_VIEW_DIALER, &message.lookup.handle));
    return peer_send(&worker->dialer.peer, &message);
}

static enum error send_mint(struct worker *worker, const struct worker_request *request)
{
    return peer_send(
        &worker->keyholder.peer,
        &(struct message){.type = MESSAGE_MINT,
                          .mint = {.ticket = request->number, .host = request->target.host}});
}

static enum error send_open_values(struct worker *worker, const struct worker_request *request)
{
    struct message message = {
        .type = MESSAGE_OPEN_VALUES,
        .open_values = {.ticket = request->number, .target = request->target}};

    TRY(present(worker, request->view, HELD_VIEW_KEYHOLDER, &message.open_values.handle));
    return peer_send(&worker->keyholder.peer, &message);
}

/* ERR_UNAVAILABLE: to be repeated when the service is back. */
static enum error request_send(struct worker *worker, const struct worker_request *request)
{
    switch (request->kind) {
    case WORKER_REQUEST_VIEW:
        return send_view_request(worker, request);
    case WORKER_REQUEST_DIAL:
        return send_dial(worker, request);
    case WORKER_REQUEST_LOOKUP:
        return send_lookup(worker, request);
    case WORKER_REQUEST_MINT:
        return send_mint(worker, request);
    case WORKER_REQUEST_VALUES:
        return send_open_values(worker, request);
    }
    abort();
}

void worker_request_submit(struct worker *worker, struct worker_request *request)
{
    request->awaits_view = false;
    enum error error = request_send(worker, request);
    bool waits = error == ERR_UNAVAILABLE && !service_for(worker, request->kind)->is_given_up;

    if (error != OK && !waits)
        worker_request_fail(worker, request);
}

/* NULL: out of memory, and the data path has been told. */
static struct worker_request *request_new(struct worker *worker, enum worker_request_kind kind,
                                          uint64_t ticket)
{
    struct worker_request *request = calloc(1, sizeof(*request));

    if (request != NULL) {
        request->number = ++worker->last_number;
        request->ticket = ticket;
        request->kind = kind;
        struct slice key = slice_of(&request->number, sizeof(request->number));
        if (table_insert(&worker->requests, &request->entry, key) == OK) {
            TAILQ_INSERT_TAIL(&service_for(worker, kind)->requests, request, next);
            return request;
        }
    }
    free(request);
    fail_ticket(worker, kind, ticket);
    return NULL;
}

static void request_view(void *context, uint64_t ticket, struct slice sandbox_id,
                         const struct ip_address *source)
{
    struct worker *worker = context;
    struct worker_request *request = request_new(worker, WORKER_REQUEST_VIEW, ticket);

    if (request == NULL)
        return;
    request->sandbox_id = slice_dup(sandbox_id);
    if (request->sandbox_id == NULL) {
        worker_request_fail(worker, request);
        return;
    }
    if (source != NULL)
        request->source = *source;
    worker_request_submit(worker, request);
}

static void release_view(void *context, struct slice sandbox_id)
{
    struct worker *worker = context;

    /* First the message: the id may lie in the view that goes. */
    peer_post(&worker->control.peer, &(struct message){.type = MESSAGE_VIEW_RELEASE,
                                                       .view_release = {.sandbox_id = sandbox_id}});
    held_views_release(&worker->views, sandbox_id);
    worker_service_sweep_views(worker);
}

static void report_activity(void *context, struct slice sandbox_id)
{
    struct worker *worker = context;

    peer_post(&worker->control.peer,
              &(struct message){.type = MESSAGE_ACTIVITY, .activity = {.sandbox_id = sandbox_id}});
}

static void request_for_target(struct worker *worker, struct worker_request *request,
                               const struct view *view, const struct authority *target)
{
    struct held_view *held = held_views_find(&worker->views, view);

    if (held == NULL) {
        worker_request_fail(worker, request);
        return;
    }
    request->view = view_ref(held->view);
    request->target = *target;
    worker_request_submit(worker, request);
}

static void dial(void *context, uint64_t ticket, const struct view *view,
                 const struct authority *target)
{
    struct worker_request *request = request_new(context, WORKER_REQUEST_DIAL, ticket);

    if (request != NULL)
        request_for_target(context, request, view, target);
}

static void lookup(void *context, uint64_t ticket, const struct view *view,
                   const struct proxy_lookup *lookup)
{
    struct worker_request *request = request_new(context, WORKER_REQUEST_LOOKUP, ticket);

    if (request == NULL)
        return;
    request->wants_ipv6 = lookup->wants_ipv6;
    request_for_target(context, request, view, &(struct authority){.host = *lookup->host});
}

static void mint(void *context, uint64_t ticket, const struct host_name *host)
{
    struct worker_request *request = request_new(context, WORKER_REQUEST_MINT, ticket);

    if (request == NULL)
        return;
    request->target.host = *host;
    worker_request_submit(context, request);
}

static void open_values(void *context, uint64_t ticket, const struct view *view,
                        const struct authority *target)
{
    struct worker_request *request = request_new(context, WORKER_REQUEST_VALUES, ticket);

    if (request != NULL)
        request_for_target(context, request, view, target);
}

const struct proxy_services worker_request_services = {
    .request_view = request_view,
    .release_view = release_view,
    .report_activity = report_activity,
    .dial = dial,
    .lookup = lookup,
    .mint = mint,
    .open_values = open_values,
};

/* What the data path asks while it hears of an answer comes behind `last`. */
static bool is_due(const struct worker_request *request, uint64_t last)
{
    return request != NULL && request->number <= last;
}

void worker_request_repeat(struct worker_service *service, uint64_t last)
{
    struct worker_request *request = TAILQ_FIRST(&service->requests), *next;

    for (; is_due(request, last); request = next) {
        next = TAILQ_NEXT(request, next);
        /* Values that came already would come twice. */
        if (request->is_answered_in_part)
            worker_request_fail(service->worker, request);
        else
            worker_request_submit(service->worker, request);
    }
}

void worker_request_fail_all(struct worker_service *service)
{
    uint64_t last = service->worker->last_number;
    struct worker_request *request;

    while (is_due(request = TAILQ_FIRST(&service->requests), last))
        worker_request_fail(service->worker, request);
}

void worker_request_clear(struct worker *worker)
{
    struct table_entry *entry;

    while ((entry = table_first(&worker->requests)) != NULL)
        worker_request_free(worker, CONTAINER_OF(entry, struct worker_request, entry));
    table_clear(&worker->requests);
}
