/* SPDX-License-Identifier: Apache-2.0 */
/* The dialer process: messages in, dials out. Never dials for a worker's word alone: the view that
 * it presented, which control authenticated, must allow the target. */
#include "process/dialer/dialer.h"

#include "observe/log.h"
#include "policy/policy.h"
#include "process/dialer/dialer_state.h"

#include <stdlib.h>

enum { PROBES_MAX = 256 /* of control */, INTERFACES_MAX_AGE_S = 5 };

void dialer_end_request(struct dialer_request *request)
{
    LIST_REMOVE(request, next);
    if (request->quota == NULL)
        request->client->probes--;
    else
        dialer_quota_give_back(&request->client->dialer->quotas, request->quota);
    dial_free(request->dial);
    lookup_free(request->lookup);
    free(request);
}

/* The client has gone, or has begun anew: its views and requests with it. */
static void reset_client(struct dialer_client *client)
{
    while (!LIST_EMPTY(&client->requests))
        dialer_end_request(LIST_FIRST(&client->requests));
    presented_views_clear(&client->views);
}

static void on_gone(struct peer *peer)
{
    struct dialer_client *client = peer->context;

    reset_client(client);
    child_report_lost(client->dialer->child, peer);
}

/* Ends the channel of a client that does what no honest one does. */
static void reject(struct dialer_client *client, const char *what, enum error error)
{
    LOG(LEVEL_ERROR, "dialer_client_rejected", .name = what, .error = error,
        .number = client->peer.index, .has_number = true);
    peer_close(&client->peer);
    on_gone(&client->peer);
}

static void on_present_view(struct peer *peer, struct message *message)
{
    struct dialer_client *client = peer->context;
    enum error error = presented_views_add(&client->views, &client->dialer->child->view_key,
                                           &message->present_view);

    if (error != OK)
        reject(client, "view", error);
}

static void on_forget_view(struct peer *peer, struct message *message)
{
    struct dialer_client *client = peer->context;

    presented_views_remove(&client->views, message->forget_view.handle);
}

static void answer_dial(struct dialer_client *client, uint64_t ticket, uint64_t route_tag,
                        const struct dial_outcome *outcome)
{
    const struct message answer = {.type = MESSAGE_DIALED,
                                   .dialed = {.ticket = ticket,
                                              .route_tag = route_tag,
                                              .code = outcome->code,
                                              .address = outcome->endpoint,
                                              .detail = slice_from_string(outcome->detail),
                                              .socket = outcome->fd}};

    peer_post(&client->peer, &answer);
}

static void answer_probe(struct dialer_client *client, uint64_t ticket,
                         const struct dial_outcome *outcome)
{
    const struct message answer = {.type = MESSAGE_RESOLVED,
                                   .resolved = {.ticket = ticket,
                                                .code = outcome->code,
                                                .address = outcome->endpoint,
                                                .is_proxied = outcome->is_proxied,
                                                .detail = slice_from_string(outcome->detail)}};

    peer_post(&client->peer, &answer);
}

static void on_done(void *context, const struct dial_outcome *outcome)
{
    struct dialer_request *request = context;

    if (request->quota == NULL)
        answer_probe(request->client, request->ticket, outcome);
    else
        answer_dial(request->client, request->ticket, request->route_tag, outcome);
    dialer_end_request(request);
}

void dialer_follow_interfaces(struct dialer *dialer)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (dialer->interfaces_read != 0 && now.tv_sec - dialer->interfaces_read < INTERFACES_MAX_AGE_S)
        return;
    dialer->interfaces_read = now.tv_sec;
    dialer_guard_read_interfaces(&dialer->means.guard);
}

/* Takes the quota when it succeeds; NULL: a probe. */
static enum error start_request(struct dialer_client *client, struct dialer_quota *quota,
                                uint64_t ticket, const struct dial_question *question)
{
    struct dialer_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return ERR_NO_MEMORY;

    dialer_follow_interfaces(client->dialer);
    *request = (struct dialer_request){.client = client,
                                       .quota = quota,
                                       .ticket = ticket,
                                       .route_tag = client->dialer->child->route_tag};
    enum error error =
        dial_start(&client->dialer->means, question, on_done, request, &request->dial);
    if (error != OK) {
        free(request);
        return error;
    }
    LIST_INSERT_HEAD(&client->requests, request, next);
    if (quota == NULL)
        client->probes++;
    return OK;
}

