/* SPDX-License-Identifier: Apache-2.0 */
/* What the API asks other processes for. Never waits for anybody but the keyholder, and not long.
 */
#include "observe/log.h"
#include "process/control/control_process_state.h"

#include <time.h>

enum { KEYHOLDER_WAIT_MS = 2000 };

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* An answer to a call that nobody waits for any more is dropped. */
static void on_reply(struct peer *peer, struct message *message)
{
    struct control_process *process = peer->context;
    struct control_call *call = &process->call;
    const struct message_reply *reply = &message->reply;

    if (call->is_answered || reply->call != call->number)
        return;
    call->is_answered = true;
    call->error = reply->error;
    if (call->error == OK && call->out != NULL)
        call->error = buffer_append(call->out, reply->bytes);
}

message_handler *const control_calls_from_keyholder[MESSAGE_COUNT] = {
    [MESSAGE_REPLY] = on_reply,
};

static enum error await_reply(struct control_process *process)
{
    uint64_t deadline_ms = now_ms() + KEYHOLDER_WAIT_MS;

    while (!process->call.is_answered) {
        uint64_t now = now_ms();

        if (now >= deadline_ms || !peer_is_open(&process->keyholder))
            return ERR_UNAVAILABLE;
        enum error error = channel_wait(process->keyholder.channel, (int)(deadline_ms - now));
        if (error != OK)
            return ERR_UNAVAILABLE;
    }
    return process->call.error;
}

/* The number that the request has to carry. */
static uint64_t call_begin(struct control_process *process, struct buffer *out)
{
    process->call = (struct control_call){.number = process->call.number + 1, .out = out};
    return process->call.number;
}

static enum error call_finish(struct control_process *process, const struct message *request)
{
    enum error error = peer_send(&process->keyholder, request);

    if (error == OK)
        error = await_reply(process);
    process->call.is_answered = true;
    process->call.out = NULL;
    return error;
}

static enum error read_public_key(const struct buffer *reply, struct seal_public_key *out)
{
    if (buffer_len(reply) != SEAL_PUBLIC_KEY_SIZE)
        return ERR_SYNTAX;
    seal_public_key_from_bytes((const uint8_t *)buffer_view(reply).data, out);
    return OK;
}

static enum error current_key(void *context, struct seal_public_key *out)
{
    OWNED_STRUCT(buffer) *reply = &(struct buffer){.limit = SEAL_PUBLIC_KEY_SIZE};
    struct message request = {.type = MESSAGE_CURRENT_KEY};

    request.current_key.call = call_begin(context, reply);
    TRY(call_finish(context, &request));
    return read_public_key(reply, out);
}

static enum error check_box(void *context, struct slice sealed, struct slice org,
                            struct slice store, struct slice name, struct buffer *out_binding)
{
    const struct message request = {.type = MESSAGE_CHECK_BOX,
                                    .check_box = {.call = call_begin(context, out_binding),
                                                  .sealed = sealed,
                                                  .org = org,
                                                  .store = store,
                                                  .name = name}};

    return call_finish(context, &request);
}

static enum error reseal(void *context, struct slice sealed, const struct seal_binding *binding,
                         struct buffer *out_sealed)
{
    const struct message request = {.type = MESSAGE_RESEAL,
                                    .reseal = {.call = call_begin(context, out_sealed),
                                               .sealed = sealed,
                                               .org = binding->org,
                                               .store = binding->store,
                                               .name = binding->name,
                                               .places = {binding->places, binding->place_count},
                                               .hosts = {binding->hosts, binding->host_count}}};

    return call_finish(context, &request);
}

static enum error read_mac(const struct buffer *reply, uint8_t mac[VIEW_MAC_SIZE])
{
    if (buffer_len(reply) != VIEW_MAC_SIZE)
        return ERR_SYNTAX;
    memcpy(mac, buffer_view(reply).data, VIEW_MAC_SIZE);
    return OK;
}

static struct message_list list_of(const struct seal_list *list)
{
    return (struct message_list){list->items, list->count};
}

