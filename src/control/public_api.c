/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked without a key or about the node itself: certificates, health, metrics, the API's
 * description. Never says anything of a sandbox. */

#include "control/ca_files.h"
#include "control/clock.h"
#include "control/handlers.h"
#include "control/openapi.h"
#include "control/output.h"
#include "observe/metrics.h"

enum { UNREADY_MS = 5000 };

static const struct slice pem_type = SLICE_INIT("application/x-pem-file");

enum error public_api_ca(struct api_call *call)
{
    TRY(ca_files_ensure(call->control->ca_files));
    api_answer_bytes(call, pem_type, ca_files_root(call->control->ca_files));
    return OK;
}

enum error public_api_ca_bundle(struct api_call *call)
{
    TRY(ca_files_ensure(call->control->ca_files));
    api_answer_bytes(call, pem_type, ca_files_bundle(call->control->ca_files));
    return OK;
}

enum error public_api_rotate_ca(struct api_call *call)
{
    const struct control_services *services = &call->control->services;
    TRY(services->rotate_ca(services->context));
    TRY(ca_files_refresh(call->control->ca_files));
    json_t *object = json_object();
    output_set(&object, "certificates", output_text(ca_files_root(call->control->ca_files)));
    api_answer(call, 200, object);
    return OK;
}

enum error public_api_health(struct api_call *call)
{
    api_answer(call, 200, json_pack("{s:s}", "status", "ok"));
    return OK;
}

static enum error check_ready(const struct control *control)
{
    uint64_t keys;
    struct seal_public_key key;
    TRY(api_keys_count(control->store, &keys));
    return control->services.current_key(control->services.context, &key);
}

/* A keyholder that is away takes its time to say so: that is not asked for by anybody who comes. */
enum error public_api_ready(struct api_call *call)
{
    uint64_t now = clock_monotonic_ms();
    struct control *control = call->control;

    if (control->lacks_processes)
        return api_refuse(call, API_UNAVAILABLE, "not ready: a process is starting");
    enum error error = now < control->unready_until_ms ? ERR_UNAVAILABLE : check_ready(control);
    if (error != OK && now >= control->unready_until_ms)
        control->unready_until_ms = now + UNREADY_MS;
    if (error != OK)
        return api_refuse(call, API_UNAVAILABLE, "not ready: %s", error_text(error));
    api_answer(call, 200, json_pack("{s:s}", "status", "ready"));
    return OK;
}

static const char *name_refusal(unsigned code)
{
    return code < REFUSAL_COUNT ? refusal_code_name((enum refusal_code)code) : "";
}

enum error public_api_metrics(struct api_call *call)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = 1024 * 1024};
    TRY(metrics_format(name_refusal, text));
    api_answer_bytes(call, SLICE("text/plain; version=0.0.4; charset=utf-8"), buffer_view(text));
    return OK;
}

enum error public_api_openapi(struct api_call *call)
{
    api_answer_bytes(call, SLICE("application/json"), slice_of(openapi_json, openapi_json_len));
    return OK;
}
