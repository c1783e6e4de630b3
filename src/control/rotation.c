/* SPDX-License-Identifier: Apache-2.0 */
/* /api/keys/rotate. Never lets an old key go while something sealed with it could still be needed.
 */

#include "control/rotation.h"

#include "control/handlers.h"
#include "control/output.h"
#include "control/propagation.h"
#include "control/store_signature.h"
#include "observe/log.h"

#include <event2/event.h>
#include <stdlib.h>

enum rotation_state {
    ROTATION_NONE,
    ROTATION_SEALING, /* secrets */
    ROTATION_SIGNING, /* allowlists */
    ROTATION_PUSHING, /* views */
};

struct rotation {
    struct control *control; /* borrowed */
    struct event *next_page;
    enum rotation_state state;
    struct api_call *call;
    struct seal_public_key key;
    uint64_t after; /* the last `seq` done */
    uint64_t resealed, failed;
};

static void on_next_page(evutil_socket_t fd, short what, void *argument);

struct rotation *rotation_new(struct control *control)
{
    struct rotation *rotation = calloc(1, sizeof *rotation);
    if (rotation == NULL)
        return NULL;
    rotation->control = control;
    rotation->next_page = event_new(control->base, -1, 0, on_next_page, rotation);
    if (rotation->next_page == NULL) {
        free(rotation);
        return NULL;
    }
    return rotation;
}

void rotation_free(struct rotation *rotation)
{
    if (rotation == NULL)
        return;
    api_call_free(rotation->call);
    event_free(rotation->next_page);
    free(rotation);
}

static void rotation_answer(struct rotation *rotation, enum error error)
{
    struct api_call *call = TAKE(rotation->call);
    rotation->state = ROTATION_NONE;
    if (error != OK) {
        api_answer_error(call, error);
        return;
    }
    json_t *object = output_key(&rotation->key);
    output_set(&object, "resealed", json_integer((json_int_t)rotation->resealed));
    output_set(&object, "failed", json_integer((json_int_t)rotation->failed));
    api_answer(call, 200, object);
}

static bool box_is_dead(enum error error)
{
    return error == ERR_BOX_FORM || error == ERR_BOX_KEY || error == ERR_BOX_PLACE ||
           error == ERR_BOX_HOST;
}

static enum error rotation_reseal(struct rotation *rotation, const struct secret_entry *secret)
{
    const struct control_services *services = &rotation->control->services;
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    const struct seal_binding binding = {
        secret->org_id,       secret->store_id,    secret->name,       secret->places.items,
        secret->places.count, secret->hosts.items, secret->hosts.count};
    enum error error = services->reseal(services->context, secret->sealed, &binding, sealed);
    if (box_is_dead(error)) { /* it did not open before either */
        LOG(LEVEL_WARN, "box_does_not_open", .detail = secret->id, .error = error);
        rotation->failed++;
        return OK;
    }
    TRY(error);
    error =
        secrets_reseal(rotation->control->store, secret->id, secret->sealed, buffer_view(sealed));
    if (error == ERR_CONFLICT)
        return OK; /* set again meanwhile, with the new key */
    rotation->resealed++;
    return error;
}

/* What was signed with the old key, not what somebody else made of it since. */
static enum error rotation_resign(struct rotation *rotation, const struct secret_store *store)
{
    const struct seal_store claim = store_signature_of_store(store);
    uint8_t mac[SECRET_STORES_MAC_SIZE];
    enum error error = store->is_damaged
                           ? ERR_FORBIDDEN
                           : store_signature_check(rotation->control, &claim, store->mac);
    if (error == ERR_FORBIDDEN) {
        LOG(LEVEL_WARN, "secret_store_damaged", .detail = store->id);
        rotation->failed++;
        return OK;
    }
    TRY(error);
    TRY(store_signature_make(rotation->control, &claim, mac));
    error = secret_stores_resign(rotation->control->store, store->id, store->mac, mac);
    return error == ERR_CONFLICT ? OK : error;
}

/* Each sets `*done` when there was nothing left. */
static enum error rotation_seal_page(struct rotation *rotation, struct arena *arena, bool *done)
{
    struct secret_entry_list page;
    TRY(secrets_page(rotation->control->store, arena, rotation->after, &page));
    for (size_t i = 0; i < page.count; i++) {
        TRY(rotation_reseal(rotation, &page.items[i]));
        rotation->after = page.items[i].seq;
    }
    *done = page.count == 0;
    return OK;
}

static enum error rotation_sign_page(struct rotation *rotation, struct arena *arena, bool *done)
{
    struct secret_store_list page;
    TRY(secret_stores_page(rotation->control->store, arena, rotation->after, &page));
    for (size_t i = 0; i < page.count; i++) {
        TRY(rotation_resign(rotation, &page.items[i]));
        rotation->after = page.items[i].seq;
    }
    *done = page.count == 0;
    return OK;
}

static void on_pushed(void *argument)
{
    struct rotation *rotation = argument;
    const struct control_services *services = &rotation->control->services;
    rotation_answer(rotation, services->retire_keys(services->context));
}

static enum error rotation_do_page(struct rotation *rotation, struct arena *arena)
{
    bool done = false;
    if (rotation->state == ROTATION_SEALING) {
        TRY(rotation_seal_page(rotation, arena, &done));
        if (done)
            rotation->state = ROTATION_SIGNING;
    } else {
        TRY(rotation_sign_page(rotation, arena, &done));
        if (done)
            rotation->state = ROTATION_PUSHING;
    }
    if (done)
        rotation->after = 0;
    return OK;
}

static void on_next_page(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct rotation *rotation = argument;
    struct arena arena;
    arena_init(&arena);
    enum error error = rotation_do_page(rotation, &arena);
    arena_clear(&arena);
    if (error != OK)
        rotation_answer(rotation, error); /* the old keys stay */
    else if (rotation->state == ROTATION_PUSHING)
        propagation_push_all(rotation->control->propagation,
                             &(struct propagation_then){.done = on_pushed, .argument = rotation});
    else
        event_active(rotation->next_page, EV_TIMEOUT, 0);
}

enum error rotation_post(struct api_call *call)
{
    struct rotation *rotation = call->control->rotation;
    const struct control_services *services = &call->control->services;
    if (rotation->state != ROTATION_NONE)
        return api_refuse(call, API_CONFLICT, "the sealing key is being rotated already");
    TRY(services->rotate_key(services->context, &rotation->key));
    rotation->state = ROTATION_SEALING;
    rotation->call = call;
    rotation->after = rotation->resealed = rotation->failed = 0;
    event_active(rotation->next_page, EV_TIMEOUT, 0);
    return OK;
}

enum error rotation_get(struct api_call *call)
{
    struct seal_public_key key;
    const struct control_services *services = &call->control->services;
    TRY(services->current_key(services->context, &key));
    api_answer(call, 200, output_key(&key));
    return OK;
}
