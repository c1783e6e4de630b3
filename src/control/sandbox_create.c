/* SPDX-License-Identifier: Apache-2.0 */
/* Makes sandboxes, from nothing or from a checkpoint. Never accepts a field that promises what is
 * not there. */

#include "control/handlers.h"
#include "control/input.h"
#include "control/propagation.h"
#include "control/sandbox_output.h"
#include "control/sandbox_signature.h"
#include "control/sandboxes_api.h"

#include <jansson.h>

static const char *const unbuilt_fields[] = {"previewAuth", "webhooks", "image", "snapshot"};

/* Accepted and recorded: name, and what it must be. */
static const struct {
    const char *name;
    json_type type;
    const char *what;
} recorded_fields[] = {
    {"templateID", JSON_STRING, "a string"},      {"cpuCount", JSON_INTEGER, "a whole number"},
    {"memoryMB", JSON_INTEGER, "a whole number"}, {"diskMB", JSON_INTEGER, "a whole number"},
    {"burst", JSON_TRUE, "true or false"},        {"sandboxFamily", JSON_STRING, "a string"},
};

enum { STORED_JSON_MAX = 256 * 1024 };

static int append_text(const char *text, size_t len, void *argument)
{
    return buffer_append(argument, slice_of(text, len)) == OK ? 0 : -1;
}

/* The text of `object` in the call's arena; takes `object`. */
static enum error store_object(struct api_call *call, const char *field, json_t *object,
                               struct slice *out)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = STORED_JSON_MAX};
    if (object == NULL)
        return ERR_NO_MEMORY;
    int failed = json_dump_callback(object, append_text, text, JSON_COMPACT);
    json_decref(object);
    if (failed != 0)
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" is larger than 256 KiB", field);
    return arena_copy(&call->arena, buffer_view(text), out);
}

/* A map of strings over the one that the checkpoint had. */
static enum error read_map(struct api_call *call, const char *field, struct slice inherited,
                           struct slice *out)
{
    json_t *given;
    TRY(input_string_map(call, field, &given));
    json_t *merged = output_stored_object(inherited);
    if (given != NULL && merged != NULL && json_object_update(merged, given) != 0)
        json_decref(TAKE(merged));
    return store_object(call, field, merged, out);
}

/* The names that a process can have in its environment. */
static enum error check_env_names(struct api_call *call)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(call->body, "envs"), name, value)
    {
        if (name[0] == '\0' || strchr(name, '=') != NULL)
            return api_refuse(call, API_BAD_REQUEST,
                              "\"envs\" has a name that no environment variable can have");
        if (strlen(json_string_value(value)) != json_string_length(value))
            return api_refuse(call, API_BAD_REQUEST, "a value in \"envs\" contains a NUL byte");
    }
    return OK;
}

static bool has_type(const json_t *value, json_type type)
{
    return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static enum error read_config(struct api_call *call, struct slice inherited, struct slice *out)
{
    json_t *config = output_stored_object(inherited);
    for (size_t i = 0; i < ARRAY_LEN(recorded_fields); i++) {
        json_t *value = json_object_get(call->body, recorded_fields[i].name);
        if (value == NULL)
            continue;
        if (!has_type(value, recorded_fields[i].type)) {
            json_decref(config);
            return api_refuse(call, API_BAD_REQUEST, "\"%s\" must be %s", recorded_fields[i].name,
                              recorded_fields[i].what);
        }
        output_set(&config, recorded_fields[i].name, json_incref(value));
    }
    return store_object(call, "config", config, out);
}

/* A socket never says so: such a sandbox would be nobody's, beside the one that has the address. */
static bool is_mapped(const struct ip_address *address)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return address->len == 16 && memcmp(address->bytes, prefix, sizeof prefix) == 0;
}

