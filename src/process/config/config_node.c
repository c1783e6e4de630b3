/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text as a tree, through libyaml's events. Never follows an alias: the tree is no larger than
 * the text. */
#include "process/config/config_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_MAX = 16, ENTRIES_MAX = 4096 };

struct config_memory {
    struct config_memory *next; /* blocks; the first one is empty */
};

struct loader {
    struct config_reader *reader;
    yaml_parser_t parser;
    yaml_event_t event; /* the one being looked at */
};

static void loader_clear(struct loader *loader)
{
    yaml_event_delete(&loader->event);
    yaml_parser_delete(&loader->parser);
}

struct config_memory *config_memory_new(void)
{
    return calloc(1, sizeof(struct config_memory));
}

void config_memory_free(struct config_memory *memory)
{
    while (memory != NULL) {
        struct config_memory *next = memory->next;

        free(memory);
        memory = next;
    }
}

void *config_memory_take(struct config_memory *memory, size_t count, size_t size)
{
    enum { HEADER = 16 }; /* keeps what follows aligned */
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - HEADER)
        return NULL;
    struct config_memory *block = calloc(1, HEADER + bytes);
    if (block == NULL)
        return NULL;
    block->next = memory->next;
    memory->next = block;
    return (char *)block + HEADER;
}

static enum error next_event(struct loader *loader)
{
    yaml_event_delete(&loader->event);
    if (yaml_parser_parse(&loader->parser, &loader->event))
        return OK;
    if (loader->parser.error == YAML_MEMORY_ERROR)
        return ERR_NO_MEMORY;

    struct config_node where = {.line = (unsigned)loader->parser.problem_mark.line + 1};
    char sentence[200];
    snprintf(sentence, sizeof(sentence), "not valid YAML: %s",
             loader->parser.problem == NULL ? "unreadable" : loader->parser.problem);
    return config_fail(loader->reader, &where, sentence);
}

static enum error copy_text(struct loader *loader, struct slice *out)
{
    size_t len = loader->event.data.scalar.length;
    char *copy = config_memory_take(loader->reader->memory, len + 1, 1);

    if (copy == NULL)
        return ERR_NO_MEMORY;
    memcpy(copy, loader->event.data.scalar.value, len);
    *out = slice_of(copy, len);
    return OK;
}

static enum error new_node(struct loader *loader, enum config_node_kind kind,
                           struct config_node **out)
{
    struct config_node *node = config_memory_take(loader->reader->memory, 1, sizeof(*node));

    if (node == NULL)
        return ERR_NO_MEMORY;
    node->kind = kind;
    node->line = (unsigned)loader->event.start_mark.line + 1;
    *out = node;
    return OK;
}

static enum error load_scalar(struct loader *loader, struct config_node **out)
{
    TRY(new_node(loader, CONFIG_NODE_SCALAR, out));
    (*out)->is_plain = loader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (loader->event.data.scalar.anchor != NULL || loader->event.data.scalar.tag != NULL)
        return config_fail(loader->reader, *out, "anchors and tags are not supported");
    return copy_text(loader, &(*out)->text);
}

static enum error load_node(struct loader *loader, unsigned depth, struct config_node **out);

static enum error append_child(struct loader *loader, struct config_node *parent,
                               struct config_node ***end, struct config_node *child)
{
    if (parent->count == ENTRIES_MAX)
        return config_fail(loader->reader, child, "too many entries");
    **end = child;
    *end = &child->next;
    parent->count++;
    return OK;
}

static enum error load_list(struct loader *loader, unsigned depth, struct config_node **out)
{
    TRY(new_node(loader, CONFIG_NODE_LIST, out));
    if (loader->event.data.sequence_start.anchor != NULL)
        return config_fail(loader->reader, *out, "anchors and tags are not supported");

    struct config_node **end = &(*out)->first;
    TRY(next_event(loader));
    while (loader->event.type != YAML_SEQUENCE_END_EVENT) {
        struct config_node *item = NULL;

        TRY(load_node(loader, depth + 1, &item));
        TRY(append_child(loader, *out, &end, item));
        TRY(next_event(loader));
    }
    return OK;
}

