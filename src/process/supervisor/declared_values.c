/* SPDX-License-Identifier: Apache-2.0 */
/* Values of declared stores on their way to control. Never keeps one outside guarded memory. */
#include "process/supervisor/declared_values.h"

#include "observe/log.h"
#include "process/durable_file.h"
#include "process/supervisor/secret_command.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>

/* One secret's value, in the order of the configuration. A slab each: there are few. */
struct declared_value {
    char *variable; /* NULL: from a file */
    struct secret_slab *slab;
    struct secret value;
};

struct declared_values {
    struct declared_value *items;
    size_t count;
};

static void log_missing(const struct config_store *store, const struct config_secret *secret,
                        const char *reason)
{
    LOG(LEVEL_ERROR, "declared_secret_unusable", .name = reason, .path = store->name,
        .detail = secret->name, .host = secret->source);
}

static enum error keep(struct declared_value *value, struct slice bytes)
{
    value->slab = secret_slab_new(bytes.len);
    if (value->slab == NULL)
        return ERR_NO_MEMORY;
    return secret_slab_add(value->slab, bytes, &value->value);
}

/* One newline at the end is the editor's, not the value's. */
static struct slice without_newline(struct slice text)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.data[text.len - 1] == '\r')
        text.len--;
    return text;
}

static enum error read_file(const struct config_secret *secret, struct declared_value *value)
{
    OWNED_STRUCT(buffer) *content = &(struct buffer){.limit = SECRET_VALUE_MAX + 2};

    TRY(durable_file_read(AT_FDCWD, secret->source.data, content));
    return keep(value, without_newline(buffer_view(content)));
}

static const struct declared_value *find_variable(const struct declared_values *declared,
                                                  struct slice variable)
{
    for (size_t i = 0; declared != NULL && i < declared->count; i++) {
        const struct declared_value *value = &declared->items[i];

        if (value->variable != NULL && slice_equals(slice_from_string(value->variable), variable))
            return value;
    }
    return NULL;
}

static enum error read_variable(const struct config_secret *secret,
                                const struct declared_values *former, struct declared_value *value)
{
    const struct declared_value *known = find_variable(former, secret->source);
    const char *text = getenv(secret->source.data);

    if (text == NULL && known == NULL)
        return ERR_NOT_FOUND;
    value->variable = slice_dup(secret->source);
    if (value->variable == NULL)
        return ERR_NO_MEMORY;
    return keep(value, text != NULL ? slice_from_string(text) : secret_reveal(&known->value));
}

static enum error read_command(const struct config_secret *secret, struct declared_value *value)
{
    OWNED_STRUCT(buffer) *output = &(struct buffer){.limit = SECRET_VALUE_MAX + 2};

    TRY(secret_command_read(secret->source.data, output));
    return keep(value, without_newline(buffer_view(output)));
}

static enum error read_source(const struct config_secret *secret,
                              const struct declared_values *former, struct declared_value *value)
{
    switch (secret->source_kind) {
    case CONFIG_SOURCE_ENV:
        return read_variable(secret, former, value);
    case CONFIG_SOURCE_FILE:
        return read_file(secret, value);
    default:
        return read_command(secret, value);
    }
}

static enum error read_value(const struct config_store *store, const struct config_secret *secret,
                             const struct declared_values *former, struct declared_value *value)
{
    static const char *const complaints[] = {
        [CONFIG_SOURCE_ENV] = "environment variable is not set",
        [CONFIG_SOURCE_FILE] = "file cannot be read",
        [CONFIG_SOURCE_COMMAND] = "command failed, or printed too much",
    };
    enum error error = read_source(secret, former, value);

    if (error == ERR_NO_MEMORY)
        return error;
    if (error != OK)
        log_missing(store, secret, complaints[secret->source_kind]);
    else if (value->value.len == 0 || value->value.len > SECRET_VALUE_MAX)
        log_missing(store, secret, "empty or longer than 16 KiB");
    else
        return OK;
    return ERR_CONFIG;
}

static size_t count_secrets(const struct config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->stores.count; i++)
        count += config->stores.items[i].secret_count;
    return count;
}