struct decision_settings dialer_settings(const struct dialer *dialer)
{
    return (struct decision_settings){.default_deny = dialer->means.config->default_deny};
}

static enum refusal_code decide(const struct dialer *dialer, const struct view *view,
                                const struct authority *target)
{
    struct decision decision = decision_for_identity(view);

    if (decision.verdict == VERDICT_ALLOW)
        decision = decision_for_host(view, target, dialer_settings(dialer));
    return decision.verdict == VERDICT_ALLOW ? REFUSAL_NONE : decision.code;
}

/* REFUSAL_NONE: the answer comes with on_done(). */
static enum refusal_code start_dial(struct dialer_client *client, const struct view *view,
                                    const struct message_dial *message)
{
    struct dialer *dialer = client->dialer;
    struct dialer_quota *quota = NULL;

    if (dialer->means.resolver == NULL)
        return REFUSAL_OVERLOADED; /* not begun yet */
    enum refusal_code code = decide(dialer, view, &message->target);
    if (code != REFUSAL_NONE)
        return code;
    enum error error = dialer_quota_take(&dialer->quotas, view->sandbox_id, &quota);
    if (error != OK)
        return error == ERR_TOO_LARGE ? REFUSAL_LIMIT_EXCEEDED : REFUSAL_OVERLOADED;
    const struct dial_question question = {
        .target = message->target,
        .kind = DIAL_CONNECT,
        .is_private_target =
            decision_for_private(view, &message->target.host).verdict == VERDICT_ALLOW};
    if (start_request(client, quota, message->ticket, &question) == OK)
        return REFUSAL_NONE;
    dialer_quota_give_back(&dialer->quotas, quota);
    return REFUSAL_OVERLOADED;
}

const struct view *dialer_view(struct dialer_client *client, uint64_t handle, uint64_t ticket)
{
    const struct presented_view *presented = presented_views_find(&client->views, handle);

    if (presented == NULL) {
        reject(client, "view handle", ERR_NOT_FOUND);
        return NULL;
    }
    if (view_floor_honours(&client->dialer->floor, presented->view))
        return presented->view;
    peer_post(&client->peer, &(struct message){.type = MESSAGE_VIEW_OUTDATED,
                                               .view_outdated = {.ticket = ticket}});
    return NULL;
}

static void on_dial(struct peer *peer, struct message *message)
{
    struct dialer_client *client = peer->context;
    const struct message_dial *dial = &message->dial;
    const struct view *view = dialer_view(client, dial->handle, dial->ticket);

    if (view == NULL)
        return;
    struct dial_outcome outcome = {.code = start_dial(client, view, dial), .fd = -1};
    if (outcome.code != REFUSAL_NONE)
        answer_dial(client, dial->ticket, 0, &outcome);
}

static void on_resolve(struct peer *peer, struct message *message)
{
    struct dialer_client *client = peer->context;
    const struct message_resolve *resolve = &message->resolve;
    const struct dial_question question = {resolve->target, DIAL_RESOLVE_ONLY,
                                           resolve->is_private_target};

    if (client->dialer->means.resolver != NULL && client->probes < PROBES_MAX &&
        start_request(client, NULL, resolve->ticket, &question) == OK)
        return;
    struct dial_outcome outcome = {.code = REFUSAL_OVERLOADED, .fd = -1};
    answer_probe(client, resolve->ticket, &outcome);
}

static void on_outdate_views(struct peer *peer, struct message *message)
{
    struct dialer_client *client = peer->context;

    view_floor_raise(&client->dialer->floor, &message->outdate_views);
    peer_post(peer, &(struct message){.type = MESSAGE_VIEW_TAKEN,
                                      .view_taken = {.push = message->outdate_views.call}});
}

static message_handler *const worker_handlers[MESSAGE_COUNT] = {
    [MESSAGE_PRESENT_VIEW] = on_present_view,
    [MESSAGE_FORGET_VIEW] = on_forget_view,
    [MESSAGE_DIAL] = on_dial,
    [MESSAGE_LOOKUP] = dialer_lookup_on_message,
};
static message_handler *const control_handlers[MESSAGE_COUNT] = {
    [MESSAGE_RESOLVE] = on_resolve,
    [MESSAGE_OUTDATE_VIEWS] = on_outdate_views,
};