static enum error sign_store(void *context, const struct seal_store *store,
                             uint8_t mac[SEAL_MAC_SIZE])
{
    OWNED_STRUCT(buffer) *reply = &(struct buffer){.limit = SEAL_MAC_SIZE};
    const struct message request = {.type = MESSAGE_SIGN_STORE,
                                    .sign_store = {.call = call_begin(context, reply),
                                                   .org = store->org,
                                                   .store = store->id,
                                                   .egress = list_of(&store->egress),
                                                   .passthrough = list_of(&store->passthrough),
                                                   .private_hosts = list_of(&store->private_hosts),
                                                   .redact_responses = store->redact_responses}};

    TRY(call_finish(context, &request));
    return read_mac(reply, mac);
}

static enum error verify_store(void *context, const struct seal_store *store,
                               const uint8_t mac[SEAL_MAC_SIZE])
{
    struct message request = {.type = MESSAGE_VERIFY_STORE,
                              .verify_store = {.call = call_begin(context, NULL),
                                               .org = store->org,
                                               .store = store->id,
                                               .egress = list_of(&store->egress),
                                               .passthrough = list_of(&store->passthrough),
                                               .private_hosts = list_of(&store->private_hosts),
                                               .redact_responses = store->redact_responses}};

    memcpy(request.verify_store.mac, mac, SEAL_MAC_SIZE);
    return call_finish(context, &request);
}

static enum error sign_sandbox(void *context, const struct view *view, uint8_t mac[VIEW_MAC_SIZE])
{
    OWNED_STRUCT(buffer) *reply = &(struct buffer){.limit = VIEW_MAC_SIZE};
    struct slice layers[VIEW_LAYERS_MAX];
    struct message request = {.type = MESSAGE_SIGN_SANDBOX,
                              .sign_sandbox = {.call = call_begin(context, reply),
                                               .org = view->org_id,
                                               .sandbox = view->sandbox_id,
                                               .source = view->source,
                                               .layers = {layers, view->layer_count}}};

    for (size_t i = 0; i < view->layer_count; i++)
        layers[i] = view->layers[i].store_id;
    memcpy(request.sign_sandbox.proxy_token_hash, view->proxy_token_hash, VIEW_HASH_SIZE);
    TRY(call_finish(context, &request));
    return read_mac(reply, mac);
}

static enum error take_over_sandboxes(void *context, bool is_done)
{
    const struct message request = {
        .type = MESSAGE_TAKE_OVER,
        .take_over = {.call = call_begin(context, NULL), .is_done = is_done}};

    return call_finish(context, &request);
}

static enum error rotate_key(void *context, struct seal_public_key *out)
{
    OWNED_STRUCT(buffer) *reply = &(struct buffer){.limit = SEAL_PUBLIC_KEY_SIZE};
    struct message request = {.type = MESSAGE_ROTATE_KEY};

    request.rotate_key.call = call_begin(context, reply);
    TRY(call_finish(context, &request));
    return read_public_key(reply, out);
}

static enum error retire_keys(void *context)
{
    struct message request = {.type = MESSAGE_RETIRE_KEYS};

    request.retire_keys.call = call_begin(context, NULL);
    return call_finish(context, &request);
}

static enum error ca_certificates(void *context, struct buffer *out)
{
    struct message request = {.type = MESSAGE_CA_CERTIFICATES};

    request.ca_certificates.call = call_begin(context, out);
    return call_finish(context, &request);
}

static enum error rotate_ca(void *context)
{
    struct message request = {.type = MESSAGE_ROTATE_CA};

    request.rotate_ca.call = call_begin(context, NULL);
    return call_finish(context, &request);
}

static struct message outdate_message(uint64_t call, const struct control_outdating *outdating)
{
    return (struct message){
        .type = MESSAGE_OUTDATE_VIEWS,
        .outdate_views = {.call = call,
                          .generation = outdating->generation,
                          .sandboxes = {outdating->sandboxes, outdating->count}}};
}

/* In the dialer's channel the message is behind nothing but look-ups of control. */
static void outdate_views(void *context, const struct control_outdating *outdating)
{
    struct control_process *process = context;
    const struct message to_keyholder = outdate_message(call_begin(process, NULL), outdating);
    const struct message to_dialer = outdate_message(outdating->push, outdating);

    if (peer_send(&process->dialer, &to_dialer) != OK)
        control_on_views_outdated(process->control, outdating->push);
    enum error error = call_finish(process, &to_keyholder);
    if (error != OK)
        LOG(LEVEL_WARN, "views_outdated_later", .error = error);
}

