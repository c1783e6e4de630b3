/* SPDX-License-Identifier: Apache-2.0 */
/* A view as bytes. Never writes what view_decode.c does not read in the same order. */
#include "base/wire.h"
#include "policy/view.h"
#include "policy/view_format.h"

static void write_list(struct wire_writer *writer, const struct host_list *list)
{
    size_t count = host_list_count(list);

    wire_write_u32(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        wire_write_slice(writer, host_list_text(list, i));
}

static void write_identity(struct wire_writer *writer, const struct view *view)
{
    wire_write_u64(writer, view->generation);
    wire_write_u64(writer, view->sandbox_seq);
    wire_write_slice(writer, view->sandbox_id);
    wire_write_slice(writer, view->org_id);
    wire_write_u8(writer, (uint8_t)view->status);
    wire_write_raw(writer, view->proxy_token_hash, VIEW_HASH_SIZE);
    wire_write_raw(writer, view->sandbox_mac, VIEW_MAC_SIZE);
    wire_write_slice(writer, slice_of(view->source.bytes, view->source.len));
    wire_write_u8(writer, view->reaches_nothing);
}

static void write_layer(struct wire_writer *writer, const struct view_layer *layer)
{
    wire_write_slice(writer, layer->store_id);
    wire_write_slice(writer, layer->store_name);
    write_list(writer, layer->allowlist);
    wire_write_raw(writer, layer->mac, VIEW_MAC_SIZE);
    write_list(writer, layer->passthrough);
    write_list(writer, layer->private_hosts);
    wire_write_u8(writer, layer->redact_responses);
}

static void write_secret(struct wire_writer *writer, const struct view_secret *secret)
{
    char place[PLACE_TEXT_MAX];

    wire_write_slice(writer, secret->name);
    wire_write_u16(writer, secret->layer);
    write_list(writer, secret->hosts);
    wire_write_u32(writer, (uint32_t)secret->place_count);
    for (size_t i = 0; i < secret->place_count; i++)
        wire_write_slice(writer, place_format(&secret->places[i], place));
    wire_write_slice(writer, secret->box);
}

static void write_token(struct wire_writer *writer, const struct view_token *token)
{
    wire_write_raw(writer, token->token.bytes, TOKEN_SIZE);
    wire_write_u32(writer, token->secret);
}

enum error view_encode(const struct view *view, struct buffer *out)
{
    struct wire_writer writer = wire_writer_of(out);

    wire_write_raw(&writer, VIEW_MAGIC, VIEW_MAGIC_LEN);
    write_identity(&writer, view);
    wire_write_u32(&writer, (uint32_t)view->layer_count);
    for (size_t i = 0; i < view->layer_count; i++)
        write_layer(&writer, &view->layers[i]);
    wire_write_u32(&writer, (uint32_t)view->secret_count);
    for (size_t i = 0; i < view->secret_count; i++)
        write_secret(&writer, &view->secrets[i]);
    wire_write_u32(&writer, (uint32_t)view->token_count);
    for (size_t i = 0; i < view->token_count; i++)
        write_token(&writer, &view->tokens[i]);
    return writer.error;
}
