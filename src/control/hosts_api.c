/* SPDX-License-Identifier: Apache-2.0 */
/* /api/sandboxes/:/allowed-hosts: what is enforced, read from the view itself. Never from the
 * database beside it. */

#include "control/handlers.h"
#include "control/output.h"
#include "control/sandboxes_api.h"
#include "control/view_build.h"

static json_t *list_hosts(const struct host_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < host_list_count(list); i++)
        output_append(&array, output_text(host_list_text(list, i)));
    return array;
}

/* Beside the fields that every client of the API knows: only where there are some. */
static void set_hosts(json_t **object, const char *field, const struct host_list *list)
{
    if (host_list_count(list) > 0)
        output_set(object, field, list_hosts(list));
}

static json_t *list_secrets(const struct view *view)
{
    json_t *object = json_object();
    for (size_t i = 0; i < view->secret_count; i++) {
        const struct view_secret *secret = &view->secrets[i];
        if (object == NULL || host_list_count(secret->hosts) == 0)
            continue;
        if (json_object_setn_new(object, secret->name.data, secret->name.len,
                                 list_hosts(secret->hosts)) != 0)
            json_decref(TAKE(object));
    }
    return object;
}

enum error hosts_api_get(struct api_call *call)
{
    struct sandbox sandbox;
    OWNED_STRUCT(view) *view = NULL;
    TRY(sandboxes_api_find(call, &sandbox));
    TRY(view_build(call->control, sandbox.id, &view));
    json_t *object = json_object();
    output_set(&object, "sandboxID", output_text(sandbox.id));
    output_set_text(&object, "secretStore", view_primary_store(view));
    output_set_text(&object, "baseSecretStore", view_base_store(view));
    output_set(&object, "egressAllowlist", list_hosts(view->egress));
    output_set(&object, "perSecretAllowedHosts", list_secrets(view));
    set_hosts(&object, "passthroughHosts", view->passthrough);
    set_hosts(&object, "privateHosts", view->private_hosts);
    api_answer(call, 200, object);
    return OK;
}
