/* SPDX-License-Identifier: Apache-2.0 */
/* What control asks the keyholder for. Never answers with a value, nor with a key but a public one.
 */
#include "base/wire.h"
#include "observe/log.h"
#include "policy/policy.h"
#include "process/keyholder/key_files.h"
#include "process/keyholder/keyholder_state.h"

enum { BINDING_MAX = MESSAGE_BYTES_MAX };

static struct keyholder *keyholder_of(struct peer *peer)
{
    return peer->context;
}

static void reply(struct peer *peer, uint64_t call, enum error error, struct slice bytes)
{
    if (error != OK)
        bytes = SLICE_NONE;
    peer_post(peer, &(struct message){.type = MESSAGE_REPLY,
                                      .reply = {.call = call, .error = error, .bytes = bytes}});
}

static struct slice current_key(const struct keyholder *keyholder)
{
    return slice_of(keyring_public(keyholder->ring, 0)->bytes, SEAL_PUBLIC_KEY_SIZE);
}

static void on_current_key(struct peer *peer, struct message *message)
{
    reply(peer, message->current_key.call, OK, current_key(keyholder_of(peer)));
}

/* A client sealed this: what it bound the value to must be something that can be enforced. */
static enum error check_binding(const struct seal_binding *binding)
{
    struct host_pattern pattern;
    struct place place;

    for (size_t i = 0; i < binding->host_count; i++)
        TRY(host_pattern_parse(binding->hosts[i], &pattern, NULL));
    for (size_t i = 0; i < binding->place_count; i++)
        TRY(place_parse(binding->places[i], &place, NULL));
    return binding->place_count > 0 ? OK : ERR_BOX_FORM;
}

