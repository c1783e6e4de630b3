/* SPDX-License-Identifier: Apache-2.0 */
/* From audit records to a few lines for a person. Never grows with the number of requests. */
#include "process/run_summary.h"

#include "base/buffer.h"
#include "base/host_name.h"
#include "base/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { ENTRIES_MAX = 500, LINE_MAX_LEN = 64 * 1024, KEY_MAX = 512 };

/* Everything that was alike: target, outcome, secret. */
struct entry {
    STAILQ_ENTRY(entry) next;
    struct table_entry by_key;
    char key[KEY_MAX];
    char host[HOST_NAME_MAX_LEN + 1]; /* canonical; empty: none that could be named */
    char secret[128];
    char code[64]; /* empty: allowed */
    bool is_ipv6;
    unsigned port; /* 0: the usual ones */
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

    if (host_name_parse(slice_from_string(text), &host) != OK)
        return;
    memcpy(entry->host, host.text, sizeof(entry->host));
    entry->is_ipv6 = host.literal.len == 16;
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
static unsigned port_of(const json_t *record)
{
    json_int_t port = json_integer_value(json_object_get(record, "port"));

    return port == 443 || port == 80 || port < 0 || port > 65535 ? 0 : (unsigned)port;
}

static struct entry *entry_new(const json_t *record)
{
    bool is_refused = strcmp(text_of(record, "decision"), "refused") == 0;
    const json_t *secret = json_array_get(json_object_get(record, "secrets"), 0);
    struct entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL)
        return NULL;
    take_host(entry, text_of(record, "host"));
    entry->port = port_of(record);
    if (is_refused)
        take_word(entry->code, sizeof(entry->code), text_of(record, "code"));
    if (is_refused && secret != NULL)
        take_word(entry->secret, sizeof(entry->secret), json_string_value(secret));
    snprintf(entry->key, sizeof(entry->key), "%s|%u|%s|%s", entry->host, entry->port, entry->code,
             entry->secret);
    return entry;
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
    free(entry);
    if (known != NULL)
        CONTAINER_OF(known, struct entry, by_key)->count++;
    else
        summary->left_out++;
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

/* As a host pattern. */
static void print_target(const struct entry *entry, FILE *out)
{
    bool has_port = entry->port != 0;
    bool has_brackets = entry->is_ipv6 && has_port;

    fprintf(out, "%s%s%s", has_brackets ? "[" : "", entry->host, has_brackets ? "]" : "");
    if (has_port)
        fprintf(out, ":%u", entry->port);
}

static void print_flag_allow(const struct entry *entry, FILE *out)
{
    fputs("--allow ", out);
    print_target(entry, out);
}

static void print_flag_secret(const struct entry *entry, FILE *out)
{
    fprintf(out, "--secret %s=SOURCE@", entry->secret[0] == '\0' ? "NAME" : entry->secret);
    print_target(entry, out);
}

static void print_flag_address(const struct entry *entry, FILE *out)
{
    fprintf(out, "--config FILE with upstream.allow_addresses, or with %s in upstream.resolve",
            entry->host);
}

static void print_flag_place(const struct entry *entry, FILE *out)
{
    fprintf(out, "--config FILE with a store whose %s has this place in `inject`, and --store",
            entry->secret[0] == '\0' ? "secret" : entry->secret);
}

static const struct {
    const char *code;
    void (*print_flag)(const struct entry *entry, FILE *out);
} flags[] = {
    {"host_not_allowed", print_flag_allow},
    {"secret_host_not_allowed", print_flag_secret},
    {"address_not_allowed", print_flag_address},
    {"token_place_not_allowed", print_flag_place},
};

static void print_refusal(const struct entry *entry, FILE *out)
{
    fputs("  ", out);
    if (entry->host[0] == '\0')
        fputs("a connection", out);
    else
        print_target(entry, out);
    fprintf(out, ": %s", entry->code);
    if (entry->count > 1)
        fprintf(out, ", %lu times", entry->count);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (entry->host[0] == '\0' || strcmp(entry->code, flags[i].code) != 0)
            continue;
        fputs(" (allow it with ", out);
        flags[i].print_flag(entry, out);
        fputc(')', out);
    }
    fputc('\n', out);
}

void run_summary_print_refusals(const struct run_summary *summary, FILE *out)
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
        print_refusal(entry, out);
    }
    if (summary->left_out > 0)
        fprintf(out, "  and %lu more records\n", summary->left_out);
}

void run_summary_print_learned(const struct run_summary *summary, FILE *out)
{
    const struct entry *entry;
    bool has_any = false;

    fputs("egress:", out);
    STAILQ_FOREACH(entry, &summary->entries, next)
    {
        if (entry->code[0] != '\0' || entry->host[0] == '\0')
            continue;
        has_any = true;
        fputs("\n  - \"", out);
        print_target(entry, out);
        fputc('"', out);
    }
    fputs(has_any ? "\n" : " []\n", out);
}