void control_calls_outdate_all(struct control_process *process, struct peer *peer)
{
    const struct control_outdating all = {.generation = control_generation(process->control)};
    const struct message message = outdate_message(0, &all);

    peer_post(peer, &message); /* an answer to call 0 is nobody's */
}

static void sign_view(const struct control_process *process, struct slice encoded, uint8_t *mac)
{
    if (encoded.len > 0)
        view_mac_sign(&process->child->view_key, encoded, mac);
}

static struct peer *worker_peer(struct control_process *process, unsigned worker)
{
    return &process->workers[worker].peer;
}

static void send_view(void *context, unsigned worker, uint64_t ticket, enum error error,
                      struct slice encoded)
{
    struct message message = {.type = MESSAGE_VIEW,
                              .view = {.ticket = ticket, .error = error, .view = encoded}};

    sign_view(context, encoded, message.view.mac);
    peer_post(worker_peer(context, worker), &message);
}

static void push_view(void *context, unsigned worker, uint64_t push, struct slice encoded)
{
    struct message message = {.type = MESSAGE_VIEW_PUSH,
                              .view_push = {.push = push, .view = encoded}};

    sign_view(context, encoded, message.view_push.mac);
    peer_post(worker_peer(context, worker), &message);
}

static void push_view_gone(void *context, unsigned worker, uint64_t push, struct slice sandbox_id)
{
    peer_post(worker_peer(context, worker),
              &(struct message){.type = MESSAGE_VIEW_GONE,
                                .view_gone = {.push = push, .sandbox_id = sandbox_id}});
}

static void push_source(void *context, unsigned worker, uint64_t push,
                        const struct ip_address *source)
{
    peer_post(worker_peer(context, worker),
              &(struct message){.type = MESSAGE_SOURCE_CHANGED,
                                .source_changed = {.push = push, .source = *source}});
}

static void publish_file(void *context, struct slice name, struct slice content)
{
    struct control_process *process = context;

    peer_post(
        &process->child->supervisor,
        &(struct message){.type = MESSAGE_PUBLISH, .publish = {.name = name, .content = content}});
}

static void resolve(void *context, uint64_t ticket, const struct authority *target,
                    bool is_private_target)
{
    static const struct control_resolution restarting = {.code = REFUSAL_OVERLOADED};
    struct control_process *process = context;
    const struct message request = {
        .type = MESSAGE_RESOLVE,
        .resolve = {.ticket = ticket, .target = *target, .is_private_target = is_private_target}};

    if (peer_send(&process->dialer, &request) != OK)
        control_on_resolved(process->control, ticket, &restarting);
}

const struct control_services control_calls_services = {
    .current_key = current_key,
    .check_box = check_box,
    .reseal = reseal,
    .sign_store = sign_store,
    .verify_store = verify_store,
    .sign_sandbox = sign_sandbox,
    .take_over_sandboxes = take_over_sandboxes,
    .rotate_key = rotate_key,
    .retire_keys = retire_keys,
    .ca_certificates = ca_certificates,
    .rotate_ca = rotate_ca,
    .outdate_views = outdate_views,
    .send_view = send_view,
    .push_view = push_view,
    .push_view_gone = push_view_gone,
    .push_source = push_source,
    .publish_file = publish_file,
    .resolve = resolve,
};

static void on_resolved(struct peer *peer, struct message *message)
{
    struct control_process *process = peer->context;
    const struct message_resolved *answer = &message->resolved;
    const struct control_resolution resolution = {answer->code, answer->address,
                                                  answer->is_proxied};

    if (process->control != NULL)
        control_on_resolved(process->control, answer->ticket, &resolution);
}

static void on_view_taken(struct peer *peer, struct message *message)
{
    struct control_process *process = peer->context;

    if (process->control != NULL)
        control_on_views_outdated(process->control, message->view_taken.push);
}

message_handler *const control_calls_from_dialer[MESSAGE_COUNT] = {
    [MESSAGE_RESOLVED] = on_resolved,
    [MESSAGE_VIEW_TAKEN] = on_view_taken,
};
