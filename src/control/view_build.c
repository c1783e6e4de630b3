/* SPDX-License-Identifier: Apache-2.0 */
/* Builds views from the database. Never decides anything: an impossible entry is an error, not a
 * view with a hole in it. */

#include "control/view_build.h"

#include "control/clock.h"
#include "control/sandbox_signature.h"
#include "control/store_signature.h"
#include "observe/log.h"

#include <stdlib.h>

enum { LISTS_OF_LAYER = 3 };

/* What is made while a view is put together, all in one arena but the host lists. */
struct builder {
    struct arena arena;
    struct view_data data;
    struct view view;
    struct host_list **lists;
    size_t list_count;
};

static void builder_clear(struct builder *builder)
{
    for (size_t i = 0; i < builder->list_count; i++)
        host_list_free(builder->lists[i]);
    arena_clear(&builder->arena);
}
DEFINE_OWNED_STRUCT(builder, builder_clear)

static enum error builder_add_list(struct builder *builder, const struct text_list *texts,
                                   struct host_list **out)
{
    struct host_list *list = host_list_new();
    if (list == NULL)
        return ERR_NO_MEMORY;
    builder->lists[builder->list_count++] = list;
    for (size_t i = 0; i < texts->count; i++)
        TRY(host_list_add(list, texts->items[i], NULL));
    *out = list;
    return OK;
}

static enum error builder_add_layer(struct builder *builder, const struct view_data_layer *from,
                                    struct view_layer *out)
{
    out->redact_responses = from->redact_responses;
    out->store_id = from->store_id;
    out->store_name = from->store_name;
    memcpy(out->mac, from->mac, VIEW_MAC_SIZE);
    TRY(builder_add_list(builder, &from->egress, &out->allowlist));
    TRY(builder_add_list(builder, &from->passthrough, &out->passthrough));
    return builder_add_list(builder, &from->private_hosts, &out->private_hosts);
}

static enum error builder_add_places(struct builder *builder, const struct text_list *texts,
                                     struct view_secret *out)
{
    size_t count = texts->count > 0 ? texts->count : 1;
    out->places = arena_alloc_array(&builder->arena, count, sizeof *out->places);
    if (out->places == NULL)
        return ERR_NO_MEMORY;
    out->place_count = count; /* zeroed: any header, the default */
    for (size_t i = 0; i < texts->count; i++)
        TRY(place_parse(texts->items[i], &out->places[i], NULL));
    return OK;
}

static enum error builder_add_secret(struct builder *builder, const struct view_data_secret *from,
                                     struct view_secret *out)
{
    if (from->is_damaged)
        return ERR_SYNTAX;
    out->name = from->name;
    out->layer = (uint16_t)from->layer;
    out->box = from->sealed;
    TRY(builder_add_places(builder, &from->places, out));
    return builder_add_list(builder, &from->hosts, &out->hosts);
}

static enum view_status status_of(const struct sandbox *sandbox)
{
    if (sandbox->status == SANDBOX_RUNNING)
        return VIEW_RUNNING;
    return sandbox->reason == SANDBOX_EXPIRED ? VIEW_EXPIRED : VIEW_SUSPENDED;
}

static enum error builder_add_identity(struct builder *builder)
{
    const struct sandbox *sandbox = &builder->data.sandbox;
    struct view *view = &builder->view;
    view->status = status_of(sandbox);
    view->reaches_nothing = builder->data.reaches_nothing;
    return sandbox_signature_identify(sandbox, view);
}

static enum error builder_allocate(struct builder *builder)
{
    size_t layers = builder->data.layer_count, secrets = builder->data.secret_count;
    struct view *view = &builder->view;
    if (layers > VIEW_LAYERS_MAX || secrets > VIEW_SECRETS_MAX)
        return ERR_TOO_LARGE;
    builder->lists = arena_alloc_array(&builder->arena, LISTS_OF_LAYER * layers + secrets,
                                       sizeof *builder->lists);
    view->layers = arena_alloc_array(&builder->arena, layers, sizeof *view->layers);
    view->secrets = arena_alloc_array(&builder->arena, secrets, sizeof *view->secrets);
    view->tokens = arena_alloc_array(&builder->arena, secrets, sizeof *view->tokens);
    if (builder->lists == NULL || view->layers == NULL || view->secrets == NULL ||
        view->tokens == NULL)
        return ERR_NO_MEMORY;
    view->layer_count = layers;
    view->secret_count = view->token_count = secrets;
    return OK;
}

