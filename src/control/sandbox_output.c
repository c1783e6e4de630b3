/* SPDX-License-Identifier: Apache-2.0 */
/* Shows sandboxes. Never shows one of another org: what is loaded by id alone was looked up within
 * the caller's org before. */

#include "control/sandbox_output.h"

#include "control/environment.h"

json_t *sandbox_output_summary(const struct sandbox *sandbox)
{
    json_t *object = output_stored_object(sandbox->config); /* templateID, cpuCount … */
    bool is_running = sandbox->status == SANDBOX_RUNNING;
    output_set(&object, "sandboxID", output_text(sandbox->id));
    output_set(&object, "orgId", output_text(sandbox->org_id));
    output_set(&object, "status", json_string(is_running ? "running" : "hibernated"));
    output_set_text(&object, "secretStore", sandbox->primary_store);
    output_set_text(&object, "baseSecretStore", sandbox->base_store);
    output_set_text(&object, "source", sandbox->source);
    output_set_text(&object, "checkpointId", sandbox->checkpoint_id);
    output_set(&object, "metadata", output_stored_object(sandbox->metadata));
    output_set(&object, "timeout", json_integer(sandbox->timeout_s));
    output_set(&object, "createdAt", output_time(sandbox->created_at_ms));
    output_set(&object, "lastActiveAt", output_time(sandbox->last_active_ms));
    return object;
}

static bool names_no_host(const struct view_data *data)
{
    for (size_t i = 0; i < data->layer_count; i++) {
        if (data->layers[i].egress.count > 0)
            return false;
    }
    return true;
}

static bool is_damaged(const struct view_data *data)
{
    for (size_t i = 0; i < data->layer_count; i++) {
        if (data->layers[i].is_damaged)
            return true;
    }
    for (size_t i = 0; i < data->secret_count; i++) {
        if (data->secrets[i].is_damaged)
            return true;
    }
    return false;
}

/* What its owner would wonder about; NULL when there is nothing. */
static const char *warning_for(const struct control *control, const struct view_data *data)
{
    if (data->reaches_nothing)
        return "all of its secret stores are gone: it reaches nothing";
    if (is_damaged(data))
        return "one of its secret stores is damaged in the database: it reaches nothing until that "
               "is set again or deleted";
    if (control->settings.decision.default_deny && names_no_host(data))
        return "no secret store of its names a host, and default_deny is set: it reaches nothing";
    return NULL;
}

enum error sandbox_output_load(struct api_call *call, struct slice id, json_t **out)
{
    struct view_data data;
    struct slice url;
    TRY(view_data_load(call->control->store, &call->arena, id, &data));
    TRY(environment_proxy_url(call->control, &data.sandbox, &call->arena, &url));
    json_t *object = sandbox_output_summary(&data.sandbox);
    output_set(&object, "envs", environment_build(call->control, &data));
    output_set(&object, "proxyURL", output_text(url));
    const char *warning = warning_for(call->control, &data);
    if (warning != NULL)
        output_set(&object, "warnings", json_pack("[s]", warning));
    *out = object;
    return OK;
}
