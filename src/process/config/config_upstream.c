/* SPDX-License-Identifier: Apache-2.0 */
/* The part `upstream:` of the configuration. Never reads a file that it names, and never lets a
 * password stand in the text. */
#include "process/config/config_schema.h"

enum { EXCEPT_MAX = 256, STORE_ID_MAX = 128 };

/* "system" and PEM files. */
static enum error read_roots(struct config_reader *reader, const struct config_node *node,
                             const struct config_key *key, bool *out_system,
                             struct config_strings *out_files)
{
    struct config_strings files = {0};
    bool system = false;

    TRY(config_take_items(reader, node, key, sizeof(*files.items), &files.items));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (config_node_is_word(item, "system"))
            system = true;
        else if (config_text_is_path(item))
            files.items[files.count++] = item->text;
        else
            return config_fail_expected(reader, item, "system, or the absolute path of a PEM file");
    }
    *out_system = system;
    *out_files = files;
    return OK;
}

static CONFIG_READER(read_trust)
{
    struct config *config = CONTAINER_OF(target, struct config, trust_files);

    return read_roots(reader, node, key, &config->trust_system, &config->trust_files);
}

/* "*" alone would be everything: then there is no use in the proxy. */
static enum error read_pattern(struct config_reader *reader, const struct config_node *node,
                               struct slice text, struct host_pattern *out)
{
    struct host_pattern pattern;
    const char *why = NULL;

    if (host_pattern_parse(text, &pattern, &why) != OK)
        return config_fail(reader, node, why);
    if (pattern.kind == HOST_PATTERN_ANY)
        return config_fail(reader, node, "expected a host, or *.example.com");
    if (pattern.port == HOST_PATTERN_PORT_WEB)
        pattern.port = HOST_PATTERN_PORT_ANY;
    *out = pattern;
    return OK;
}

static bool has_userinfo(struct slice authority)
{
    return slice_find(authority, '@') < authority.len;
}

static CONFIG_READER(read_proxy_url)
{
    static const struct slice scheme = SLICE_INIT("http://");
    struct slice text = node->kind == CONFIG_NODE_SCALAR ? node->text : SLICE_NONE;
    struct slice rest = slice_skip(text, scheme.len);

    if (slice_starts_with(text, SLICE("https://")))
        return config_fail(reader, node,
                           "a proxy that itself speaks TLS is not supported: "
                           "expected http://host:port");
    if (!slice_starts_with(text, scheme))
        return config_fail_expected(reader, node, key->expected);
    if (has_userinfo(rest)) /* not quoted: it may hold a password */
        return config_fail(reader, node,
                           "a password never stands here: name a file that holds "
                           "user:password in upstream.proxy.credentials");
    if (rest.len > 0 && rest.data[rest.len - 1] == '/')
        rest.len--;
    if (authority_parse(rest, 0, target) != OK)
        return config_fail_expected(reader, node, key->expected);
    return OK;
}

static enum error read_exception(struct config_reader *reader, const struct config_node *item,
                                 struct config_patterns *hosts, struct config_networks *networks)
{
    size_t mark = config_path_push_index(reader, hosts->count + networks->count);

    if (item->kind != CONFIG_NODE_SCALAR)
        return config_fail_expected(reader, item, "a host pattern or a network");
    if (ip_network_parse(item->text, &networks->items[networks->count]) == OK)
        networks->count++;
    else
        TRY(read_pattern(reader, item, item->text, &hosts->items[hosts->count++]));
    config_path_pop(reader, mark);
    return OK;
}

static CONFIG_READER(read_except)
{
    struct config_upstream_proxy *proxy =
        CONTAINER_OF(target, struct config_upstream_proxy, except_hosts);
    struct config_patterns hosts = {0};
    struct config_networks networks = {0};

    TRY(config_take_items(reader, node, key, sizeof(*hosts.items), &hosts.items));
    TRY(config_take_items(reader, node, key, sizeof(*networks.items), &networks.items));
    for (const struct config_node *item = node->first; item != NULL; item = item->next)
        TRY(read_exception(reader, item, &hosts, &networks));
    proxy->except_hosts = hosts;
    proxy->except_networks = networks;
    return OK;
}

