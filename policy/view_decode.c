/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a view. They cross processes: never keeps anything that view_encode() would not have
 * written the same. */
#include "base/wire.h"
#include "policy/view.h"
#include "policy/view_format.h"

#include <stdlib.h>

static void *new_array(size_t count, size_t size)
{
    return calloc(count > 0 ? count : 1, size);
}

/* A count of at most `limit`; the reader has failed when there are more. */
static size_t read_count(struct wire_reader *reader, size_t min_size, size_t limit)
{
    size_t count = wire_read_count(reader, min_size);

    if (count <= limit)
        return count;
    reader->failed = true;
    return 0;
}

static bool read_bool(struct wire_reader *reader)
{
    uint8_t value = wire_read_u8(reader);

    if (value > 1)
        reader->failed = true;
    return value == 1;
}

static struct slice read_name(struct wire_reader *reader)
{
    struct slice name = wire_read_slice(reader, VIEW_TEXT_MAX);

    if (name.len == 0)
        reader->failed = true;
    return name;
}

static struct ip_address read_source(struct wire_reader *reader)
{
    struct slice bytes = wire_read_slice(reader, 16);
    struct ip_address address = {.len = (uint8_t)bytes.len};

    if (bytes.len != 0 && bytes.len != 4 && bytes.len != 16)
        reader->failed = true;
    if (bytes.len > 0)
        memcpy(address.bytes, bytes.data, bytes.len);
    return address;
}

static enum error read_identity(struct wire_reader *reader, struct view *view)
{
    uint8_t status;

    view->generation = wire_read_u64(reader);
    view->sandbox_seq = wire_read_u64(reader);
    view->sandbox_id = read_name(reader);
    view->org_id = wire_read_slice(reader, VIEW_TEXT_MAX);
    status = wire_read_u8(reader);
    wire_read_raw(reader, view->proxy_token_hash, VIEW_HASH_SIZE);
    wire_read_raw(reader, view->sandbox_mac, VIEW_MAC_SIZE);
    view->source = read_source(reader);
    view->reaches_nothing = read_bool(reader);
    if (reader->failed || status > VIEW_RUNNING)
        return ERR_SYNTAX;
    view->status = (enum view_status)status;
    return OK;
}

static enum error read_list(struct wire_reader *reader, struct host_list **out)
{
    size_t count = read_count(reader, VIEW_STRING_MIN, HOST_LIST_MAX);
    OWNED_STRUCT(host_list) *list = host_list_new();

    if (list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        TRY(host_list_add(list, wire_read_slice(reader, HOST_PATTERN_MAX_LEN), NULL));
    if (reader->failed || host_list_count(list) != count)
        return ERR_SYNTAX;
    *out = TAKE(list);
    return OK;
}

static bool names_hosts_alone(const struct host_list *list)
{
    struct host_pattern pattern;

    for (size_t i = 0; i < host_list_count(list); i++)
        if (host_pattern_parse_host(host_list_text(list, i), &pattern, NULL) != OK)
            return false;
    return true;
}

static enum error read_layer(struct wire_reader *reader, struct view_layer *layer)
{
    layer->store_id = wire_read_slice(reader, VIEW_TEXT_MAX);
    layer->store_name = wire_read_slice(reader, VIEW_TEXT_MAX);
    TRY(read_list(reader, &layer->allowlist));
    wire_read_raw(reader, layer->mac, VIEW_MAC_SIZE);
    TRY(read_list(reader, &layer->passthrough));
    TRY(read_list(reader, &layer->private_hosts));
    layer->redact_responses = read_bool(reader);
    return names_hosts_alone(layer->private_hosts) ? OK : ERR_SYNTAX;
}

static enum error read_layers(struct wire_reader *reader, struct view *view)
{
    size_t count = read_count(reader, VIEW_LAYER_MIN, VIEW_LAYERS_MAX);

    view->layers = new_array(count, sizeof(*view->layers));
    if (view->layers == NULL)
        return ERR_NO_MEMORY;
    view->layer_count = count;
    for (size_t i = 0; i < count; i++)
        TRY(read_layer(reader, &view->layers[i]));
    return reader->failed ? ERR_SYNTAX : OK;
}

static enum error read_places(struct wire_reader *reader, struct view_secret *secret)
{
    size_t count = read_count(reader, VIEW_STRING_MIN, PLACE_LIST_MAX);

