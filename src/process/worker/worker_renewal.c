/* SPDX-License-Identifier: Apache-2.0 */
/* Requests whose view does not count any more: asked again under the one that does. Never twice
 * under the same view. */
#include "process/worker/worker_state.h"

/* Somebody who changes a store all the time must not keep a request going for ever. */
enum { RENEWALS_MAX = 16 };

static bool is_newer(const struct held_view *held, const struct worker_request *request)
{
    return held != NULL && held->view->generation > request->view->generation;
}

/* Values are numbered by their view. Who waits for them was told of the new one, and decides anew.
 */
static void renew(struct worker *worker, struct worker_request *request,
                  const struct held_view *held)
{
    if (request->kind == WORKER_REQUEST_VALUES || ++request->renewals > RENEWALS_MAX) {
        worker_request_fail(worker, request);
        return;
    }
    view_unref(request->view);
    request->view = view_ref(held->view);
    worker_request_submit(worker, request);
}

static void ask_control(struct worker *worker, struct held_view *held)
{
    const struct proxy_services *services = &worker_request_services;

    if (held->is_newer_asked_for)
        return;
    held->is_newer_asked_for = true;
    services->request_view(worker, 0, held->view->sandbox_id, NULL);
}

void worker_renewal_begin(struct worker *worker, struct worker_request *request)
{
    struct held_view *held = held_views_current(&worker->views, request->view->sandbox_id);

    if (is_newer(held, request)) {
        renew(worker, request, held);
    } else if (held == NULL || worker->control.is_given_up) {
        worker_request_fail(worker, request);
    } else {
        request->awaits_view = true;
        ask_control(worker, held);
    }
}

static void settle(struct worker *worker, struct worker_request *request)
{
    const struct held_view *held = held_views_current(&worker->views, request->view->sandbox_id);

    if (is_newer(held, request))
        renew(worker, request, held);
    else
        worker_request_fail(worker, request);
}

/* An empty id: of every sandbox. */
static void settle_waiting(struct worker_service *service, struct slice sandbox_id)
{
    struct worker_request *request = TAILQ_FIRST(&service->requests), *next;

    for (; request != NULL; request = next) {
        next = TAILQ_NEXT(request, next);
        if (request->awaits_view &&
            (sandbox_id.len == 0 || slice_equals(request->view->sandbox_id, sandbox_id)))
            settle(service->worker, request);
    }
}

void worker_renewal_on_view(struct worker *worker, struct slice sandbox_id)
{
    struct held_view *held = held_views_current(&worker->views, sandbox_id);

    if (held != NULL)
        held->is_newer_asked_for = false;
    if (sandbox_id.len == 0)
        return;
    settle_waiting(&worker->dialer, sandbox_id);
    settle_waiting(&worker->keyholder, sandbox_id);
}

void worker_renewal_give_up(struct worker *worker)
{
    settle_waiting(&worker->dialer, SLICE_NONE);
    settle_waiting(&worker->keyholder, SLICE_NONE);
}
