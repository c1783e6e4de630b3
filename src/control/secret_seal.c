/* SPDX-License-Identifier: Apache-2.0 */
/* Makes boxes. Never copies a value anywhere but into the box. */

#include "control/secret_seal.h"

#include "base/wire.h"

const char *secret_seal_complaint(struct slice value)
{
    if (value.len == 0)
        return "the value is empty";
    if (value.len > SECRET_VALUE_MAX)
        return "the value has more than 16384 bytes";
    if (slice_find(value, '\0') < value.len)
        return "the value contains a NUL byte";
    if (slice_find(value, '\r') < value.len)
        return "the value contains a carriage return (CR)";
    if (slice_find(value, '\n') < value.len)
        return "the value contains a line break (LF)";
    return NULL;
}

/* The default is written out, so that the box and the database say the same. */
static void default_places(struct secret_setting *setting)
{
    static struct slice header[] = {SLICE_INIT("header")};
    if (setting->places.texts.count == 0)
        setting->places.texts = (struct text_list){header, 1};
}

static struct seal_binding binding_of(const struct api_call *call,
                                      const struct secret_setting *setting)
{
    return (struct seal_binding){
        .org = call->org,
        .store = setting->store.id,
        .name = setting->name,
        .places = setting->places.texts.items,
        .place_count = setting->places.texts.count,
        .hosts = setting->hosts.texts.items,
        .host_count = setting->hosts.texts.count,
    };
}

static enum error seal_plain(struct api_call *call, const struct secret_setting *setting,
                             struct buffer *out)
{
    const struct control_services *services = &call->control->services;
    struct seal_binding binding = binding_of(call, setting);
    struct seal_public_key key;
    const char *complaint = secret_seal_complaint(setting->value);
    if (complaint != NULL)
        return api_refuse(call, API_BAD_REQUEST, "%s", complaint);
    TRY(services->current_key(services->context, &key));
    return seal_value(&key, &binding, setting->value, out);
}

static enum error refuse_box(struct api_call *call, enum error error)
{
    switch (error) {
    case ERR_BOX_FORM:
    case ERR_BOX_KEY:
    case ERR_BOX_PLACE:
        return api_refuse(call, API_BAD_REQUEST, "\"sealedValue\": %s", error_text(error));
    case ERR_SYNTAX:
    case ERR_TOO_LARGE:
        return api_refuse(call, API_BAD_REQUEST,
                          "\"sealedValue\": what is sealed is empty, longer than 16384 bytes, "
                          "contains CR, LF or NUL, or names a bad host or place");
    default:
        return error;
    }
}

static enum error read_texts(struct arena *arena, struct wire_reader *reader, struct text_list *out)
{
    uint32_t count = wire_read_count(reader, sizeof(uint32_t));
    struct slice *items = arena_alloc_array(arena, count, sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        TRY(arena_copy(arena, wire_read_slice(reader, HOST_PATTERN_MAX_LEN), &items[i]));
    *out = (struct text_list){items, count};
    return OK;
}

static bool lists_equal(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!slice_equals(a->items[i], b->items[i]))
            return false;
    }
    return true;
}

/* A list that the body gives beside a box must be the box's. */
static enum error adopt_list(struct api_call *call, const char *field, struct input_list *list,
                             const struct text_list *boxed)
{
    if (list->given && !lists_equal(&list->texts, boxed))
        return api_refuse(call, API_BAD_REQUEST, "\"%s\" differs from what \"sealedValue\" says",
                          field);
    list->texts = *boxed;
    return OK;
}

static enum error adopt_binding(struct api_call *call, struct secret_setting *setting,
                                struct slice encoded)
{
    struct wire_reader reader = wire_reader_of(encoded);
    struct text_list places, hosts;
    TRY(read_texts(&call->arena, &reader, &places));
    TRY(read_texts(&call->arena, &reader, &hosts));
    if (!wire_reader_done(&reader))
        return ERR_UNAVAILABLE;
    if (places.count == 0)
        return api_refuse(call, API_BAD_REQUEST, "\"sealedValue\" names no place to inject");
    TRY(input_check_places(call, "sealedValue", &places));
    TRY(input_check_patterns(call, "sealedValue", &hosts));
    TRY(adopt_list(call, "inject", &setting->places, &places));
    return adopt_list(call, "allowedHosts", &setting->hosts, &hosts);
}

/* One that was sealed with an older key is sealed again: that key may be about to go. */
static enum error keep_box(struct api_call *call, const struct secret_setting *setting,
                           struct buffer *out)
{
    const struct control_services *services = &call->control->services;
    struct seal_public_key current;
    char key_id[SEAL_KEY_ID_LEN + 1];
    TRY(seal_key_id_of(setting->sealed_value, key_id));
    TRY(services->current_key(services->context, &current));
    if (strcmp(key_id, current.id) == 0)
        return buffer_append(out, setting->sealed_value);
    struct seal_binding binding = binding_of(call, setting);
    return services->reseal(services->context, setting->sealed_value, &binding, out);
}

static enum error seal_box(struct api_call *call, struct secret_setting *setting,
                           struct buffer *out)
{
    const struct control_services *services = &call->control->services;
    OWNED_STRUCT(buffer) *encoded = &(struct buffer){.limit = SEAL_TEXT_MAX};
    if (setting->sealed_value.len > SEAL_TEXT_MAX)
        return refuse_box(call, ERR_BOX_FORM);
    enum error error = services->check_box(services->context, setting->sealed_value, call->org,
                                           setting->store.id, setting->name, encoded);
    if (error != OK)
        return refuse_box(call, error);
    TRY(adopt_binding(call, setting, buffer_view(encoded)));
    return keep_box(call, setting, out);
}

enum error secret_seal(struct api_call *call, struct secret_setting *setting, struct buffer *out)
{
    const struct control_services *services = &call->control->services;
    if (setting->sealed_value.data != NULL)
        return seal_box(call, setting, out);
    default_places(setting);
    if (setting->value.data != NULL)
        return seal_plain(call, setting, out);
    struct seal_binding binding = binding_of(call, setting);
    return services->reseal(services->context, setting->old.sealed, &binding, out);
}
