/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: one row a key, and its defaults in its own language. Never accepts a key or a
 * value that it does not understand. */
#include "process/config/config.h"

#include "process/config/config_schema.h"

#include <stdio.h>
#include <stdlib.h>

enum { STORES_MAX = 1000 };

static const char defaults[] = "data_dir: /var/lib/sealgate\n"
                               "database: sqlite\n"
                               "workers: auto\n"
                               "listen:\n"
                               "  proxy: [127.0.0.1:3128]\n"
                               "  transparent: []\n"
                               "  dns: []\n"
                               "  control: [127.0.0.1:3180]\n"
                               "  advertise: null\n"
                               "sandbox:\n"
                               "  ca_path: null\n"
                               "control_tls: { cert: null, key: null }\n"
                               "upstream:\n"
                               "  trust: [system]\n"
                               "  resolve: {}\n"
                               "  allow_addresses: []\n"
                               "  nameservers: system\n"
                               "  proxy: null\n"
                               "  client_cert: {}\n"
                               "  trust_for: {}\n"
                               "default_deny: false\n"
                               "limits:\n"
                               "  connections_per_sandbox: 512\n"
                               "  streams_per_sandbox: 1024\n"
                               "  requests_per_second: 0\n"
                               "  request_burst: 100\n"
                               "  header_bytes: 65536\n"
                               "  header_fields: 200\n"
                               "  uri_bytes: 32768\n"
                               "  body_bytes: 0\n"
                               "  drain_timeout: 5s\n"
                               "  connect_timeout: 10s\n"
                               "  header_timeout: 30s\n"
                               "  idle_timeout: 10m\n"
                               "  body_rate: 64\n"
                               "  upstream_idle_timeout: 1m\n"
                               "audit: { file: DATA_DIR/audit.jsonl }\n"
                               "stores: []\n";

static CONFIG_READER(read_database)
{
    (void)key;
    (void)target;
    if (config_node_is_word(node, "sqlite"))
        return OK;
    if (node->kind == CONFIG_NODE_SCALAR && slice_starts_with(node->text, SLICE("postgresql:")))
        return config_fail(reader, node, "PostgreSQL is not built yet: expected sqlite");
    return config_fail_expected(reader, node, "sqlite");
}

static bool is_audit_path(const struct config_node *node)
{
    return config_text_is_path(node) ||
           (config_text_is_clean(node, 1024) && slice_starts_with(node->text, SLICE("DATA_DIR/")) &&
            node->text.len > 9);
}

static CONFIG_READER(read_audit_file)
{
    struct config *config = CONTAINER_OF(target, struct config, audit_file);

    if (!is_audit_path(node))
        return config_fail_expected(reader, node, key->expected);
    config->audit_kind = CONFIG_AUDIT_FILE;
    config->audit_file = node->text;
    return OK;
}

static const struct config_key audit_keys[] = {
    {.name = "file",
     .read = read_audit_file,
     .expected = "an absolute path, or one that starts with DATA_DIR/"},
};
static const struct config_schema audit_schema = {audit_keys, ARRAY_LEN(audit_keys)};

static CONFIG_READER(read_audit)
{
    struct config *config = CONTAINER_OF(target, struct config, audit_file);
    static const struct {
        const char *word;
        enum config_audit_kind kind;
    } words[] = {{"journald", CONFIG_AUDIT_JOURNALD},
                 {"stdout", CONFIG_AUDIT_STDOUT},
                 {"none", CONFIG_AUDIT_NONE}};

    if (node->kind == CONFIG_NODE_MAP && node->count == 1)
        return config_schema_read(reader, node, &audit_schema, target);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (config_node_is_word(node, words[i].word)) {
            config->audit_kind = words[i].kind;
            return OK;
        }
    }
    return config_fail_expected(reader, node, key->expected);
}

static enum error check_tls_pair(struct config_reader *reader, const struct config_node *node,
                                 const struct config *config)
{
    if ((config->control_cert.len == 0) == (config->control_key.len == 0))
        return OK;
    return config_fail(reader, node, "cert and key belong together: set both or neither");
}

#define AT CONFIG_AT
#define SECTION(name)                                                                              \
    static const struct config_schema name##_schema = {name##_keys, ARRAY_LEN(name##_keys)}

