/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a mapping may contain: one row a key. Only config*.c includes this. */

#include "process/config/config_node.h"

struct config_schema;

struct config_key {
    const char *name;
    /* Reads `node` into `target`, the struct of the schema plus `offset`. */
    enum error (*read)(struct config_reader *reader, const struct config_node *node,
                       const struct config_key *key, void *target);
    size_t offset;
    const char *expected; /* for the message: "a duration from 1s to 10m, such as 30s" */
    uint64_t min, max;    /* of a number, a duration in ms, the length of a list */
    const struct config_schema *section;
};

#define CONFIG_AT(member) .offset = offsetof(struct config, member)

struct config_schema {
    const struct config_key *keys;
    size_t count;
};

/* Reads every entry of a mapping into `target`; nothing (null) is an empty mapping. An unknown key
 * is an error that names the nearest known one. */
MUST_USE enum error config_schema_read(struct config_reader *reader, const struct config_node *node,
                                       const struct config_schema *schema, void *target);

/* config_schema.c: `key->section` on the same target. */
enum error config_read_section(struct config_reader *reader, const struct config_node *node,
                               const struct config_key *key, void *target);

/* config_value.c: the types of values. */
#define CONFIG_READER(name)                                                                        \
    enum error name(struct config_reader *reader, const struct config_node *node,                  \
                    const struct config_key *key, void *target)
CONFIG_READER(config_read_bool);         /* bool */
CONFIG_READER(config_read_number);       /* uint64_t */
CONFIG_READER(config_read_number_auto);  /* uint64_t, 0 for "auto" */
CONFIG_READER(config_read_size);         /* uint64_t, bytes; KiB and MiB are understood */
CONFIG_READER(config_read_duration);     /* uint64_t, milliseconds */
CONFIG_READER(config_read_path);         /* struct slice, absolute */
CONFIG_READER(config_read_path_or_null); /* empty for null */
CONFIG_READER(config_read_authority);    /* struct authority, port 0 for null */
CONFIG_READER(config_read_endpoints);    /* struct config_endpoints */
CONFIG_READER(config_read_networks);     /* struct config_networks */
CONFIG_READER(config_read_nameservers);  /* struct config_endpoints, empty for "system" */
CONFIG_READER(config_read_resolves);     /* struct config_resolves */

/* config_store.c */
CONFIG_READER(config_read_stores); /* struct config_stores */
/* config_upstream.c: the section `upstream`, on a struct config. */
extern const struct config_schema config_upstream_schema;

/* config_limits.c: `limits`, on struct config */
extern const struct config_schema config_limits_schema;

/* A scalar of 1 to `max_len` bytes without control characters. */
bool config_text_is_clean(const struct config_node *node, size_t max_len);
bool config_text_is_path(const struct config_node *node);
/* An array of `size` for the items of a list of at most `max`; other kinds of node fail with
 * `expected`. */
MUST_USE enum error config_take_items(struct config_reader *reader, const struct config_node *node,
                                      const struct config_key *key, size_t size, void *out_items);
