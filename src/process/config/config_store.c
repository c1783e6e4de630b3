/* SPDX-License-Identifier: Apache-2.0 */
/* The declared stores of the configuration. Never reads a source: only where a
 * value comes from stands here. */
#include "policy/policy.h"
#include "process/config/config_schema.h"

#include <stdio.h>

enum { STORE_NAME_MAX = 128, SECRET_NAME_MAX = 256, SOURCE_MAX = 1024, SECRETS_MAX = 1000 };

/* A list of texts that `check` accepts; otherwise it sets the sentence that says why not. */
static enum error read_texts(struct config_reader *reader, const struct config_node *node,
                             const struct config_key *key,
                             bool (*check)(struct slice text, const char **why),
                             struct config_strings *out)
{
    struct config_strings list = {0};

    TRY(config_take_items(reader, node, key, sizeof(*list.items), &list.items));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        const char *why = key->expected;
        size_t mark = config_path_push_index(reader, list.count);

        if (item->kind != CONFIG_NODE_SCALAR)
            return config_fail_expected(reader, item, "a text");
        if (!check(item->text, &why))
            return config_fail_near(reader, item, why, NULL);
        list.items[list.count++] = item->text;
        config_path_pop(reader, mark);
    }
    *out = list;
    return OK;
}

static bool is_pattern(struct slice text, const char **why)
{
    struct host_pattern pattern;

    return host_pattern_parse(text, &pattern, why) == OK;
}

static bool is_host(struct slice text, const char **why)
{
    struct host_pattern pattern;

    return host_pattern_parse_host(text, &pattern, why) == OK;
}

static bool is_place(struct slice text, const char **why)
{
    struct place place;

    return text.len <= PLACE_TEXT_MAX && place_parse(text, &place, why) == OK;
}

static CONFIG_READER(read_patterns)
{
    return read_texts(reader, node, key, is_pattern, target);
}

static CONFIG_READER(read_hosts)
{
    return read_texts(reader, node, key, is_host, target);
}

static CONFIG_READER(read_places)
{
    return read_texts(reader, node, key, is_place, target);
}

static bool is_variable_name(struct slice name)
{
    if (name.len == 0 || name.len > SECRET_NAME_MAX || ascii_is_digit(name.data[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) && name.data[i] != '_')
            return false;
    }
    return true;
}

static CONFIG_READER(read_source)
{
    struct config_secret *secret = target;
    struct slice text = config_text_is_clean(node, SOURCE_MAX) ? node->text : SLICE_NONE;

    if (slice_starts_with(text, SLICE("env:")) && is_variable_name(slice_skip(text, 4))) {
        secret->source_kind = CONFIG_SOURCE_ENV;
        secret->source = slice_skip(text, 4);
        return OK;
    }
    if (slice_starts_with(text, SLICE("file:/"))) {
        secret->source_kind = CONFIG_SOURCE_FILE;
        secret->source = slice_skip(text, 5);
        return OK;
    }
    /* Not quoted: somebody may have written the value itself here. */
    return config_fail(reader, node, key->expected);
}

static const struct config_key secret_keys[] = {
    {.name = "from",
     .read = read_source,
     .expected = "expected env:NAME or file:/an/absolute/path; a value itself never stands here"},
    {.name = "hosts",
     .read = read_patterns,
     .offset = offsetof(struct config_secret, hosts),
     .expected = "a list of at most 1000 host patterns, such as [api.example.com]",
     .max = HOST_LIST_MAX},
    {.name = "inject",
     .read = read_places,
     .offset = offsetof(struct config_secret, places),
     .expected = "a list of 1 to 16 places, such as [header]",
     .min = 1,
     .max = PLACE_LIST_MAX},
};
static const struct config_schema secret_schema = {secret_keys, ARRAY_LEN(secret_keys)};

static enum error read_secret(struct config_reader *reader, const struct config_node *entry,
                              struct config_secret *out)
{
    static struct slice default_places[] = {SLICE_INIT("header")};
    struct config_secret secret = {.name = entry->key, .places = {default_places, 1}};
    size_t mark = config_path_push(reader, entry->key);

    if (!is_variable_name(entry->key))
        return config_fail(reader, entry, "a secret is named like an environment variable");
    TRY(config_schema_read(reader, entry, &secret_schema, &secret));
    if (secret.source.len == 0)
        return config_fail(reader, entry, "\"from\" is missing");
    config_path_pop(reader, mark);
    *out = secret;
    return OK;
}