static void write_list(struct wire_writer *writer, const struct slice *items, size_t count)
{
    wire_write_u32(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        wire_write_slice(writer, items[i]);
}

static enum error write_binding(const struct seal_binding *binding, struct buffer *out)
{
    struct wire_writer writer = wire_writer_of(out);

    write_list(&writer, binding->places, binding->place_count);
    write_list(&writer, binding->hosts, binding->host_count);
    return writer.error;
}

static enum error check_box(const struct keyholder *keyholder,
                            const struct message_check_box *message, struct buffer *out)
{
    OWNED_STRUCT(opened_box) *box = NULL;

    TRY(keyring_open(keyholder->ring, message->sealed, &box));
    TRY(opened_box_expect(box, message->org, message->store, message->name));
    TRY(check_binding(opened_box_binding(box)));
    return write_binding(opened_box_binding(box), out);
}

static void on_check_box(struct peer *peer, struct message *message)
{
    OWNED_STRUCT(buffer) *binding = &(struct buffer){.limit = BINDING_MAX};
    enum error error = check_box(keyholder_of(peer), &message->check_box, binding);

    reply(peer, message->check_box.call, error, buffer_view(binding));
}

static enum error reseal(const struct keyholder *keyholder, const struct message_reseal *message,
                         struct buffer *out)
{
    OWNED_STRUCT(opened_box) *box = NULL;
    const struct seal_binding binding = {.org = message->org,
                                         .store = message->store,
                                         .name = message->name,
                                         .places = message->places.items,
                                         .place_count = message->places.count,
                                         .hosts = message->hosts.items,
                                         .host_count = message->hosts.count};

    TRY(keyring_open(keyholder->ring, message->sealed, &box));
    TRY(opened_box_expect(box, message->org, message->store, message->name));
    return keyring_reseal(keyholder->ring, box, &binding, out);
}

static void on_reseal(struct peer *peer, struct message *message)
{
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    enum error error = reseal(keyholder_of(peer), &message->reseal, sealed);

    reply(peer, message->reseal.call, error, buffer_view(sealed));
}

static struct seal_list list_of(const struct message_list *list)
{
    return (struct seal_list){list->items, list->count};
}

static void on_sign_store(struct peer *peer, struct message *message)
{
    const struct message_sign_store *claim = &message->sign_store;
    const struct seal_store store = {.org = claim->org,
                                     .id = claim->store,
                                     .egress = list_of(&claim->egress),
                                     .passthrough = list_of(&claim->passthrough),
                                     .private_hosts = list_of(&claim->private_hosts),
                                     .redact_responses = claim->redact_responses};
    uint8_t mac[SEAL_MAC_SIZE];

    keyring_store_sign(keyholder_of(peer)->ring, &store, mac);
    reply(peer, claim->call, OK, slice_of(mac, sizeof(mac)));
}

static void on_verify_store(struct peer *peer, struct message *message)
{
    const struct message_verify_store *claim = &message->verify_store;
    const struct seal_store store = {.org = claim->org,
                                     .id = claim->store,
                                     .egress = list_of(&claim->egress),
                                     .passthrough = list_of(&claim->passthrough),
                                     .private_hosts = list_of(&claim->private_hosts),
                                     .redact_responses = claim->redact_responses};
    bool is_ours = keyring_store_verify(keyholder_of(peer)->ring, &store, claim->mac);

    reply(peer, claim->call, is_ours ? OK : ERR_FORBIDDEN, SLICE_NONE);
}

static void on_sign_sandbox(struct peer *peer, struct message *message)
{
    const struct message_sign_sandbox *claim = &message->sign_sandbox;
    struct view_layer layers[VIEW_LAYERS_MAX];
    struct view view = {
        .org_id = claim->org, .sandbox_id = claim->sandbox, .source = claim->source};
    uint8_t mac[VIEW_MAC_SIZE];

    if (claim->layers.count > VIEW_LAYERS_MAX) {
        reply(peer, claim->call, ERR_TOO_LARGE, SLICE_NONE);
        return;
    }
    view.layers = layers;
    view.layer_count = claim->layers.count;
    for (size_t i = 0; i < view.layer_count; i++)
        layers[i] = (struct view_layer){.store_id = claim->layers.items[i]};
    memcpy(view.proxy_token_hash, claim->proxy_token_hash, VIEW_HASH_SIZE);
    sandbox_mac_make(keyholder_of(peer)->sandbox_key, &view, mac);
    reply(peer, claim->call, OK, slice_of(mac, sizeof(mac)));
}

static void on_outdate_views(struct peer *peer, struct message *message)
{
    view_floor_raise(&keyholder_of(peer)->floor, &message->outdate_views);
    reply(peer, message->outdate_views.call, OK, SLICE_NONE);
}

static enum error take_over(struct keyholder *keyholder, bool is_done)
{
    if (!keyholder->takes_over)
        return ERR_CONFLICT;
    if (!is_done)
        return OK;
    TRY(key_files_settle_sandbox_key(keyholder->folder));
    keyholder->takes_over = false;
    return OK;
}

static void on_take_over(struct peer *peer, struct message *message)
{
    const struct message_take_over *request = &message->take_over;

    reply(peer, request->call, take_over(keyholder_of(peer), request->is_done), SLICE_NONE);
}

static void on_rotate_key(struct peer *peer, struct message *message)
{
    struct keyholder *keyholder = keyholder_of(peer);
    enum error error = key_files_add_key(keyholder->folder, keyholder->ring);

    reply(peer, message->rotate_key.call, error, current_key(keyholder));
}

static void on_retire_keys(struct peer *peer, struct message *message)
{
    struct keyholder *keyholder = keyholder_of(peer);
    enum error error = key_files_retire_keys(keyholder->folder, keyholder->ring);

    reply(peer, message->retire_keys.call, error, SLICE_NONE);
}

enum error keyholder_certificates(const struct keyholder *keyholder, struct buffer *out)
{
    TRY(root_certificate_pem(keyholder->root, out));
    /* Keys in memory have no past. */
    return keyholder->folder < 0 ? OK : key_files_previous_certificate(keyholder->folder, out);
}

static void on_ca_certificates(struct peer *peer, struct message *message)
{
    OWNED_STRUCT(buffer) *pem = &(struct buffer){.limit = KEYHOLDER_CERTIFICATES_MAX};
    enum error error = keyholder_certificates(keyholder_of(peer), pem);

    reply(peer, message->ca_certificates.call, error, buffer_view(pem));
}

static enum error rotate_ca(struct keyholder *keyholder)
{
    struct ca_root *root = NULL;

    TRY(key_files_rotate_root(keyholder->folder, keyholder->root, &root));
    root_free(keyholder->root);
    keyholder->root = root;
    for (size_t i = 0; i < keyholder->worker_count; i++) {
        if (keyholder->workers[i] != NULL)
            keyholder_worker_root_rotated(keyholder->workers[i]);
    }
    return OK;
}

static void on_rotate_ca(struct peer *peer, struct message *message)
{
    enum error error = rotate_ca(keyholder_of(peer));

    if (error != OK)
        LOG(LEVEL_ERROR, "ca_not_rotated", .error = error);
    reply(peer, message->rotate_ca.call, error, SLICE_NONE);
}

message_handler *const keyholder_calls_handlers[MESSAGE_COUNT] = {
    [MESSAGE_CURRENT_KEY] = on_current_key,
    [MESSAGE_CHECK_BOX] = on_check_box,
    [MESSAGE_RESEAL] = on_reseal,
    [MESSAGE_SIGN_STORE] = on_sign_store,
    [MESSAGE_VERIFY_STORE] = on_verify_store,
    [MESSAGE_SIGN_SANDBOX] = on_sign_sandbox,
    [MESSAGE_TAKE_OVER] = on_take_over,
    [MESSAGE_OUTDATE_VIEWS] = on_outdate_views,
    [MESSAGE_ROTATE_KEY] = on_rotate_key,
    [MESSAGE_RETIRE_KEYS] = on_retire_keys,
    [MESSAGE_CA_CERTIFICATES] = on_ca_certificates,
    [MESSAGE_ROTATE_CA] = on_rotate_ca,
};