static enum error refuse_duplicate(struct loader *loader, const struct config_node *map,
                                   struct slice key, unsigned line)
{
    for (const struct config_node *entry = map->first; entry != NULL; entry = entry->next) {
        if (!slice_equals(entry->key, key))
            continue;
        struct config_node where = {.line = line};
        char sentence[64];
        config_path_push(loader->reader, key);
        snprintf(sentence, sizeof(sentence), "set twice, first on line %u", entry->line);
        return config_fail(loader->reader, &where, sentence);
    }
    return OK;
}

/* Leaves the key's path pushed, so that an error in the value names it. */
static enum error load_key(struct loader *loader, const struct config_node *map,
                           struct slice *out_key, unsigned *out_line)
{
    struct config_node where = {.line = (unsigned)loader->event.start_mark.line + 1};

    if (loader->event.type != YAML_SCALAR_EVENT)
        return config_fail(loader->reader, &where, "a key must be a plain word");
    TRY(copy_text(loader, out_key));
    TRY(refuse_duplicate(loader, map, *out_key, where.line));
    *out_line = where.line;
    return OK;
}

static enum error load_entry(struct loader *loader, unsigned depth, const struct config_node *map,
                             struct config_node **out)
{
    struct slice key = SLICE_NONE;
    unsigned line = 0;

    TRY(load_key(loader, map, &key, &line));
    size_t mark = config_path_push(loader->reader, key);
    TRY(next_event(loader));
    TRY(load_node(loader, depth + 1, out));
    config_path_pop(loader->reader, mark);
    (*out)->key = key;
    (*out)->line = line;
    return OK;
}

static enum error load_map(struct loader *loader, unsigned depth, struct config_node **out)
{
    TRY(new_node(loader, CONFIG_NODE_MAP, out));
    if (loader->event.data.mapping_start.anchor != NULL)
        return config_fail(loader->reader, *out, "anchors and tags are not supported");

    struct config_node **end = &(*out)->first;
    TRY(next_event(loader));
    while (loader->event.type != YAML_MAPPING_END_EVENT) {
        struct config_node *entry = NULL;

        TRY(load_entry(loader, depth, *out, &entry));
        TRY(append_child(loader, *out, &end, entry));
        TRY(next_event(loader));
    }
    return OK;
}

static enum error load_node(struct loader *loader, unsigned depth, struct config_node **out)
{
    struct config_node where = {.line = (unsigned)loader->event.start_mark.line + 1};

    if (depth > DEPTH_MAX)
        return config_fail(loader->reader, &where, "nested too deeply");
    switch (loader->event.type) {
    case YAML_SCALAR_EVENT:
        return load_scalar(loader, out);
    case YAML_SEQUENCE_START_EVENT:
        return load_list(loader, depth, out);
    case YAML_MAPPING_START_EVENT:
        return load_map(loader, depth, out);
    default:
        return config_fail(loader->reader, &where, "aliases are not supported");
    }
}

static enum error load_stream(struct loader *loader, struct config_node **out)
{
    TRY(next_event(loader)); /* stream start */
    TRY(next_event(loader));
    if (loader->event.type == YAML_STREAM_END_EVENT)
        return OK;
    TRY(next_event(loader)); /* past document start */
    TRY(load_node(loader, 0, out));
    TRY(next_event(loader)); /* document end */
    TRY(next_event(loader));
    if (loader->event.type == YAML_STREAM_END_EVENT)
        return OK;

    struct config_node where = {.line = (unsigned)loader->event.start_mark.line + 1};
    return config_fail(loader->reader, &where, "only one YAML document is allowed");
}

enum error config_node_load(struct config_reader *reader, struct slice text,
                            const struct config_node **out)
{
    struct loader loader = {.reader = reader};
    struct config_node *root = NULL;

    if (!yaml_parser_initialize(&loader.parser))
        return ERR_NO_MEMORY;
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)(text.len ? text.data : ""),
                                 text.len);
    enum error error = load_stream(&loader, &root);
    loader_clear(&loader);
    if (error == OK)
        *out = root;
    return error;
}

bool config_node_is(const struct config_node *node, const char *word)
{
    return node->kind == CONFIG_NODE_SCALAR && node->is_plain &&
           slice_equals(node->text, slice_from_string(word));
}

bool config_node_is_word(const struct config_node *node, const char *word)
{
    return node->kind == CONFIG_NODE_SCALAR && slice_equals(node->text, slice_from_string(word));
}

bool config_node_is_null(const struct config_node *node)
{
    return config_node_is(node, "") || config_node_is(node, "~") || config_node_is(node, "null");
}
