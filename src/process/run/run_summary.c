/* SPDX-License-Identifier: Apache-2.0 */
/* From audit records to a few lines for a person. Never grows with the number of requests. */
#include "process/run/run_summary.h"

#include "base/buffer.h"
#include "base/table.h"
#include "policy/refusal_flag.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { ENTRIES_MAX = 500, LINE_MAX_LEN = 64 * 1024, KEY_MAX = 512 };

/* Everything that was alike: target, outcome, secret. */
struct entry {
    STAILQ_ENTRY(entry) next;
    struct table_entry by_key;
    char key[KEY_MAX];
    struct authority target; /* no host: none that could be named; port 0: the usual ones */
    char secret[128];
    char code[64];    /* empty: allowed */
    bool is_unopened; /* at least once */
    unsigned long count;
};

struct run_summary {
    STAILQ_HEAD(, entry) entries; /* in the order of their first appearance */
    struct table by_key;
    struct buffer line;
    unsigned long left_out;
};

struct run_summary *run_summary_new(void)
{
    struct run_summary *summary = calloc(1, sizeof(*summary));

    if (summary == NULL)
        return NULL;
    STAILQ_INIT(&summary->entries);
    table_init(&summary->by_key);
    buffer_init(&summary->line, LINE_MAX_LEN);
    return summary;
}

void run_summary_free(struct run_summary *summary)
{
    struct entry *entry;

    if (summary == NULL)
        return;
    while ((entry = STAILQ_FIRST(&summary->entries)) != NULL) {
        STAILQ_REMOVE_HEAD(&summary->entries, next);
        free(entry);
    }
    table_clear(&summary->by_key);
    buffer_clear(&summary->line);
    free(summary);
}

static const char *text_of(const json_t *record, const char *field)
{
    const char *text = json_string_value(json_object_get(record, field));

    return text == NULL ? "" : text;
}

/* A host that has no canonical form is no host that a flag could allow. */
static void take_host(struct entry *entry, const char *text)
{
    struct host_name host;

    if (host_name_parse(slice_from_string(text), &host) == OK)
        entry->target.host = host;
}

static bool is_word(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!ascii_is_alpha(*text) && !ascii_is_digit(*text) && *text != '_')
            return false;
    }
    return true;
}

static void take_word(char *out, size_t size, const char *text)
{
    if (is_word(text))
        snprintf(out, size, "%s", text);
}

/* 443, 80 and none (a name that was asked for) are one: a pattern without a port covers them. */
static uint16_t port_of(const json_t *record)
{
    json_int_t port = json_integer_value(json_object_get(record, "port"));

    return port == 443 || port == 80 || port < 0 || port > 65535 ? 0 : (uint16_t)port;
}

static struct entry *entry_new(const json_t *record)
{
    bool is_refused = strcmp(text_of(record, "decision"), "refused") == 0;
    const json_t *secret = json_array_get(json_object_get(record, "secrets"), 0);
    struct entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL)
        return NULL;
    take_host(entry, text_of(record, "host"));
    entry->target.port = port_of(record);
    entry->is_unopened = strcmp(text_of(record, "protocol"), "tls-passthrough") == 0;
    if (is_refused)
        take_word(entry->code, sizeof(entry->code), text_of(record, "code"));
    if (is_refused && secret != NULL)
        take_word(entry->secret, sizeof(entry->secret), json_string_value(secret));
    snprintf(entry->key, sizeof(entry->key), "%s|%u|%s|%s", entry->target.host.text,
             (unsigned)entry->target.port, entry->code, entry->secret);
    return entry;
}

static void count_again(struct entry *known, const struct entry *entry)
{
    known->count++;
    known->is_unopened |= entry->is_unopened;
}

static void add_record(struct run_summary *summary, const json_t *record)
{
    struct entry *entry = entry_new(record);

    if (entry == NULL)
        return;
    struct slice key = slice_from_string(entry->key);
    struct table_entry *known = table_find(&summary->by_key, key);
    bool is_kept = known == NULL && summary->by_key.count < ENTRIES_MAX &&
                   table_insert(&summary->by_key, &entry->by_key, key) == OK;
    if (is_kept) {
        entry->count = 1;
        STAILQ_INSERT_TAIL(&summary->entries, entry, next);
        return;
    }
    if (known != NULL)
        count_again(CONTAINER_OF(known, struct entry, by_key), entry);
    else
        summary->left_out++;
    free(entry);
}

static void end_line(struct run_summary *summary)
{
    struct slice line = buffer_view(&summary->line);
    json_t *record = json_loadb(line.data == NULL ? "" : line.data, line.len, 0, NULL);

    if (record != NULL)
        add_record(summary, record);
    json_decref(record);
    buffer_reset(&summary->line);
}

