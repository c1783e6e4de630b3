/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate audit: what sandboxes asked for, and what came of it. Never reads the audit file itself:
 * the API says what the caller may see. */
#include "cli/api.h"
#include "cli/audit_since.h"
#include "cli/commands.h"
#include "cli/output.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct output_column columns[] = {
    {"TIME", "time"}, {"SANDBOX", "sandbox"}, {"DECISION", "decision"},
    {"CODE", "code"}, {"STATUS", "status"},   {"METHOD", "method"},
    {"HOST", "host"}, {"PORT", "port"},       {"PATH", "path"},
};

#define FILTER_OPTIONS                                                                             \
    {"sandbox", "SANDBOX", "only of this sandbox"}, {"host", "HOST", "only for this host"},        \
        {"decision", "WORD", "allowed or refused", option_check_decision},                         \
        {"code", "CODE", "only with this refusal, such as host_not_allowed", option_check_code},   \
        {"secret", "NAME", "only where this secret was used"},                                     \
    {                                                                                              \
        "all", NULL, "of all organizations (admin)"                                                \
    }

static const struct cli_option tail_options[] = {
    {"lines", "N", "how many (default 20, at most 1000)", option_check_records},
    {"follow", NULL, "go on until interrupted"},
    FILTER_OPTIONS,
};
static const struct cli_option search_options[] = {
    {"since", "WHEN", "how long ago (90s, 15m, 2h, 7d), or a time like 2026-01-31T12:00:00Z",
     option_check_since},
    {"limit", "N", "at most so many (default 1000, the most)", option_check_records},
    FILTER_OPTIONS,
};

static json_t *fetch(const struct cli *cli, const char *limit)
{
    static const char *const filters[] = {"sandbox", "host", "decision", "code", "secret"};
    struct api_path path = api_path("audit", NULL);

    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        api_path_add(&path, filters[i], cli_option(cli, filters[i]));
    api_path_add(&path, "limit", limit);
    api_path_add(&path, "all", cli_has(cli, "all") ? "true" : NULL);
    return api_get(cli, &path);
}

static enum cli_status audit_search(struct cli *cli)
{
    const char *limit = cli_option(cli, "limit");
    char since[AUDIT_SINCE_SIZE] = "";

    if (cli_has(cli, "since"))
        (void)audit_since_parse(cli_option(cli, "since"), time(NULL), since);
    json_t *records = fetch(cli, limit == NULL ? "1000" : limit);
    while (records != NULL && json_array_size(records) > 0 &&
           audit_since_is_before(
               json_string_value(json_object_get(json_array_get(records, 0), "time")), since))
        json_array_remove(records, 0);
    return output_list(cli, records, columns, ARRAY_LEN(columns));
}

static void print_record(const struct cli *cli, const json_t *record)
{
    char text[512];

    if (output_is_json(cli)) {
        json_dumpf(record, stdout, JSON_COMPACT);
    } else {
        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            printf("%s%s", i == 0 ? "" : "  ",
                   output_field(record, columns[i].field, text, sizeof(text)));
    }
    putchar('\n');
}

/* Where the records go on that were not there the last time. */
static size_t first_new(const json_t *records, const json_t *last)
{
    for (size_t i = json_array_size(records); last != NULL && i > 0; i--) {
        if (json_equal(json_array_get(records, i - 1), last))
            return i;
    }
    return 0;
}

static json_t *print_new(const struct cli *cli, json_t *records, json_t *last)
{
    size_t count = json_array_size(records);

    for (size_t i = first_new(records, last); i < count; i++)
        print_record(cli, json_array_get(records, i));
    fflush(stdout);
    if (count == 0)
        return last;
    json_decref(last);
    return json_incref(json_array_get(records, count - 1));
}

static enum cli_status audit_tail(struct cli *cli)
{
    const char *lines = cli_option(cli, "lines");
    json_t *last = NULL;
    bool goes_on = cli_has(cli, "follow");

    do {
        json_t *records = fetch(cli, last != NULL ? "1000" : (lines == NULL ? "20" : lines));

        if (records == NULL) {
            json_decref(last);
            return CLI_FAILED;
        }
        last = print_new(cli, records, last);
        json_decref(records);
        if (goes_on)
            sleep(1);
    } while (goes_on);
    json_decref(last);
    return CLI_DONE;
}

const struct cli_command audit_commands[] = {
    {.name = "tail",
     .summary = "show the last records, oldest first",
     COMMANDS_OPTIONS(tail_options),
     .run = audit_tail},
    {.name = "search",
     .summary = "find records",
     COMMANDS_OPTIONS(search_options),
     .run = audit_search},
    {.name = NULL},
};
