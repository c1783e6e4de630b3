/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of sandboxes. Never signs what is in the database already, but once. */
#include "control/sandbox_signature.h"

#include "control/propagation.h"
#include "observe/log.h"

#include <sodium.h>

enum error sandbox_signature_identify(const struct sandbox *sandbox, struct view *out)
{
    out->sandbox_seq = sandbox->seq;
    out->sandbox_id = sandbox->id;
    out->org_id = sandbox->org_id;
    memcpy(out->sandbox_mac, sandbox->mac, VIEW_MAC_SIZE);
    crypto_generichash(out->proxy_token_hash, VIEW_HASH_SIZE,
                       (const unsigned char *)sandbox->proxy_token.data, sandbox->proxy_token.len,
                       NULL, 0);
    return sandbox->source.len == 0 ? OK : ip_address_parse(sandbox->source, &out->source);
}

static enum error sign(void *context, const struct sandbox *sandbox, const struct text_list *stores,
                       uint8_t mac[SANDBOXES_MAC_SIZE])
{
    struct control *control = context;
    struct view_layer layers[SANDBOXES_LAYERS_MAX];
    struct view view = {.layers = layers, .layer_count = stores->count};

    for (size_t i = 0; i < stores->count; i++)
        layers[i] = (struct view_layer){.store_id = stores->items[i]};
    TRY(sandbox_signature_identify(sandbox, &view));
    return control->services.sign_sandbox(control->services.context, &view, mac);
}

struct sandbox_signer sandbox_signature_signer(struct control *control)
{
    return (struct sandbox_signer){sign, control};
}

static enum error take_over_page(struct control *control, uint64_t *after, size_t *out_count)
{
    OWNED_ARENA arena = {NULL};
    struct sandbox_signer signer = sandbox_signature_signer(control);
    struct sandbox_list page;

    TRY(sandboxes_unsigned(control->store, &arena, *after, &page));
    for (size_t i = 0; i < page.count; i++) {
        TRY(sandboxes_sign(control->store, &arena, &page.items[i], &signer));
        *after = page.items[i].seq;
    }
    *out_count = page.count;
    return OK;
}

static enum error take_over(struct control *control)
{
    const struct control_services *services = &control->services;
    uint64_t after = 0;
    size_t count, total = 0;

    enum error error = services->take_over_sandboxes(services->context, false);
    if (error != OK)
        return error == ERR_CONFLICT ? OK : error;
    do {
        TRY(take_over_page(control, &after, &count));
        total += count;
    } while (count > 0);
    if (total > 0)
        LOG(LEVEL_WARN, "sandboxes_signed_as_found", .number = (long long)total,
            .has_number = true);
    return services->take_over_sandboxes(services->context, true);
}

void sandbox_signature_take_over(struct control *control)
{
    static const struct propagation_then nobody_waits = {.call = NULL};
    enum error error = take_over(control);

    if (error != OK) {
        LOG(LEVEL_ERROR, "sandboxes_not_signed", .error = error);
        return;
    }
    control->has_taken_over = true;
    propagation_push_all(control->propagation, &nobody_waits);
}