void run_summary_add(struct run_summary *summary, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t end = slice_find(bytes, '\n');

        if (buffer_append(&summary->line, slice_take(bytes, end)) != OK)
            buffer_reset(&summary->line); /* no record is that long */
        if (end < bytes.len)
            end_line(summary);
        bytes = slice_skip(bytes, end + 1);
    }
}

static bool has_host(const struct entry *entry)
{
    return entry->target.host.len > 0;
}

static void print_text(const struct buffer *text, FILE *out)
{
    fwrite(buffer_view(text).data, 1, buffer_len(text), out);
}

static void print_target(const struct entry *entry, FILE *out)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = LINE_MAX_LEN};

    if (refusal_flag_append_pattern(text, &entry->target) == OK)
        print_text(text, out);
}

static enum refusal_code code_of(const char *name)
{
    for (enum refusal_code code = REFUSAL_BAD_REQUEST; code < REFUSAL_COUNT; code++) {
        if (strcmp(refusal_code_name(code), name) == 0)
            return code;
    }
    return REFUSAL_NONE;
}

static void print_flag(const struct entry *entry, FILE *out)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = LINE_MAX_LEN};

    if (!has_host(entry) ||
        refusal_flag_append(text, code_of(entry->code), &entry->target,
                            slice_from_string(entry->secret)) != OK ||
        buffer_len(text) == 0)
        return;
    fputs(" (allow it with ", out);
    print_text(text, out);
    fputc(')', out);
}

static void print_refusal(const struct entry *entry, bool names_flag, FILE *out)
{
    fputs("  ", out);
    if (has_host(entry))
        print_target(entry, out);
    else
        fputs("a connection", out);
    fprintf(out, ": %s", entry->code);
    if (entry->count > 1)
        fprintf(out, ", %lu times", entry->count);
    if (names_flag)
        print_flag(entry, out);
    else if (code_of(entry->code) == REFUSAL_HOST_NOT_ALLOWED)
        fputs(" (its store does not allow it)", out);
    fputc('\n', out);
}

void run_summary_print_refusals(const struct run_summary *summary, bool names_flags, FILE *out)
{
    const struct entry *entry;
    bool has_title = false;

    STAILQ_FOREACH(entry, &summary->entries, next)
    {
        if (entry->code[0] == '\0')
            continue;
        if (!has_title)
            fputs("sealgate: refused:\n", out);
        has_title = true;
        print_refusal(entry, names_flags, out);
    }
    if (summary->left_out > 0)
        fprintf(out, "  and %lu more records\n", summary->left_out);
}

static bool is_reached(const struct entry *entry, const struct host_list *private_hosts UNUSED)
{
    return entry->code[0] == '\0' && has_host(entry);
}

static bool is_unopened(const struct entry *entry, const struct host_list *private_hosts)
{
    return is_reached(entry, private_hosts) && entry->is_unopened;
}

static bool is_private(const struct entry *entry, const struct host_list *private_hosts)
{
    return is_reached(entry, private_hosts) &&
           host_list_matches_host(private_hosts, &entry->target.host, NULL);
}

/* A list of a store: egress always, the others where they are not empty. */
static const struct learned_list {
    const char *key;
    bool (*includes)(const struct entry *entry, const struct host_list *private_hosts);
    bool names_ports, is_always_there;
} learned_lists[] = {
    {"egress", is_reached, true, true},
    {"passthroughHosts", is_unopened, true, false},
    {"privateHosts", is_private, false, false},
};

static void print_host(const struct learned_list *list, const struct entry *entry, FILE *out)
{
    fputs("      - \"", out);
    if (list->names_ports)
        print_target(entry, out);
    else
        fputs(entry->target.host.text, out);
    fputs("\"\n", out);
}

static void print_learned_list(const struct run_summary *summary, const struct learned_list *list,
                               const struct host_list *private_hosts, FILE *out)
{
    const struct entry *entry;
    bool has_any = false;

    STAILQ_FOREACH(entry, &summary->entries, next)
    {
        if (!list->includes(entry, private_hosts))
            continue;
        if (!has_any)
            fprintf(out, "    %s:\n", list->key);
        has_any = true;
        print_host(list, entry, out);
    }
    if (!has_any && list->is_always_there)
        fprintf(out, "    %s: []\n", list->key);
}

void run_summary_print_learned(const struct run_summary *summary,
                               const struct host_list *private_hosts, FILE *out)
{
    fputs("stores:\n  - name: learned\n", out);
    for (size_t i = 0; i < ARRAY_LEN(learned_lists); i++)
        print_learned_list(summary, &learned_lists[i], private_hosts, out);
}