static enum error read_source(struct api_call *call, struct slice *out)
{
    struct slice text;
    struct ip_address address;
    TRY(input_string(call, "source", &text));
    if (text.data == NULL)
        return OK;
    if (ip_address_parse(text, &address) != OK || is_mapped(&address))
        return api_refuse(call, API_BAD_REQUEST,
                          "\"source\" must be one IP address in its standard spelling");
    char canonical[IP_ADDRESS_TEXT_MAX];
    return arena_copy(&call->arena, ip_address_format(&address, canonical), out);
}

static enum error read_store(struct api_call *call, struct text_list *out)
{
    struct slice *name = arena_alloc(&call->arena, sizeof *name);
    if (name == NULL)
        return ERR_NO_MEMORY;
    TRY(input_string(call, "secretStore", name));
    *out = (struct text_list){name, name->len > 0 ? 1 : 0};
    return OK;
}

static enum error refuse_unbuilt_fields(struct api_call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(unbuilt_fields); i++) {
        if (input_has(call, unbuilt_fields[i]))
            return api_refuse(call, API_NOT_IMPLEMENTED,
                              "\"%s\" is not part of sealgate, which runs no sandboxes itself",
                              unbuilt_fields[i]);
    }
    return OK;
}

static enum error read_new(struct api_call *call, const struct checkpoint *from,
                           struct sandbox_new *out)
{
    uint64_t timeout_s = 0;
    out->org_id = call->org;
    out->signer = sandbox_signature_signer(call->control);
    TRY(refuse_unbuilt_fields(call));
    TRY(read_store(call, &out->secret_stores));
    TRY(read_map(call, "envs", from->envs, &out->envs));
    TRY(check_env_names(call));
    TRY(read_map(call, "metadata", from->metadata, &out->metadata));
    TRY(read_config(call, from->config, &out->config));
    TRY(read_source(call, &out->source));
    TRY(input_integer(call, "timeout", SANDBOXES_API_TIMEOUT_MAX, &timeout_s));
    out->timeout_s = (uint32_t)timeout_s;
    return OK;
}

static enum error refuse_new(struct api_call *call, enum error error)
{
    switch (error) {
    case ERR_NOT_FOUND:
        return api_refuse(call, API_NOT_FOUND, "there is no such secret store");
    case ERR_EXISTS:
        return api_refuse(call, API_CONFLICT, "another sandbox is registered with this source");
    case ERR_TOO_LARGE:
        return api_refuse(call, API_BAD_REQUEST, "a sandbox has at most %d layers",
                          SANDBOXES_LAYERS_MAX);
    default:
        return error;
    }
}

/* With an address it is usable only once no worker believes any more that the address is nobody's.
 */
static enum error answer_created(struct api_call *call, const struct sandbox *sandbox)
{
    struct ip_address source;
    json_t *object;
    TRY(sandbox_output_load(call, sandbox->id, &object));
    if (ip_address_parse(sandbox->source, &source) == OK)
        propagation_push_source(
            call->control->propagation, &source,
            &(struct propagation_then){.call = call, .status = 201, .value = object});
    else
        api_answer(call, 201, object);
    return OK;
}

enum error sandbox_create_new(struct api_call *call)
{
    static const struct checkpoint nothing = {.timeout_s = 0};
    struct sandbox_new new_sandbox = {.timeout_s = 0};
    struct sandbox sandbox;
    TRY(read_new(call, &nothing, &new_sandbox));
    TRY(refuse_new(call,
                   sandboxes_create(call->control->store, &call->arena, &new_sandbox, &sandbox)));
    return answer_created(call, &sandbox);
}

enum error sandbox_create_fork(struct api_call *call)
{
    struct checkpoint checkpoint;
    struct sandbox_new new_sandbox = {.timeout_s = 0};
    struct sandbox sandbox;
    enum error error = checkpoints_get(call->control->store, &call->arena, call->org,
                                       call->params[0], &checkpoint);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND, "there is no such checkpoint");
    TRY(error);
    TRY(read_new(call, &checkpoint, &new_sandbox));
    TRY(refuse_new(call, sandboxes_fork(call->control->store, &call->arena, checkpoint.id,
                                        &new_sandbox, &sandbox)));
    return answer_created(call, &sandbox);
}