static int compare_tokens(const void *a, const void *b)
{
    const struct view_token *left = a, *right = b;
    return memcmp(left->token.bytes, right->token.bytes, TOKEN_SIZE);
}

/* What somebody else wrote is no better than what cannot be read. */
static enum error vouch_for_layer(struct control *control, const struct builder *builder,
                                  const struct view_data_layer *layer)
{
    const struct seal_store claim = store_signature_of_layer(layer, builder->view.org_id);
    if (layer->is_damaged)
        return ERR_SYNTAX;
    enum error error = store_signature_check(control, &claim, layer->mac);
    return error == ERR_FORBIDDEN ? ERR_SYNTAX : error;
}

static enum error builder_add_layers(struct builder *builder, struct control *control)
{
    struct view *view = &builder->view;
    for (size_t i = 0; i < view->layer_count; i++) {
        const struct view_data_layer *from = &builder->data.layers[i];
        enum error error = vouch_for_layer(control, builder, from);
        if (error == OK)
            error = builder_add_layer(builder, from, &view->layers[i]);
        if (error == ERR_SYNTAX)
            LOG(LEVEL_ERROR, "secret_store_damaged", .detail = from->store_id);
        TRY(error);
    }
    return OK;
}

static enum error builder_add_secrets(struct builder *builder)
{
    struct view *view = &builder->view;
    for (size_t i = 0; i < view->secret_count; i++) {
        const struct view_data_secret *from = &builder->data.secrets[i];
        enum error error = builder_add_secret(builder, from, &view->secrets[i]);
        if (error == ERR_SYNTAX)
            LOG(LEVEL_ERROR, "secret_damaged", .sandbox = view->sandbox_id, .detail = from->name);
        TRY(error);
        view->tokens[i] = (struct view_token){from->token, (uint32_t)i};
    }
    qsort(view->tokens, view->token_count, sizeof *view->tokens, compare_tokens);
    return OK;
}

static void builder_reach_nothing(struct builder *builder)
{
    struct view *view = &builder->view;
    view->reaches_nothing = true;
    view->layer_count = view->secret_count = view->token_count = 0;
}

/* What a damaged row was to allow is not known, so its sandboxes reach nothing: others go on. */
static enum error builder_fill(struct builder *builder, struct control *control)
{
    TRY(builder_allocate(builder));
    TRY(builder_add_identity(builder));
    enum error error = builder_add_layers(builder, control);
    if (error == OK)
        error = builder_add_secrets(builder);
    if (error != ERR_SYNTAX)
        return error;
    builder_reach_nothing(builder);
    return OK;
}

/* Above that of every view before, also of one that an earlier control process built, and of every
 * floor that keyholder and dialer began with. */
static uint64_t next_generation(struct control *control)
{
    uint64_t now = clock_monotonic_ns();
    control->generation = now > control->generation ? now : control->generation + 1;
    return control->generation;
}

enum error view_build_encoded(struct control *control, struct slice sandbox_id, struct buffer *out)
{
    OWNED_STRUCT(builder) *builder = &(struct builder){.list_count = 0};
    TRY(view_data_load(control->store, &builder->arena, sandbox_id, &builder->data));
    builder->view.generation = next_generation(control);
    TRY(builder_fill(builder, control));
    return view_encode(&builder->view, out);
}

enum error view_build(struct control *control, struct slice sandbox_id, struct view **out)
{
    OWNED_STRUCT(buffer) *encoded = &(struct buffer){.limit = VIEW_ENCODED_MAX};
    TRY(view_build_encoded(control, sandbox_id, encoded));
    return view_decode(buffer_view(encoded), out);
}