static const struct config_key listen_keys[] = {
    {.name = "proxy",
     .read = config_read_endpoints,
     AT(listen_proxy),
     .expected = "a list of 1 to 64 addresses with ports, such as [127.0.0.1:3128]",
     .min = 1,
     .max = CONFIG_LISTEN_MAX},
    {.name = "transparent",
     .read = config_read_endpoints,
     AT(listen_transparent),
     .expected = "a list of at most 64 addresses with ports, such as [0.0.0.0:3129, '[::]:3129']",
     .max = CONFIG_LISTEN_MAX},
    {.name = "dns",
     .read = config_read_endpoints,
     AT(listen_dns),
     .expected = "a list of at most 64 addresses with ports, such as [10.0.0.1:53]",
     .max = CONFIG_LISTEN_MAX},
    {.name = "control",
     .read = config_read_endpoints,
     AT(listen_control),
     .expected = "a list of at most 64 addresses with ports, such as [127.0.0.1:3180]",
     .max = CONFIG_LISTEN_MAX},
    {.name = "advertise",
     .read = config_read_authority,
     AT(advertise),
     .expected = "host:port, or null"},
};
SECTION(listen);

static const struct config_key sandbox_keys[] = {
    {.name = "ca_path",
     .read = config_read_path_or_null,
     AT(sandbox_ca_path),
     .expected = "an absolute path, or null"},
};
SECTION(sandbox);

static const struct config_key control_tls_keys[] = {
    {.name = "cert",
     .read = config_read_path_or_null,
     AT(control_cert),
     .expected = "the absolute path of a PEM file, or null"},
    {.name = "key",
     .read = config_read_path_or_null,
     AT(control_key),
     .expected = "the absolute path of a PEM file, or null"},
};
SECTION(control_tls);

static CONFIG_READER(read_control_tls)
{
    (void)key;
    TRY(config_schema_read(reader, node, &control_tls_schema, target));
    return check_tls_pair(reader, node, target);
}

static const struct config_key top_keys[] = {
    {.name = "data_dir",
     .read = config_read_path,
     AT(data_dir),
     .expected = "an absolute path, such as /var/lib/sealgate"},
    {.name = "database", .read = read_database},
    {.name = "workers",
     .read = config_read_number_auto,
     AT(workers),
     .expected = "auto, or a number from 1 to 256",
     .min = 1,
     .max = CONFIG_WORKERS_MAX},
    {.name = "listen", .read = config_read_section, .section = &listen_schema},
    {.name = "sandbox", .read = config_read_section, .section = &sandbox_schema},
    {.name = "control_tls", .read = read_control_tls},
    {.name = "upstream", .read = config_read_section, .section = &config_upstream_schema},
    {.name = "default_deny", .read = config_read_bool, AT(default_deny)},
    {.name = "limits", .read = config_read_section, .section = &config_limits_schema},
    {.name = "audit",
     .read = read_audit,
     AT(audit_file),
     .expected = "{ file: PATH }, journald, stdout or none"},
    {.name = "stores",
     .read = config_read_stores,
     AT(stores),
     .expected = "a list of at most 1000 stores",
     .max = STORES_MAX},
};
SECTION(top);

static enum error apply(struct config_reader *reader, struct slice text, struct config *config)
{
    const struct config_node *root = NULL;

    TRY(config_node_load(reader, text, &root));
    return root == NULL ? OK : config_schema_read(reader, root, &top_schema, config);
}

static bool has_address(const struct config_endpoints *list, const struct ip_endpoint *endpoint)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].port == endpoint->port &&
            ip_address_equals(&list->items[i].address, &endpoint->address))
            return true;
    return false;
}

/* Port 0 is whatever is free. */
static bool share_an_address(const struct config_endpoints *a, const struct config_endpoints *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].port != 0 && has_address(b, &a->items[i]))
            return true;
    return false;
}

struct listen_list {
    const char *key;
    const struct config_endpoints *list;
};

static enum error check_apart(struct config_reader *reader, const struct listen_list *a,
                              const struct listen_list *b)
{
    char why[96];

    if (!share_an_address(a->list, b->list))
        return OK;
    snprintf(why, sizeof(why), "%s and %s name the same address", a->key, b->key);
    return config_fail(reader, NULL, why);
}

