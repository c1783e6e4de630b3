/* SPDX-License-Identifier: Apache-2.0 */
/* The types of values in the configuration. Never guesses: a value that is not exactly of its type
 * is an error. */
#include "process/config/config_schema.h"

enum { PATH_MAX_LEN = 1024, DNS_PORT = 53 };

bool config_text_is_clean(const struct config_node *node, size_t max_len)
{
    if (node->kind != CONFIG_NODE_SCALAR || node->text.len == 0 || node->text.len > max_len)
        return false;
    for (size_t i = 0; i < node->text.len; i++) {
        unsigned char byte = (unsigned char)node->text.data[i];

        if (byte < 0x20 || byte == 0x7f)
            return false;
    }
    return true;
}

bool config_text_is_path(const struct config_node *node)
{
    return config_text_is_clean(node, PATH_MAX_LEN) && node->text.data[0] == '/';
}

enum error config_read_bool(struct config_reader *reader, const struct config_node *node,
                            const struct config_key *key, void *target)
{
    bool *out = target;

    (void)key;
    if (!config_node_is(node, "true") && !config_node_is(node, "false"))
        return config_fail_expected(reader, node, "true or false");
    *out = config_node_is(node, "true");
    return OK;
}

/* Digits, then one of `units`, as a multiple of the first unit. */
struct unit {
    const char *suffix;
    uint64_t factor;
};

static bool parse_with_unit(struct slice text, const struct unit *units, size_t count,
                            uint64_t *out)
{
    size_t digits = 0;
    uint64_t number;

    while (digits < text.len && ascii_is_digit(text.data[digits]))
        digits++;
    if (!slice_parse_u64(slice_take(text, digits), &number))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (slice_equals(slice_skip(text, digits), slice_from_string(units[i].suffix)))
            return !__builtin_mul_overflow(number, units[i].factor, out);
    }
    return false;
}

static enum error read_quantity(struct config_reader *reader, const struct config_node *node,
                                const struct config_key *key, const struct unit *units,
                                size_t count, uint64_t *out)
{
    uint64_t number;

    if (node->kind != CONFIG_NODE_SCALAR || !parse_with_unit(node->text, units, count, &number) ||
        number < key->min || number > key->max)
        return config_fail_expected(reader, node, key->expected);
    *out = number;
    return OK;
}

enum error config_read_number(struct config_reader *reader, const struct config_node *node,
                              const struct config_key *key, void *target)
{
    static const struct unit units[] = {{"", 1}};

    if (!node->is_plain) /* "8" in quotes is a string */
        return config_fail_expected(reader, node, key->expected);
    return read_quantity(reader, node, key, units, ARRAY_LEN(units), target);
}

enum error config_read_number_auto(struct config_reader *reader, const struct config_node *node,
                                   const struct config_key *key, void *target)
{
    if (!config_node_is_word(node, "auto"))
        return config_read_number(reader, node, key, target);
    *(uint64_t *)target = 0;
    return OK;
}

enum error config_read_size(struct config_reader *reader, const struct config_node *node,
                            const struct config_key *key, void *target)
{
    static const struct unit units[] = {
        {"", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}};

    return read_quantity(reader, node, key, units, ARRAY_LEN(units), target);
}

enum error config_read_duration(struct config_reader *reader, const struct config_node *node,
                                const struct config_key *key, void *target)
{
    static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};

    return read_quantity(reader, node, key, units, ARRAY_LEN(units), target);
}

enum error config_read_path(struct config_reader *reader, const struct config_node *node,
                            const struct config_key *key, void *target)
{
    if (!config_text_is_path(node))
        return config_fail_expected(reader, node, key->expected);
    *(struct slice *)target = node->text;
    return OK;
}

enum error config_read_path_or_null(struct config_reader *reader, const struct config_node *node,
                                    const struct config_key *key, void *target)
{
    if (!config_node_is_null(node))
        return config_read_path(reader, node, key, target);
    *(struct slice *)target = SLICE("");
    return OK;
}

enum error config_read_authority(struct config_reader *reader, const struct config_node *node,
                                 const struct config_key *key, void *target)
{
    struct authority authority = {0};

    if (!config_node_is_null(node) &&
        (node->kind != CONFIG_NODE_SCALAR || authority_parse(node->text, 0, &authority) != OK))
        return config_fail_expected(reader, node, key->expected);
    *(struct authority *)target = authority;
    return OK;
}