static CONFIG_READER(read_secrets)
{
    struct config_store *store = target;

    if (config_node_is_null(node))
        return OK;
    if (node->kind != CONFIG_NODE_MAP || node->count > key->max)
        return config_fail_expected(reader, node, key->expected);
    store->secrets = config_memory_take(reader->memory, node->count, sizeof(*store->secrets));
    if (store->secrets == NULL)
        return ERR_NO_MEMORY;
    for (const struct config_node *entry = node->first; entry != NULL; entry = entry->next)
        TRY(read_secret(reader, entry, &store->secrets[store->secret_count++]));
    return OK;
}

static CONFIG_READER(read_store_name)
{
    if (!config_text_is_clean(node, STORE_NAME_MAX))
        return config_fail_expected(reader, node, key->expected);
    *(struct slice *)target = node->text;
    return OK;
}

static const struct config_key store_keys[] = {
    {.name = "name",
     .read = read_store_name,
     .offset = offsetof(struct config_store, name),
     .expected = "a name of 1 to 128 characters"},
    {.name = "egress",
     .read = read_patterns,
     .offset = offsetof(struct config_store, egress),
     .expected = "a list of at most 1000 host patterns, such as [api.example.com]",
     .max = HOST_LIST_MAX},
    {.name = "redactResponses",
     .read = config_read_bool,
     .offset = offsetof(struct config_store, redact_responses)},
    {.name = "secrets",
     .read = read_secrets,
     .expected = "a mapping of at most 1000 names to secrets",
     .max = SECRETS_MAX},
    {.name = "passthroughHosts",
     .read = read_patterns,
     .offset = offsetof(struct config_store, passthrough),
     .expected = "a list of at most 1000 host patterns, such as [pinned.example.com]",
     .max = HOST_LIST_MAX},
    {.name = "privateHosts",
     .read = read_hosts,
     .offset = offsetof(struct config_store, private_hosts),
     .expected = "a list of at most 1000 names and addresses, such as [db.internal, 10.1.2.3]",
     .max = HOST_LIST_MAX},
};
static const struct config_schema store_schema = {store_keys, ARRAY_LEN(store_keys)};

static enum error fill_list(struct host_list *list, const struct config_strings *texts)
{
    if (list == NULL)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < texts->count; i++)
        TRY(host_list_add(list, texts->items[i], NULL));
    return OK;
}

/* Whether TLS to a host of this secret is not opened, so that its value could never be sent there.
 */
static bool goes_unopened(const struct config_secret *secret, const struct host_list *passthrough)
{
    struct host_pattern pattern;

    for (size_t i = 0; i < secret->hosts.count; i++) {
        if (host_pattern_parse(secret->hosts.items[i], &pattern, NULL) == OK &&
            host_list_covers(passthrough, &pattern))
            return true;
    }
    return false;
}

static enum error check_passthrough(struct config_reader *reader, const struct config_node *item,
                                    const struct config_store *store)
{
    OWNED_STRUCT(host_list) *passthrough = host_list_new();

    TRY(fill_list(passthrough, &store->passthrough));
    for (size_t i = 0; i < store->secret_count; i++) {
        if (!goes_unopened(&store->secrets[i], passthrough))
            continue;
        config_path_push(reader, SLICE("secrets"));
        config_path_push(reader, store->secrets[i].name);
        config_path_push(reader, SLICE("hosts"));
        return config_fail(reader, item,
                           "one of them is in passthroughHosts of the store: what passes without "
                           "interception can carry no secret");
    }
    return OK;
}

static enum error read_store(struct config_reader *reader, const struct config_node *item,
                             struct config_stores *list)
{
    struct config_store store = {.redact_responses = true};
    size_t mark = config_path_push_index(reader, list->count);

    TRY(config_schema_read(reader, item, &store_schema, &store));
    if (store.name.len == 0)
        return config_fail(reader, item, "\"name\" is missing");
    TRY(check_passthrough(reader, item, &store));
    for (size_t i = 0; i < list->count; i++) {
        if (slice_equals(list->items[i].name, store.name))
            return config_fail(reader, item, "there is a store of this name already");
    }
    config_path_pop(reader, mark);
    list->items[list->count++] = store;
    return OK;
}

enum error config_read_stores(struct config_reader *reader, const struct config_node *node,
                              const struct config_key *key, void *target)
{
    struct config_stores list = {0};

    if (!config_node_is_null(node)) {
        TRY(config_take_items(reader, node, key, sizeof(*list.items), &list.items));
        for (const struct config_node *item = node->first; item != NULL; item = item->next)
            TRY(read_store(reader, item, &list));
    }
    *(struct config_stores *)target = list;
    return OK;
}
