/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the JSON of answers. Never touches a box or a value. */

#include "control/output.h"

#include "control/clock.h"

#include <sodium.h>

json_t *output_text(struct slice text)
{
    return json_stringn(text.len > 0 ? text.data : "", text.len);
}

json_t *output_texts(const struct text_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        output_append(&array, output_text(list->items[i]));
    return array;
}

json_t *output_time(int64_t time_ms)
{
    char text[CLOCK_TEXT_SIZE];
    return json_string(clock_format((uint64_t)time_ms, text));
}

void output_set(json_t **object, const char *field, json_t *value)
{
    if (*object == NULL)
        json_decref(value);
    else if (json_object_set_new(*object, field, value) != 0)
        json_decref(TAKE(*object));
}

void output_set_text(json_t **object, const char *field, struct slice text)
{
    if (text.len > 0)
        output_set(object, field, output_text(text));
}

json_t *output_stored_object(struct slice text)
{
    json_t *value = text.len > 0 ? json_loadb(text.data, text.len, 0, NULL) : NULL;
    if (json_is_object(value))
        return value;
    json_decref(value);
    return json_object();
}

void output_append(json_t **array, json_t *value)
{
    if (*array == NULL)
        json_decref(value);
    else if (json_array_append_new(*array, value) != 0)
        json_decref(TAKE(*array));
}

json_t *output_store(const struct secret_store *store)
{
    json_t *object = json_object();
    output_set(&object, "id", output_text(store->id));
    output_set(&object, "orgId", output_text(store->org_id));
    output_set(&object, "name", output_text(store->name));
    output_set(&object, "egressAllowlist", output_texts(&store->egress));
    output_set(&object, "passthroughHosts", output_texts(&store->passthrough));
    output_set(&object, "privateHosts", output_texts(&store->private_hosts));
    output_set(&object, "redactResponses", json_boolean(store->redact_responses));
    output_set(&object, "readOnly", json_boolean(store->read_only));
    output_set(&object, "createdAt", output_time(store->created_at_ms));
    output_set(&object, "updatedAt", output_time(store->updated_at_ms));
    if (store->is_damaged)
        output_set(&object, "warnings",
                   json_pack("[s]", "its row in the database is damaged, and its sandboxes reach "
                                    "nothing: set its lists again, or delete it"));
    return object;
}

json_t *output_checkpoint(const struct checkpoint *checkpoint)
{
    json_t *config = output_stored_object(checkpoint->config);
    output_set(&config, "timeout", json_integer(checkpoint->timeout_s));
    output_set(&config, "metadata", output_stored_object(checkpoint->metadata));
    json_t *object = json_object();
    output_set(&object, "id", output_text(checkpoint->id));
    output_set(&object, "sandboxId", output_text(checkpoint->sandbox_id));
    output_set(&object, "orgId", output_text(checkpoint->org_id));
    output_set(&object, "name", output_text(checkpoint->name));
    output_set(&object, "sandboxConfig", config);
    output_set(&object, "status", json_string("ready"));
    output_set(&object, "sizeBytes", json_integer(0));
    output_set(&object, "createdAt", output_time(checkpoint->created_at_ms));
    return object;
}

json_t *output_key(const struct seal_public_key *key)
{
    char text[64];
    sodium_bin2base64(text, sizeof text, key->bytes, sizeof key->bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return json_pack("{s:s, s:s, s:s}", "keyId", key->id, "publicKey", text, "format", SEAL_FORMAT);
}