    if (count == 0)
        return ERR_SYNTAX;
    secret->places = new_array(count, sizeof(*secret->places));
    if (secret->places == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (place_parse(wire_read_slice(reader, PLACE_TEXT_MAX), &secret->places[i], NULL) != OK)
            return ERR_SYNTAX;
    secret->place_count = count;
    return OK;
}

static enum error read_secret(struct wire_reader *reader, struct view_secret *secret)
{
    secret->name = read_name(reader);
    secret->layer = wire_read_u16(reader);
    TRY(read_list(reader, &secret->hosts));
    TRY(read_places(reader, secret));
    secret->box = wire_read_slice(reader, VIEW_BOX_MAX);
    return reader->failed ? ERR_SYNTAX : OK;
}

static bool secret_is_in_place(const struct view *view, size_t index)
{
    const struct view_secret *secrets = view->secrets;

    return secrets[index].layer < view->layer_count &&
           (index == 0 || slice_compare(secrets[index - 1].name, secrets[index].name) < 0);
}

static enum error read_secrets(struct wire_reader *reader, struct view *view)
{
    size_t count = read_count(reader, VIEW_SECRET_MIN, VIEW_SECRETS_MAX);

    view->secrets = new_array(count, sizeof(*view->secrets));
    if (view->secrets == NULL)
        return ERR_NO_MEMORY;
    view->secret_count = count;
    for (size_t i = 0; i < count; i++) {
        TRY(read_secret(reader, &view->secrets[i]));
        if (!secret_is_in_place(view, i))
            return ERR_SYNTAX;
        view->secrets[i].redact = view->layers[view->secrets[i].layer].redact_responses;
    }
    return reader->failed ? ERR_SYNTAX : OK;
}

static bool token_is_in_place(const struct view *view, size_t index)
{
    const struct view_token *tokens = view->tokens;

    return tokens[index].secret < view->secret_count &&
           (index == 0 ||
            memcmp(tokens[index - 1].token.bytes, tokens[index].token.bytes, TOKEN_SIZE) < 0);
}

static enum error read_tokens(struct wire_reader *reader, struct view *view)
{
    size_t count = wire_read_count(reader, VIEW_TOKEN_MIN);

    view->tokens = new_array(count, sizeof(*view->tokens));
    if (view->tokens == NULL)
        return ERR_NO_MEMORY;
    view->token_count = count;
    for (size_t i = 0; i < count; i++) {
        wire_read_raw(reader, view->tokens[i].token.bytes, TOKEN_SIZE);
        view->tokens[i].secret = wire_read_u32(reader);
        if (!token_is_in_place(view, i))
            return ERR_SYNTAX;
    }
    return wire_reader_done(reader) ? OK : ERR_SYNTAX;
}

static enum error append_list(struct host_list *to, const struct host_list *from)
{
    for (size_t i = 0; i < host_list_count(from); i++)
        TRY(host_list_add(to, host_list_text(from, i), NULL));
    return OK;
}

/* The literal union of the layers' lists, earliest first. */
static enum error merge_lists(struct view *view)
{
    view->egress = host_list_new();
    view->passthrough = host_list_new();
    view->private_hosts = host_list_new();
    if (view->egress == NULL || view->passthrough == NULL || view->private_hosts == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < view->layer_count; i++) {
        const struct view_layer *layer = &view->layers[i];
        TRY(append_list(view->egress, layer->allowlist));
        TRY(append_list(view->passthrough, layer->passthrough));
        TRY(append_list(view->private_hosts, layer->private_hosts));
    }
    return OK;
}

static enum error read_view(struct wire_reader *reader, struct view *view)
{
    char magic[VIEW_MAGIC_LEN];

    wire_read_raw(reader, magic, VIEW_MAGIC_LEN);
    if (memcmp(magic, VIEW_MAGIC, VIEW_MAGIC_LEN) != 0)
        return ERR_SYNTAX;
    TRY(read_identity(reader, view));
    TRY(read_layers(reader, view));
    TRY(read_secrets(reader, view));
    TRY(read_tokens(reader, view));
    return merge_lists(view);
}

enum error view_decode(struct slice encoded, struct view **out)
{
    struct wire_reader reader;
    OWNED_STRUCT(view) *view = NULL;

    if (encoded.len > VIEW_ENCODED_MAX)
        return ERR_SYNTAX;
    view = calloc(1, sizeof(*view));
    if (view == NULL)
        return ERR_NO_MEMORY;
    view->references = 1;
    view->storage = slice_dup(encoded);
    if (view->storage == NULL)
        return ERR_NO_MEMORY;
    reader = wire_reader_of(slice_of(view->storage, encoded.len));
    TRY(read_view(&reader, view));
    *out = TAKE(view);
    return OK;
}