enum error config_take_items(struct config_reader *reader, const struct config_node *node,
                             const struct config_key *key, size_t size, void *out_items)
{
    if (node->kind != CONFIG_NODE_LIST || node->count < key->min || node->count > key->max)
        return config_fail_expected(reader, node, key->expected);
    void *items = config_memory_take(reader->memory, node->count, size);
    if (items == NULL)
        return ERR_NO_MEMORY;
    memcpy(out_items, &items, sizeof(items));
    return OK;
}

enum error config_read_endpoints(struct config_reader *reader, const struct config_node *node,
                                 const struct config_key *key, void *target)
{
    struct config_endpoints list = {0};

    TRY(config_take_items(reader, node, key, sizeof(*list.items), &list.items));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != CONFIG_NODE_SCALAR ||
            ip_endpoint_parse(item->text, &list.items[list.count]) != OK)
            return config_fail_expected(reader, item,
                                        "an address and a port, such as 127.0.0.1:3128");
        list.count++;
    }
    *(struct config_endpoints *)target = list;
    return OK;
}

enum error config_read_networks(struct config_reader *reader, const struct config_node *node,
                                const struct config_key *key, void *target)
{
    struct config_networks list = {0};

    TRY(config_take_items(reader, node, key, sizeof(*list.items), &list.items));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != CONFIG_NODE_SCALAR ||
            ip_network_parse(item->text, &list.items[list.count]) != OK)
            return config_fail_expected(
                reader, item, "a network without host bits, such as 10.0.0.0/8, or an address");
        list.count++;
    }
    *(struct config_networks *)target = list;
    return OK;
}

/* "10.0.0.5", "10.0.0.5:8443", "::1", "[::1]:8443". */
static bool parse_address_and_port(const struct config_node *node, uint16_t default_port,
                                   struct ip_endpoint *out)
{
    struct ip_endpoint endpoint = {.port = default_port};

    if (node->kind != CONFIG_NODE_SCALAR)
        return false;
    if (ip_address_parse(node->text, &endpoint.address) != OK &&
        (ip_endpoint_parse(node->text, &endpoint) != OK || endpoint.port == 0))
        return false;
    *out = endpoint;
    return true;
}

enum error config_read_nameservers(struct config_reader *reader, const struct config_node *node,
                                   const struct config_key *key, void *target)
{
    struct config_endpoints list = {0};

    if (config_node_is_word(node, "system")) {
        *(struct config_endpoints *)target = list;
        return OK;
    }
    TRY(config_take_items(reader, node, key, sizeof(*list.items), &list.items));
    for (const struct config_node *item = node->first; item != NULL; item = item->next) {
        if (!parse_address_and_port(item, DNS_PORT, &list.items[list.count]))
            return config_fail_expected(reader, item,
                                        "an address, with a port or without, such as 1.1.1.1");
        list.count++;
    }
    *(struct config_endpoints *)target = list;
    return OK;
}

static enum error read_resolve(struct config_reader *reader, const struct config_node *entry,
                               struct config_resolves *list)
{
    size_t mark = config_path_push(reader, entry->key);
    struct config_resolve *resolve = &list->items[list->count];

    if (host_name_parse(entry->key, &resolve->host) != OK || host_name_is_literal(&resolve->host))
        return config_fail(reader, entry, "this is no host name");
    if (!parse_address_and_port(entry, 0, &resolve->to))
        return config_fail_expected(reader, entry,
                                    "an address, with a port or without, such as 10.0.0.5:8443");
    for (size_t i = 0; i < list->count; i++) {
        if (host_name_equals(&list->items[i].host, &resolve->host))
            return config_fail(reader, entry, "set twice, in another spelling");
    }
    list->count++;
    config_path_pop(reader, mark);
    return OK;
}

enum error config_read_resolves(struct config_reader *reader, const struct config_node *node,
                                const struct config_key *key, void *target)
{
    struct config_resolves list = {0};

    if (!config_node_is_null(node)) {
        if (node->kind != CONFIG_NODE_MAP)
            return config_fail_expected(reader, node, key->expected);
        list.items = config_memory_take(reader->memory, node->count, sizeof(*list.items));
        if (list.items == NULL)
            return ERR_NO_MEMORY;
        for (const struct config_node *entry = node->first; entry != NULL; entry = entry->next)
            TRY(read_resolve(reader, entry, &list));
    }
    *(struct config_resolves *)target = list;
    return OK;
}
