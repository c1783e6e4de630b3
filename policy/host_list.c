/* SPDX-License-Identifier: Apache-2.0 */
/* Host patterns compiled for look-up. Never compares a target with one pattern after the other. */
#include "policy/host_list.h"

#include "base/table.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 8 };
enum { ANY_PORT = 0 }; /* no target has it */

struct rule {
    struct table_entry by_text;
    struct table_entry by_host; /* linked for the first rule of a host only */
    struct rule *next;          /* the next rule for the same host, in the order of addition */
    struct rule *last;          /* of the first rule of a host: the end of that chain */
    struct slice text;          /* as given */
    struct slice host;          /* canonical: the key of by_host; empty for "*" */
    uint32_t port;
    char bytes[]; /* what the two slices point into */
};

struct host_list {
    struct rule **rules; /* in the order of addition */
    size_t count, capacity;
    struct table texts;    /* every rule, by its literal text */
    struct table exact;    /* by host */
    struct table suffixes; /* by what follows "*."; "*" is the empty suffix */
    uint64_t suffix_lens[HOST_NAME_MAX_LEN / 64 + 1]; /* a bit for each length that occurs */
};

struct host_list *host_list_new(void)
{
    return calloc(1, sizeof(struct host_list));
}

void host_list_free(struct host_list *list)
{
    if (list == NULL)
        return;
    table_clear(&list->texts);
    table_clear(&list->exact);
    table_clear(&list->suffixes);
    for (size_t i = 0; i < list->count; i++)
        free(list->rules[i]);
    free(list->rules);
    free(list);
}

static enum error make_room(struct host_list *list)
{
    size_t capacity = list->capacity == 0 ? FIRST_CAPACITY : list->capacity * 2;

    if (list->count < list->capacity)
        return OK;
    struct rule **rules = reallocarray(list->rules, capacity, sizeof(*rules));
    if (rules == NULL)
        return ERR_NO_MEMORY;
    list->rules = rules;
    list->capacity = capacity;
    return OK;
}

static struct rule *rule_new(struct slice text, const struct host_pattern *pattern)
{
    size_t host_len = pattern->host.len;
    struct rule *rule = calloc(1, sizeof(*rule) + text.len + host_len);

    if (rule == NULL)
        return NULL;
    memcpy(rule->bytes, text.data, text.len);
    memcpy(rule->bytes + text.len, pattern->host.text, host_len);
    rule->text = slice_of(rule->bytes, text.len);
    rule->host = slice_of(rule->bytes + text.len, host_len);
    rule->port = pattern->port;
    rule->last = rule;
    return rule;
}

static struct rule *first_rule_for(const struct table *hosts, struct slice host)
{
    struct table_entry *entry = table_find(hosts, host);

    return entry != NULL ? CONTAINER_OF(entry, struct rule, by_host) : NULL;
}

static enum error link_by_host(struct table *hosts, struct rule *rule)
{
    struct rule *first = first_rule_for(hosts, rule->host);

    if (first == NULL)
        return table_insert(hosts, &rule->by_host, rule->host);
    first->last->next = rule;
    first->last = rule;
    return OK;
}

static enum error link_rule(struct host_list *list, enum host_pattern_kind kind, struct rule *rule)
{
    enum error error;

    TRY(table_insert(&list->texts, &rule->by_text, rule->text));
    error = link_by_host(kind == HOST_PATTERN_EXACT ? &list->exact : &list->suffixes, rule);
    if (error != OK) {
        table_remove(&list->texts, &rule->by_text);
        return error;
    }
    if (kind != HOST_PATTERN_EXACT)
        list->suffix_lens[rule->host.len / 64] |= UINT64_C(1) << rule->host.len % 64;
    list->rules[list->count++] = rule;
    return OK;
}

enum error host_list_add(struct host_list *list, struct slice pattern, const char **why)
{
    struct host_pattern parsed;
    enum error error;

    TRY(host_pattern_parse(pattern, &parsed, why));
    if (host_list_contains(list, pattern))
        return OK;
    TRY(make_room(list));

    struct rule *rule = rule_new(pattern, &parsed);
    if (rule == NULL)
        return ERR_NO_MEMORY;
    error = link_rule(list, parsed.kind, rule);
    if (error != OK)
        free(rule);
    return error;
}

size_t host_list_count(const struct host_list *list)
{
    return list != NULL ? list->count : 0;
}

struct slice host_list_text(const struct host_list *list, size_t index)
{
    return list->rules[index]->text;
}

bool host_list_contains(const struct host_list *list, struct slice text)
{
    return list != NULL && table_find(&list->texts, text) != NULL;
}

static bool covers(const struct rule *rule, uint32_t port)
{
    if (port == HOST_PATTERN_PORT_ANY) /* all of them */
        return rule->port == HOST_PATTERN_PORT_ANY;
    return port == ANY_PORT || host_pattern_port_matches(rule->port, (uint16_t)port);
}

static const struct rule *match_in(const struct table *hosts, struct slice host, uint32_t port)
{
    const struct rule *rule = first_rule_for(hosts, host);

    while (rule != NULL && !covers(rule, port))
        rule = rule->next;
    return rule;
}

static bool has_suffix_of_len(const struct host_list *list, size_t len)
{
    return (list->suffix_lens[len / 64] >> len % 64 & 1) != 0;
}

/* Longest first: what follows the first dot, the second, and so on, at last nothing ("*"). */
static const struct rule *match_suffix(const struct host_list *list, struct slice host,
                                       uint32_t port)
{
    const struct rule *rule = NULL;

    for (size_t at = 0; at < host.len && rule == NULL; at++)
        if (host.data[at] == '.' && has_suffix_of_len(list, host.len - at - 1))
            rule = match_in(&list->suffixes, slice_skip(host, at + 1), port);
    if (rule == NULL && has_suffix_of_len(list, 0))
        rule = match_in(&list->suffixes, SLICE_NONE, port);
    return rule;
}

static bool matches(const struct host_list *list, const struct host_name *target, uint32_t port,
                    struct slice *pattern)
{
    if (host_list_count(list) == 0)
        return false;

    struct slice host = host_name_view(target);
    const struct rule *rule = match_in(&list->exact, host, port);
    if (rule == NULL && !host_name_is_literal(target))
        rule = match_suffix(list, host, port);
    if (rule == NULL)
        return false;
    if (pattern != NULL)
        *pattern = rule->text;
    return true;
}

bool host_list_matches(const struct host_list *list, const struct authority *target,
                       struct slice *pattern)
{
    return target->port != ANY_PORT && matches(list, &target->host, target->port, pattern);
}

bool host_list_matches_host(const struct host_list *list, const struct host_name *host,
                            struct slice *pattern)
{
    return matches(list, host, ANY_PORT, pattern);
}

bool host_list_covers(const struct host_list *list, const struct host_pattern *pattern)
{
    uint32_t port = pattern->port == HOST_PATTERN_PORT_WEB ? 443 : pattern->port;
    struct slice host = host_name_view(&pattern->host);

    if (host_list_count(list) == 0)
        return false;
    if (pattern->kind == HOST_PATTERN_EXACT)
        return matches(list, &pattern->host, port, NULL);
    return match_in(&list->suffixes, host, port) != NULL || match_suffix(list, host, port) != NULL;
}