static const struct config_key proxy_keys[] = {
    {.name = "url",
     .read = read_proxy_url,
     .offset = offsetof(struct config_upstream_proxy, address),
     .expected = "http://host:port"},
    {.name = "credentials",
     .read = config_read_path_or_null,
     .offset = offsetof(struct config_upstream_proxy, credentials),
     .expected = "the absolute path of a file that holds user:password, or null"},
    {.name = "except",
     .read = read_except,
     .offset = offsetof(struct config_upstream_proxy, except_hosts),
     .expected = "a list of at most 256 host patterns and networks, such as [*.corp.example]",
     .max = EXCEPT_MAX},
};
static const struct config_schema proxy_schema = {proxy_keys, ARRAY_LEN(proxy_keys)};

static CONFIG_READER(read_proxy)
{
    struct config_upstream_proxy proxy = {.address = {.port = 0}};

    if (node->kind == CONFIG_NODE_MAP) {
        TRY(config_schema_read(reader, node, &proxy_schema, &proxy));
        if (proxy.address.port == 0)
            return config_fail(reader, node, "\"url\" is missing");
    } else if (!config_node_is_null(node)) {
        TRY(read_proxy_url(reader, node, key, &proxy.address));
    }
    proxy.line = node->line;
    *(struct config_upstream_proxy *)target = proxy;
    return OK;
}

/* The entry's key as a pattern, in its canonical text, unlike those `before` it. */
static enum error read_hosts(struct config_reader *reader, const struct config_node *entry,
                             const struct config_node *map, struct slice *out)
{
    struct host_pattern pattern, other;
    char text[HOST_PATTERN_MAX_LEN + 1], other_text[HOST_PATTERN_MAX_LEN + 1];

    TRY(read_pattern(reader, entry, entry->key, &pattern));
    struct slice hosts = host_pattern_format(&pattern, text);
    for (const struct config_node *before = map->first; before != entry; before = before->next) {
        TRY(read_pattern(reader, before, before->key, &other));
        if (slice_equals(host_pattern_format(&other, other_text), hosts))
            return config_fail(reader, entry, "set twice, in another spelling");
    }
    char *copy = config_memory_take(reader->memory, hosts.len + 1, 1);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, hosts.data, hosts.len);
    *out = slice_of(copy, hosts.len);
    return OK;
}

/* A mapping of patterns; `read` gets each entry and the item for it. */
static enum error read_by_hosts(struct config_reader *reader, const struct config_node *node,
                                const struct config_key *key, size_t size,
                                enum error (*read)(struct config_reader *reader,
                                                   const struct config_node *entry,
                                                   struct slice hosts, void *item),
                                void *out)
{
    if (node->kind != CONFIG_NODE_MAP || node->count > CONFIG_HOST_RULES_MAX)
        return config_fail_expected(reader, node, key->expected);
    char *item = config_memory_take(reader->memory, node->count + 1, size);
    if (item == NULL)
        return ERR_NO_MEMORY;
    memcpy(out, &item, sizeof(item));
    for (const struct config_node *entry = node->first; entry != NULL; entry = entry->next) {
        size_t mark = config_path_push(reader, entry->key);
        struct slice hosts = SLICE_NONE;

        TRY(read_hosts(reader, entry, node, &hosts));
        TRY(read(reader, entry, hosts, item));
        item += size;
        config_path_pop(reader, mark);
    }
    return OK;
}

static CONFIG_READER(read_store_ids)
{
    struct config_strings ids = {0};

    TRY(config_take_items(reader, node, key, sizeof(*ids.items), &ids.items));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (!config_text_is_clean(item, STORE_ID_MAX))
            return config_fail_expected(reader, item, "the id of a store");
        ids.items[ids.count++] = item->text;
    }
    *(struct config_strings *)target = ids;
    return OK;
}

static const struct config_key client_cert_keys[] = {
    {.name = "cert",
     .read = config_read_path,
     .offset = offsetof(struct config_client_cert, cert),
     .expected = "the absolute path of a PEM file"},
    {.name = "key",
     .read = config_read_path,
     .offset = offsetof(struct config_client_cert, key),
     .expected = "the absolute path of a PEM file"},
    {.name = "stores",
     .read = read_store_ids,
     .offset = offsetof(struct config_client_cert, stores),
     .expected = "a list of 1 to 16 ids of stores",
     .min = 1,
     .max = 16},
};
static const struct config_schema client_cert_schema = {client_cert_keys,
                                                        ARRAY_LEN(client_cert_keys)};