static enum error check_listeners(struct config_reader *reader, const struct config *config)
{
    const struct listen_list lists[] = {{"listen.proxy", &config->listen_proxy},
                                        {"listen.transparent", &config->listen_transparent},
                                        {"listen.dns", &config->listen_dns},
                                        {"listen.control", &config->listen_control}};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        for (size_t j = i + 1; j < ARRAY_LEN(lists); j++)
            TRY(check_apart(reader, &lists[i], &lists[j]));
    return OK;
}

enum error config_parse(struct slice text, struct slice file_name, struct config **out,
                        struct config_error *error)
{
    OWNED_STRUCT(config) *config = calloc(1, sizeof(*config));
    if (config == NULL)
        return ERR_NO_MEMORY;
    config->memory = config_memory_new();
    if (config->memory == NULL)
        return ERR_NO_MEMORY;

    struct config_reader reader = {config->memory, SLICE("defaults"), error, "", 0};
    TRY(apply(&reader, slice_from_string(defaults), config));
    reader.file = file_name;
    if (text.len > CONFIG_TEXT_MAX)
        return config_fail(&reader, NULL, "larger than 4 MiB");
    TRY(apply(&reader, text, config));
    TRY(check_listeners(&reader, config));
    *out = TAKE(config);
    return OK;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    config_memory_free(config->memory);
    free(config);
}

enum error config_override_data_dir(struct config *config, struct slice data_dir)
{
    if (data_dir.len == 0 || data_dir.len > 1024 || data_dir.data[0] != '/')
        return ERR_SYNTAX;
    char *copy = config_memory_take(config->memory, data_dir.len + 1, 1);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, data_dir.data, data_dir.len);
    config->data_dir = slice_of(copy, data_dir.len);
    return OK;
}

static enum error go_through_proxy(struct config *config, struct slice proxy)
{
    if (proxy.len == 0)
        return OK;
    config->resolve = (struct config_resolves){NULL, 0};
    config->allow_addresses = (struct config_networks){NULL, 0};
    config->upstream_proxy = (struct config_upstream_proxy){.credentials = SLICE_NONE};
    return authority_parse(proxy, 80, &config->upstream_proxy.address);
}

enum error config_make_private(struct config *config, const struct config_private *settings)
{
    char *ca_path = config_memory_take(config->memory, settings->ca_path.len + 1, 1);

    if (ca_path == NULL)
        return ERR_NO_MEMORY;
    if (settings->ca_path.len > 0)
        memcpy(ca_path, settings->ca_path.data, settings->ca_path.len);
    config->sandbox_ca_path = slice_of(ca_path, settings->ca_path.len);
    config->default_deny = settings->default_deny;
    config->hints_name_flags = settings->hints_name_flags;
    config->workers = 1;
    config->data_dir = SLICE_NONE;
    config->listen_proxy = config->listen_transparent = config->listen_dns =
        config->listen_control = (struct config_endpoints){NULL, 0};
    config->advertise = (struct authority){.port = 0};
    config->control_cert = config->control_key = SLICE_NONE;
    config->audit_kind = CONFIG_AUDIT_NONE;
    config->stores = (struct config_stores){NULL, 0};
    return go_through_proxy(config, settings->upstream_proxy);
}

enum error config_audit_path(const struct config *config, char *out, size_t size)
{
    static const struct slice prefix = SLICE_INIT("DATA_DIR");
    bool is_file = config->audit_kind == CONFIG_AUDIT_FILE;
    bool is_relative = is_file && slice_starts_with(config->audit_file, prefix);
    struct slice directory = is_relative ? config->data_dir : SLICE_NONE;
    struct slice rest =
        is_file ? slice_skip(config->audit_file, is_relative ? prefix.len : 0) : SLICE_NONE;

    if (directory.len + rest.len >= size)
        return ERR_TOO_LARGE;
    snprintf(out, size, "%.*s%.*s", SLICE_ARG(directory), SLICE_ARG(rest));
    return OK;
}

const char *config_defaults(void)
{
    return defaults;
}
