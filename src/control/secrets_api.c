/* SPDX-License-Identifier: Apache-2.0 */
/* /api/secret-stores/:/secrets. A value is sealed in the same function that reads it; never does
 * one reach an answer, a log or the database. */

#include "control/handlers.h"
#include "control/input.h"
#include "control/output.h"
#include "control/secret_seal.h"
#include "control/store_lists.h"
#include "control/stores_api.h"

static enum error read_lists(struct api_call *call, struct secret_setting *setting)
{
    TRY(input_patterns(call, "allowedHosts", &setting->hosts));
    return input_places(call, "inject", &setting->places);
}

/* What the body leaves out stays as it was. */
static void keep_lists(struct secret_setting *setting)
{
    if (!setting->hosts.given && setting->exists)
        setting->hosts.texts = setting->old.hosts;
    if (!setting->places.given && setting->exists)
        setting->places.texts = setting->old.places;
}

static enum error check_what_is_set(struct api_call *call, const struct secret_setting *setting)
{
    if (setting->value.data != NULL && setting->sealed_value.data != NULL)
        return api_refuse(call, API_BAD_REQUEST,
                          "give \"value\" or \"sealedValue\", not both of them");
    bool has_new = setting->value.data != NULL || setting->sealed_value.data != NULL;
    bool changes_lists = setting->hosts.given || setting->places.given;
    if (!has_new && !(setting->exists && changes_lists))
        return api_refuse(call, API_BAD_REQUEST, "\"value\" or \"sealedValue\" is missing");
    return OK;
}

static enum error read_setting(struct api_call *call, struct secret_setting *setting)
{
    setting->name = call->params[1];
    if (!input_is_variable_name(setting->name))
        return api_refuse(call, API_BAD_REQUEST,
                          "the name of a secret is that of an environment variable: letters, "
                          "digits and underscores, no digit first, at most 256");
    TRY(input_string(call, "value", &setting->value));
    TRY(input_string(call, "sealedValue", &setting->sealed_value));
    TRY(read_lists(call, setting));
    enum error error = secrets_get(call->control->store, &call->arena, call->org, setting->store.id,
                                   setting->name, &setting->old);
    if (error != OK && error != ERR_NOT_FOUND)
        return error;
    setting->exists = error == OK;
    keep_lists(setting);
    return check_what_is_set(call, setting);
}

/* Where its value could never be sent. */
static enum error check_hosts(struct api_call *call, const struct secret_setting *setting)
{
    struct secret_entry secret = {.name = setting->name, .hosts = setting->hosts.texts};
    const struct secret_entry_list secrets = {&secret, 1};
    return store_lists_check_secrets(call, &setting->store.passthrough, &secrets);
}

static json_t *warnings_for(const struct api_call *call, const struct secret_setting *setting)
{
    json_t *warnings = json_array();
    struct slice value = setting->value;
    if (value.data != NULL && value.len < 8)
        output_append(&warnings, json_string("the value has fewer than 8 bytes: it will be "
                                             "injected, but not hidden in responses"));
    if (value.data != NULL && strchr(" \t\v\f", value.data[0]) != NULL)
        output_append(&warnings, json_string("the value begins with white space, which is kept"));
    if (value.data != NULL && strchr(" \t\v\f", value.data[value.len - 1]) != NULL)
        output_append(&warnings, json_string("the value ends with white space, which is kept"));
    if (setting->hosts.texts.count == 0 && setting->store.egress.count == 0)
        output_append(&warnings,
                      json_string(call->control->settings.decision.default_deny
                                      ? "neither the secret nor its store names a host: the value "
                                        "goes nowhere"
                                      : "neither the secret nor its store names a host: the value "
                                        "may go to any host"));
    return warnings;
}

static json_t *describe_outcome(const struct api_call *call, const struct secret_setting *setting,
                                const struct secret_set_outcome *outcome)
{
    json_t *object = json_object();
    json_t *warnings = warnings_for(call, setting);
    output_set(&object, "name", output_text(setting->name));
    output_set(&object, "status", json_string("set"));
    output_set(&object, "refreshed", json_integer((json_int_t)outcome->refreshed));
    if (warnings == NULL || json_array_size(warnings) > 0)
        output_set(&object, "warnings", warnings);
    else
        json_decref(warnings);
    return object;
}

enum error secrets_api_set(struct api_call *call)
{
    OWNED_STRUCT(buffer) *sealed = &(struct buffer){.limit = SEAL_TEXT_MAX};
    struct secret_setting setting = {.exists = false};
    struct secret_set_outcome outcome;
    TRY(stores_api_find_writable(call, &setting.store));
    TRY(read_setting(call, &setting));
    TRY(secret_seal(call, &setting, sealed));
    TRY(check_hosts(call, &setting));
    const struct secret_entry_new entry = {
        .org_id = call->org,
        .store_id = setting.store.id,
        .name = setting.name,
        .sealed = buffer_view(sealed),
        .hosts = setting.hosts.texts,
        .places = setting.places.texts,
    };
    enum error error = secrets_set(call->control->store, &entry, &outcome);
    if (error == ERR_TOO_LARGE)
        return api_refuse(call, API_BAD_REQUEST, "the store has %d secrets already",
                          SECRETS_PER_STORE_MAX);
    TRY(error);
    return stores_api_push(call, setting.store.id, 200, describe_outcome(call, &setting, &outcome));
}

static json_t *describe_secret(const struct secret_entry *secret)
{
    json_t *object = json_object();
    output_set(&object, "id", output_text(secret->id));
    output_set(&object, "storeId", output_text(secret->store_id));
    output_set(&object, "name", output_text(secret->name));
    output_set(&object, "allowedHosts", output_texts(&secret->hosts));
    output_set(&object, "inject", output_texts(&secret->places));
    output_set(&object, "createdAt", output_time(secret->created_at_ms));
    output_set(&object, "updatedAt", output_time(secret->updated_at_ms));
    return object;
}

enum error secrets_api_list(struct api_call *call)
{
    struct secret_store store;
    struct secret_entry_list secrets;
    TRY(stores_api_find(call, &store));
    TRY(secrets_list(call->control->store, &call->arena, call->org, store.id, &secrets));
    json_t *array = json_array();
    for (size_t i = 0; i < secrets.count; i++)
        output_append(&array, describe_secret(&secrets.items[i]));
    api_answer(call, 200, array);
    return OK;
}

enum error secrets_api_delete(struct api_call *call)
{
    struct secret_store store;
    TRY(stores_api_find_writable(call, &store));
    enum error error = secrets_delete(call->control->store, call->org, store.id, call->params[1]);
    if (error == ERR_NOT_FOUND)
        return api_refuse(call, API_NOT_FOUND, "the store has no secret of that name");
    TRY(error);
    return stores_api_push(call, store.id, 204, NULL);
}