static enum error read_client_cert(struct config_reader *reader, const struct config_node *entry,
                                   struct slice hosts, void *item)
{
    struct config_client_cert *out = item;

    TRY(config_schema_read(reader, entry, &client_cert_schema, out));
    if (out->cert.len == 0 || out->key.len == 0)
        return config_fail(reader, entry, "expected { cert: FILE, key: FILE }");
    out->name = entry->key;
    out->hosts = hosts;
    out->line = entry->line;
    return OK;
}

static CONFIG_READER(read_client_certs)
{
    struct config_client_certs list = {.count = node->count};

    TRY(read_by_hosts(reader, node, key, sizeof(*list.items), read_client_cert, &list.items));
    *(struct config_client_certs *)target = list;
    return OK;
}

static enum error read_host_trust(struct config_reader *reader, const struct config_node *entry,
                                  struct slice hosts, void *item)
{
    static const struct config_key roots = {.expected =
                                                "a list of 1 to 64 entries: PEM files, or system",
                                            .min = 1,
                                            .max = CONFIG_TRUST_FILES_MAX};
    struct config_host_trust *out = item;

    TRY(read_roots(reader, entry, &roots, &out->system, &out->files));
    out->name = entry->key;
    out->hosts = hosts;
    out->line = entry->line;
    return OK;
}

static CONFIG_READER(read_host_trusts)
{
    struct config_host_trusts list = {.count = node->count};

    TRY(read_by_hosts(reader, node, key, sizeof(*list.items), read_host_trust, &list.items));
    *(struct config_host_trusts *)target = list;
    return OK;
}

#define AT CONFIG_AT

static const struct config_key upstream_keys[] = {
    {.name = "trust",
     .read = read_trust,
     AT(trust_files),
     .expected = "a list of 1 to 64 entries, such as [system]",
     .min = 1,
     .max = CONFIG_TRUST_FILES_MAX},
    {.name = "resolve",
     .read = config_read_resolves,
     AT(resolve),
     .expected = "a mapping of host names to addresses"},
    {.name = "allow_addresses",
     .read = config_read_networks,
     AT(allow_addresses),
     .expected = "a list of at most 1000 networks, such as [10.0.0.0/8]",
     .max = 1000},
    {.name = "nameservers",
     .read = config_read_nameservers,
     AT(nameservers),
     .expected = "system, or a list of 1 to 16 addresses",
     .min = 1,
     .max = CONFIG_NAMESERVERS_MAX},
    {.name = "proxy",
     .read = read_proxy,
     AT(upstream_proxy),
     .expected = "http://host:port, { url, credentials, except }, or null"},
    {.name = "client_cert",
     .read = read_client_certs,
     AT(client_certs),
     .expected = "a mapping of at most 256 hosts to { cert: FILE, key: FILE }"},
    {.name = "trust_for",
     .read = read_host_trusts,
     AT(host_trusts),
     .expected = "a mapping of at most 256 hosts to lists of PEM files"},
};
const struct config_schema config_upstream_schema = {upstream_keys, ARRAY_LEN(upstream_keys)};

const struct config_resolve *config_find_resolve(const struct config *config,
                                                 const struct host_name *host)
{
    for (size_t i = 0; i < config->resolve.count; i++) {
        if (host_name_equals(&config->resolve.items[i].host, host))
            return &config->resolve.items[i];
    }
    return NULL;
}

static bool is_excepted(const struct config_upstream_proxy *proxy, const struct authority *target)
{
    for (size_t i = 0; i < proxy->except_hosts.count; i++) {
        if (host_pattern_matches(&proxy->except_hosts.items[i], target))
            return true;
    }
    for (size_t i = 0; host_name_is_literal(&target->host) && i < proxy->except_networks.count;
         i++) {
        if (ip_network_contains(&proxy->except_networks.items[i], &target->host.literal))
            return true;
    }
    return false;
}

bool config_goes_through_proxy(const struct config *config, const struct authority *target)
{
    return config->upstream_proxy.address.port != 0 &&
           config_find_resolve(config, &target->host) == NULL &&
           !is_excepted(&config->upstream_proxy, target);
}