static struct dialer_client *find_client(struct dialer *dialer, enum process_role role,
                                         unsigned index)
{
    struct dialer_client *client;

    LIST_FOREACH(client, &dialer->clients, next)
    {
        if (client->peer.role == role && client->peer.index == index)
            return client;
    }
    return NULL;
}

static struct dialer_client *add_client(struct dialer *dialer, enum process_role role,
                                        unsigned index)
{
    struct dialer_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return NULL;

    client->dialer = dialer;
    client->peer = (struct peer){
        .role = role,
        .index = index,
        .context = client,
        .handlers = role == PROCESS_WORKER ? worker_handlers : control_handlers,
        .on_gone = on_gone,
    };
    presented_views_init(&client->views);
    LIST_INIT(&client->requests);
    LIST_INSERT_HEAD(&dialer->clients, client, next);
    return client;
}

static void free_client(struct dialer_client *client)
{
    LIST_REMOVE(client, next);
    peer_close(&client->peer);
    reset_client(client);
    free(client);
}

/* Peers may come before on_begin: whatever comes first tells the dialer whose it is. */
static struct dialer *dialer_of(struct child *child)
{
    struct dialer *dialer = child->context;

    dialer->child = child;
    return dialer;
}

static void on_peer(struct child *child, struct message_peer *message)
{
    struct dialer *dialer = dialer_of(child);

    if (message->role != PROCESS_WORKER && message->role != PROCESS_CONTROL)
        return;
    struct dialer_client *client = find_client(dialer, message->role, message->index);
    if (client == NULL)
        client = add_client(dialer, message->role, message->index);
    if (client == NULL)
        return; /* the descriptor is closed, so the other side asks for a new channel */
    reset_client(client);
    client->peer.generation = message->generation;
    if (peer_open(&client->peer, child->base, message_take_fd(&message->channel)) != OK)
        child_report_lost(child, &client->peer);
}

static void on_listener(struct child *child, struct message_listener *listener)
{
    dialer_guard_add_listener(&dialer_of(child)->means.guard, &listener->address);
}

static bool on_upstream_file(struct child *child, struct message *message)
{
    struct dialer *dialer = dialer_of(child);

    if (message->type != MESSAGE_PROXY_CREDENTIALS)
        return false;
    proxy_credentials_unref(TAKE(dialer->coming_credentials));
    return proxy_credentials_new(message->proxy_credentials.value, &dialer->coming_credentials) ==
           OK;
}

/* Credentials and the proxy that they are for change at one moment. */
static void apply_config(struct dialer *dialer)
{
    dialer->means.config = dialer->child->config;
    dialer_guard_add_configured(&dialer->means.guard, dialer->child->config);
    proxy_credentials_unref(dialer->means.credentials);
    dialer->means.credentials = TAKE(dialer->coming_credentials);
}

static enum error on_begin(struct child *child)
{
    struct dialer *dialer = dialer_of(child);

    dialer->means.base = child->base;
    apply_config(dialer);
    TRY(child_confine(child));
    return resolver_new(child->base, child->config, &dialer->means.resolver);
}

static void on_reconfigure(struct child *child)
{
    struct dialer *dialer = dialer_of(child);

    apply_config(dialer);
    enum error error = resolver_reconfigure(dialer->means.resolver, child->config);
    if (error != OK)
        LOG(LEVEL_ERROR, "resolver_unchanged", .error = error);
}

static void on_end(struct child *child)
{
    struct dialer *dialer = dialer_of(child);

    while (!LIST_EMPTY(&dialer->clients))
        free_client(LIST_FIRST(&dialer->clients));
    resolver_free(dialer->means.resolver);
    table_clear(&dialer->quotas);
    view_floor_clear(&dialer->floor);
    proxy_credentials_unref(dialer->means.credentials);
    proxy_credentials_unref(dialer->coming_credentials);
}

static const struct child_role role = {
    .role = PROCESS_DIALER,
    .on_begin = on_begin,
    .on_reconfigure = on_reconfigure,
    .on_peer = on_peer,
    .on_listener = on_listener,
    .on_upstream_file = on_upstream_file,
    .on_end = on_end,
};

int dialer_main(void)
{
    struct dialer dialer = {.child = NULL};

    LIST_INIT(&dialer.clients);
    table_init(&dialer.quotas);
    view_floor_init(&dialer.floor);
    return child_run(&role, 0, &dialer);
}
