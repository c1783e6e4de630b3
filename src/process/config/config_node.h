/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* YAML text as a tree of nodes, and where reading it failed. Only config*.c includes this. */

#include "process/config/config.h"

enum config_node_kind { CONFIG_NODE_SCALAR, CONFIG_NODE_LIST, CONFIG_NODE_MAP };

struct config_node {
    enum config_node_kind kind;
    bool is_plain;             /* a scalar without quotes: may be a number, true, null */
    unsigned line;             /* from 1 */
    struct slice key;          /* of a map's entry; NUL-terminated */
    struct slice text;         /* of a scalar; NUL-terminated */
    struct config_node *first; /* of a list or map */
    struct config_node *next;
    size_t count;
};

/* One reading of one text. Everything that is allocated on the way belongs to `memory`. */
struct config_reader {
    struct config_memory *memory;
    struct slice file;
    struct config_error *error;
    char path[sizeof(((struct config_error *)0)->key)]; /* of the node being read */
    size_t path_len;
};

struct config_memory *config_memory_new(void);
void config_memory_free(struct config_memory *memory);
DEFINE_OWNED_STRUCT(config_memory, config_memory_free)
/* Zeroed, freed with the memory; NULL when there is none left. */
void *config_memory_take(struct config_memory *memory, size_t count, size_t size);

/* One document without anchors, aliases and tags, at most 16 levels deep, no key twice in a map.
 * `*out` is NULL for an empty text. */
MUST_USE enum error config_node_load(struct config_reader *reader, struct slice text,
                                     const struct config_node **out);
bool config_node_is_null(const struct config_node *node);
/* A plain scalar of exactly this text: true, null. */
bool config_node_is(const struct config_node *node, const char *word);
/* A string of exactly this text: quotes make no difference to one. */
bool config_node_is_word(const struct config_node *node, const char *word);

/* Appends to the path of what is being read, and goes back. */
size_t config_path_push(struct config_reader *reader, struct slice key);
size_t config_path_push_index(struct config_reader *reader, size_t index);
void config_path_pop(struct config_reader *reader, size_t mark);

/* Fill the error and return ERR_CONFIG. `node` may be NULL. Whatever stands in the file is quoted,
 * cut and escaped. */
MUST_USE enum error config_fail(struct config_reader *reader, const struct config_node *node,
                                const char *sentence);
MUST_USE enum error config_fail_expected(struct config_reader *reader,
                                         const struct config_node *node, const char *expected);
MUST_USE enum error config_fail_near(struct config_reader *reader, const struct config_node *node,
                                     const char *sentence, const char *suggestion);