/* Of one store; `*slot` goes past its secrets. */
static enum error read_store(const struct config_store *store, const struct declared_values *former,
                             bool commands, struct declared_value **slot)
{
    for (size_t i = 0; i < store->secret_count; i++, (*slot)++) {
        if ((store->secrets[i].source_kind == CONFIG_SOURCE_COMMAND) == commands)
            TRY(read_value(store, &store->secrets[i], former, *slot));
    }
    return OK;
}

/* The slots have the order of the configuration, whatever the order of reading. */
static enum error read_all(const struct config *config, const struct declared_values *former,
                           bool commands, struct declared_values *out)
{
    struct declared_value *slot = out->items;

    for (size_t i = 0; i < config->stores.count; i++)
        TRY(read_store(&config->stores.items[i], former, commands, &slot));
    return OK;
}

/* Two secrets may come from one variable, so this is done after all were read. */
static void wipe_variables(const struct declared_values *declared)
{
    for (size_t i = 0; i < declared->count; i++) {
        const char *name = declared->items[i].variable;
        char *text = name == NULL ? NULL : getenv(name);

        if (text == NULL)
            continue;
        sodium_memzero(text, strlen(text));
        unsetenv(name);
    }
}

enum error declared_values_read(const struct config *config, const struct declared_values *former,
                                struct declared_values **out)
{
    OWNED_STRUCT(declared_values) *declared = calloc(1, sizeof(*declared));

    if (declared == NULL)
        return ERR_NO_MEMORY;
    declared->items = calloc(count_secrets(config) + 1, sizeof(*declared->items));
    if (declared->items == NULL)
        return ERR_NO_MEMORY;
    declared->count = count_secrets(config);
    TRY(read_all(config, former, false, declared));
    wipe_variables(declared);
    /* Only now: a command inherits what is left of the environment. */
    TRY(read_all(config, former, true, declared));
    *out = TAKE(declared);
    return OK;
}

bool declared_values_appear_in(const struct declared_values *declared, struct slice text)
{
    enum { LONG_ENOUGH = 8 };

    for (size_t i = 0; i < declared->count; i++) {
        struct slice value = secret_reveal(&declared->items[i].value);

        if (value.len < LONG_ENOUGH ? slice_equals(text, value)
                                    : slice_find_slice(text, value) < text.len)
            return true;
    }
    return false;
}

void declared_values_free(struct declared_values *declared)
{
    if (declared == NULL)
        return;
    for (size_t i = 0; i < declared->count; i++) {
        secret_slab_free(declared->items[i].slab);
        free(declared->items[i].variable);
    }
    free(declared->items);
    free(declared);
}

static struct message_list list_of(const struct config_strings *strings)
{
    return (struct message_list){strings->items, strings->count};
}

static enum error send_secret(const struct config_secret *secret,
                              const struct declared_value *value, struct peer *control)
{
    TRY(peer_send(control,
                  &(struct message){.type = MESSAGE_DECLARE_SECRET,
                                    .declare_secret = {.name = secret->name,
                                                       .hosts = list_of(&secret->hosts),
                                                       .places = list_of(&secret->places)}}));
    return peer_send(control,
                     &(struct message){.type = MESSAGE_DECLARE_VALUE,
                                       .declare_value = {.value = secret_reveal(&value->value)}});
}

enum error declared_values_send(const struct declared_values *declared, const struct config *config,
                                struct peer *control)
{
    const struct declared_value *value = declared->items;

    TRY(peer_send(control, &(struct message){.type = MESSAGE_DECLARE_BEGIN}));
    for (size_t i = 0; i < config->stores.count; i++) {
        const struct config_store *store = &config->stores.items[i];

        TRY(peer_send(
            control,
            &(struct message){.type = MESSAGE_DECLARE_STORE,
                              .declare_store = {.name = store->name,
                                                .egress = list_of(&store->egress),
                                                .redact_responses = store->redact_responses,
                                                .passthrough = list_of(&store->passthrough),
                                                .private_hosts = list_of(&store->private_hosts)}}));
        for (size_t j = 0; j < store->secret_count; j++)
            TRY(send_secret(&store->secrets[j], value++, control));
    }
    return peer_send(control, &(struct message){.type = MESSAGE_DECLARE_END});
}
