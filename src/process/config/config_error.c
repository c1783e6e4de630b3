/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a configuration, as one line for a person. Never copies a control character
 * from the file to a terminal. */
#include "process/config/config_node.h"

#include <stdio.h>

enum { FOUND_MAX = 48 };

/* `text` in quotes, cut at FOUND_MAX bytes, everything but printable ASCII as "?". */
static const char *quote(struct slice text, char out[FOUND_MAX + 8])
{
    struct slice shown = slice_take(text, FOUND_MAX);
    size_t len = 0;

    out[len++] = '"';
    for (size_t i = 0; i < shown.len; i++)
        out[len++] = shown.data[i] >= 0x20 && shown.data[i] < 0x7f ? shown.data[i] : '?';
    memcpy(out + len, text.len > shown.len ? "…\"" : "\"", text.len > shown.len ? 5 : 2);
    return out;
}

static const char *describe(const struct config_node *node, char out[FOUND_MAX + 8])
{
    switch (node->kind) {
    case CONFIG_NODE_LIST:
        return "a list";
    case CONFIG_NODE_MAP:
        return "a mapping";
    default:
        return config_node_is_null(node) ? "nothing" : quote(node->text, out);
    }
}

static size_t push_text(struct config_reader *reader, const char *separator, struct slice text)
{
    size_t mark = reader->path_len;
    size_t room = sizeof(reader->path) - mark;
    int wrote = snprintf(reader->path + mark, room, "%s%.*s", mark == 0 ? "" : separator,
                         SLICE_ARG(slice_take(text, 64)));

    reader->path_len += wrote < 0 ? 0 : ((size_t)wrote < room ? (size_t)wrote : room - 1);
    for (size_t i = mark; i < reader->path_len; i++)
        reader->path[i] = reader->path[i] >= 0x20 && reader->path[i] < 0x7f ? reader->path[i] : '?';
    return mark;
}

size_t config_path_push(struct config_reader *reader, struct slice key)
{
    return push_text(reader, ".", key);
}

size_t config_path_push_index(struct config_reader *reader, size_t index)
{
    char text[32];

    snprintf(text, sizeof(text), "[%zu]", index);
    return push_text(reader, "", slice_from_string(text));
}

void config_path_pop(struct config_reader *reader, size_t mark)
{
    reader->path_len = mark;
    reader->path[mark] = '\0';
}

static enum error fail(struct config_reader *reader, const struct config_node *node,
                       const char *first, const char *second)
{
    struct config_error *error = reader->error;
    char line[16] = "";

    error->line = node == NULL ? 0 : node->line;
    if (error->line != 0)
        snprintf(line, sizeof(line), "%u:", error->line);
    snprintf(error->key, sizeof(error->key), "%s", reader->path);
    snprintf(error->message, sizeof(error->message), "%.*s:%s %s%s%s%s",
             SLICE_ARG(slice_take(reader->file, 256)), line, reader->path,
             reader->path_len == 0 ? "" : ": ", first, second);
    return ERR_CONFIG;
}

enum error config_fail(struct config_reader *reader, const struct config_node *node,
                       const char *sentence)
{
    return fail(reader, node, sentence, "");
}

enum error config_fail_expected(struct config_reader *reader, const struct config_node *node,
                                const char *expected)
{
    char found[FOUND_MAX + 8];
    char sentence[256];

    snprintf(sentence, sizeof(sentence), "expected %s, found ", expected);
    return fail(reader, node, sentence, describe(node, found));
}

enum error config_fail_near(struct config_reader *reader, const struct config_node *node,
                            const char *sentence, const char *suggestion)
{
    char hint[96] = "";

    if (suggestion != NULL)
        snprintf(hint, sizeof(hint), "; did you mean \"%s\"?", suggestion);
    return fail(reader, node, sentence, hint);
}
