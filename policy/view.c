/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot's life and its look-ups. Never changes a view once it is shared. */
#include "policy/view.h"

#include <stdlib.h>

struct view *view_ref(struct view *view)
{
    view->references++;
    return view;
}

static void free_layers(struct view *view)
{
    for (size_t i = 0; view->layers != NULL && i < view->layer_count; i++) {
        host_list_free(view->layers[i].allowlist);
        host_list_free(view->layers[i].passthrough);
        host_list_free(view->layers[i].private_hosts);
    }
    free(view->layers);
}

static void free_secrets(struct view *view)
{
    for (size_t i = 0; view->secrets != NULL && i < view->secret_count; i++) {
        host_list_free(view->secrets[i].hosts);
        free(view->secrets[i].places);
    }
    free(view->secrets);
}

void view_unref(struct view *view)
{
    if (view == NULL || --view->references > 0)
        return;
    free_layers(view);
    free_secrets(view);
    free(view->tokens);
    host_list_free(view->egress);
    host_list_free(view->passthrough);
    host_list_free(view->private_hosts);
    free(view->storage);
    free(view);
}

static int compare_token(const void *key, const void *element)
{
    const struct view_token *token = element;

    return memcmp(key, token->token.bytes, TOKEN_SIZE);
}

static int compare_name(const void *key, const void *element)
{
    const struct view_secret *secret = element;

    return slice_compare(*(const struct slice *)key, secret->name);
}

const struct view_secret *view_find_token(const struct view *view, const struct token *token)
{
    if (view->token_count == 0)
        return NULL;

    const struct view_token *found = bsearch(token->bytes, view->tokens, view->token_count,
                                             sizeof(*view->tokens), compare_token);
    return found != NULL ? &view->secrets[found->secret] : NULL;
}

const struct view_secret *view_find_secret(const struct view *view, struct slice name)
{
    if (view->secret_count == 0)
        return NULL;
    return bsearch(&name, view->secrets, view->secret_count, sizeof(*view->secrets), compare_name);
}

struct slice view_primary_store(const struct view *view)
{
    return view->layer_count > 0 ? view->layers[view->layer_count - 1].store_name : SLICE_NONE;
}

struct slice view_base_store(const struct view *view)
{
    return view->layer_count > 1 ? view->layers[view->layer_count - 2].store_name : SLICE_NONE;
}
