/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a value may go to a host. Never takes the view's word alone: what the box itself says
 * must be the same, the keyholder's own MAC must cover the lists of every layer; and that this
 * sandbox has these layers, a MAC must say, too. */
#include "policy/policy.h"
#include "process/keyholder/keyholder_state.h"

#include <stdlib.h>

static bool hosts_match(const struct seal_binding *binding, const struct view_secret *secret)
{
    if (binding->host_count != host_list_count(secret->hosts))
        return false;
    for (size_t i = 0; i < binding->host_count; i++) {
        if (!slice_equals(binding->hosts[i], host_list_text(secret->hosts, i)))
            return false;
    }
    return true;
}

static bool places_match(const struct seal_binding *binding, const struct view_secret *secret)
{
    char text[PLACE_TEXT_MAX];

    if (binding->place_count != secret->place_count)
        return false;
    for (size_t i = 0; i < binding->place_count; i++) {
        if (!slice_equals(binding->places[i], place_format(&secret->places[i], text)))
            return false;
    }
    return true;
}

/* Appends to what `texts` has room for. */
static struct seal_list texts_of(const struct host_list *list, struct slice **texts)
{
    struct seal_list out = {*texts, host_list_count(list)};

    for (size_t i = 0; i < out.count; i++)
        *(*texts)++ = host_list_text(list, i);
    return out;
}

static enum error vouch_for_layer(const struct keyring *ring, const struct view *view,
                                  const struct view_layer *layer)
{
    size_t count = host_list_count(layer->allowlist) + host_list_count(layer->passthrough) +
                   host_list_count(layer->private_hosts);
    struct slice *texts = calloc(count + 1, sizeof(*texts)), *next = texts;
    struct seal_store store = {
        .org = view->org_id, .id = layer->store_id, .redact_responses = layer->redact_responses};

    if (texts == NULL)
        return ERR_NO_MEMORY;
    store.egress = texts_of(layer->allowlist, &next);
    store.passthrough = texts_of(layer->passthrough, &next);
    store.private_hosts = texts_of(layer->private_hosts, &next);
    bool is_ours = keyring_store_verify(ring, &store, layer->mac);
    free(texts);
    return is_ours ? OK : ERR_BOX_HOST;
}

/* Once per view: it does not change. */
static enum error vouch_for_sandbox(const struct keyholder *keyholder,
                                    struct presented_view *presented)
{
    if (!presented->is_known && !sandbox_mac_is_good(keyholder->sandbox_key, presented->view))
        return ERR_BOX_PLACE;
    presented->is_known = true;
    return OK;
}

/* Likewise: its lists do not change. */
static enum error vouch_for_lists(const struct keyring *ring, struct presented_view *presented)
{
    const struct view *view = presented->view;

    for (size_t i = 0; !presented->is_vouched && i < view->layer_count; i++)
        TRY(vouch_for_layer(ring, view, &view->layers[i]));
    presented->is_vouched = true;
    return OK;
}

static enum error check_box(const struct opened_box *box, const struct view *view,
                            const struct view_secret *secret)
{
    const struct seal_binding *binding = opened_box_binding(box);

    TRY(opened_box_expect(box, view->org_id, view->layers[secret->layer].store_id, secret->name));
    return hosts_match(binding, secret) && places_match(binding, secret) ? OK : ERR_BOX_HOST;
}

enum error keyholder_values_open(const struct keyholder *keyholder,
                                 struct presented_view *presented, uint32_t secret_index,
                                 const struct authority *target, struct opened_box **out)
{
    const struct view *view = presented->view;
    const struct view_secret *secret = &view->secrets[secret_index];
    const struct decision_settings settings = {keyholder->child->config->default_deny};
    OWNED_STRUCT(opened_box) *box = NULL;

    if (decision_for_secret(view, secret, target, settings).verdict != VERDICT_ALLOW)
        return ERR_FORBIDDEN;
    TRY(vouch_for_sandbox(keyholder, presented));
    TRY(keyring_open(keyholder->ring, secret->box, &box));
    TRY(check_box(box, view, secret));
    TRY(vouch_for_lists(keyholder->ring, presented));
    *out = TAKE(box);
    return OK;
}
