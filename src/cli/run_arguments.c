/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the options of `sealgate run`. Never takes a value of a secret: only where one comes from.
 */
#include "cli/run_arguments.h"

#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How a source is written, and what it is. */
static const struct {
    const char *prefix;
    enum config_source kind;
} sources[] = {
    {"env:", CONFIG_SOURCE_ENV},
    {"file:", CONFIG_SOURCE_FILE},
    {"cmd:", CONFIG_SOURCE_COMMAND},
};

/* Where the texts of all options go, and pointers to them. */
struct room {
    const char **strings;
    char *text;
};

/* An option that may be repeated. */
struct list {
    const char *name;
    const char *separators; /* of what one value may name */
    struct process_run_strings *out;
};

static bool is_variable_name(const char *name)
{
    if (name[0] == '\0' || ascii_is_digit(name[0]))
        return false;
    for (; *name != '\0'; name++) {
        if (!ascii_is_alpha(*name) && !ascii_is_digit(*name) && *name != '_')
            return false;
    }
    return true;
}

/* The parts of one value, cut in place. */
static enum cli_status take_parts(const struct cli *cli, const struct list *list, char *value,
                                  struct room *room)
{
    size_t before = list->out->count;
    char *rest = NULL;

    for (char *part = strtok_r(value, list->separators, &rest); part != NULL;
         part = strtok_r(NULL, list->separators, &rest)) {
        *room->strings++ = part;
        list->out->count++;
    }
    return list->out->count > before ? CLI_DONE : cli_misuse(cli, "--%s needs a value", list->name);
}

static char *copy_text(const char *text, struct room *room)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(room->text, text, size);

    room->text += size;
    return copy;
}

/* All values of an option, after those of the options before. */
static enum cli_status take_list(const struct cli *cli, const struct list *list, struct room *room)
{
    size_t from = 0;

    list->out->items = room->strings;
    for (const char *value = cli_next(cli, list->name, &from); value != NULL;
         value = cli_next(cli, list->name, &from)) {
        enum cli_status status = take_parts(cli, list, copy_text(value, room), room);

        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

static enum cli_status take_source(const struct cli *cli, struct process_run_secret *secret,
                                   const char *source)
{
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        size_t len = strlen(sources[i].prefix);

        if (strncmp(source, sources[i].prefix, len) != 0 || source[len] == '\0')
            continue;
        secret->source_kind = sources[i].kind;
        secret->source = source + len;
        return CLI_DONE;
    }
    /* Not quoted: somebody may have written the value itself here. */
    return cli_misuse(cli, "--secret %s=… needs a source: env:VARIABLE, file:PATH or cmd:COMMAND",
                      secret->name);
}

static enum cli_status check_source(const struct cli *cli, const struct process_run_secret *secret)
{
    if (secret->source_kind == CONFIG_SOURCE_ENV && getenv(secret->source) == NULL)
        return cli_misuse(cli, "--secret %s: the variable %s is not set", secret->name,
                          secret->source);
    if (secret->source_kind == CONFIG_SOURCE_FILE && access(secret->source, R_OK) != 0)
        return cli_misuse(cli, "--secret %s: the file %s cannot be read", secret->name,
                          secret->source);
    return CLI_DONE;
}

static enum cli_status take_hosts(const struct cli *cli, char *hosts, struct room *room,
                                  struct process_run_strings *out)
{
    const struct list list = {"secret", ", ", out};
    char why[OPTION_WHY_MAX];

    if (hosts[strspn(hosts, ", ")] == '\0')
        return cli_misuse(cli, "--secret …@ needs a host behind the @");
    if (!option_check_hosts(hosts, why))
        return cli_misuse(cli, "--secret …@ %s", why);
    out->items = room->strings;
    return take_parts(cli, &list, hosts, room);
}

/* NAME=SOURCE[@host,host]; the last @ splits. */
static enum cli_status take_secret(const struct cli *cli, char *text, struct room *room,
                                   struct process_run_secret *out)
{
    char *source = strchr(text, '='), *hosts = strrchr(text, '@');

    if (source == NULL)
        return cli_misuse(cli, "--secret is NAME=SOURCE[@HOST,HOST]");
    *source++ = '\0';
    out->name = text;
    if (!is_variable_name(text))
        return cli_misuse(cli, "--secret NAME=SOURCE: a name is letters, digits and underscores");
    if (hosts != NULL && hosts > source) {
        *hosts++ = '\0';
        enum cli_status status = take_hosts(cli, hosts, room, &out->hosts);
        if (status != CLI_DONE)
            return status;
    }
    enum cli_status status = take_source(cli, out, source);
    return status == CLI_DONE ? check_source(cli, out) : status;
}

static enum cli_status take_secrets(const struct cli *cli, struct run_arguments *out,
                                    struct room *room)
{
    size_t from = 0;

    for (const char *value = cli_next(cli, "secret", &from); value != NULL;
         value = cli_next(cli, "secret", &from)) {
        enum cli_status status = take_secret(cli, copy_text(value, room), room,
                                             &out->secrets[out->options.secret_count++]);

        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

static bool passes_unopened(const struct process_run_strings *passthrough, const char *host)
{
    OWNED_STRUCT(host_list) *list = host_list_new();
    struct host_pattern pattern;

    for (size_t i = 0; list != NULL && i < passthrough->count; i++) {
        if (host_list_add(list, slice_from_string(passthrough->items[i]), NULL) != OK)
            return false;
    }
    return list != NULL && host_pattern_parse(slice_from_string(host), &pattern, NULL) == OK &&
           host_list_covers(list, &pattern);
}

/* The value could never be sent there. */
static enum cli_status check_passthrough(const struct cli *cli,
                                         const struct process_run_options *options)
{
    for (size_t i = 0; i < options->secret_count; i++) {
        const struct process_run_secret *secret = &options->secrets[i];

        for (size_t j = 0; j < secret->hosts.count; j++) {
            if (passes_unopened(&options->passthrough, secret->hosts.items[j]))
                return cli_misuse(cli,
                                  "--secret %s is for %s, which --passthrough lets through "
                                  "unopened: no secret can be put in there",
                                  secret->name, secret->hosts.items[j]);
        }
    }
    return CLI_DONE;
}

static bool take_memory(const struct cli *cli, struct run_arguments *out, struct room *room)
{
    size_t size = 0, parts = 0;

    for (size_t i = 0; i < cli->value_count; i++) {
        const char *value = cli->values[i].value == NULL ? "" : cli->values[i].value;

        size += strlen(value) + 1;
        parts++;
        for (const char *comma = strchr(value, ','); comma != NULL; comma = strchr(comma + 1, ','))
            parts++;
    }
    out->strings = calloc(parts + 1, sizeof(*out->strings));
    out->secrets = calloc(cli->value_count + 1, sizeof(*out->secrets));
    out->text = malloc(size + 1);
    *room = (struct room){out->strings, out->text};
    return out->strings != NULL && out->secrets != NULL && out->text != NULL;
}

static enum cli_status take_lists(const struct cli *cli, struct process_run_options *options,
                                  struct room *room)
{
    const struct list lists[] = {
        {"store", "", &options->stores},
        {"allow", ", ", &options->allow},
        {"passthrough", ", ", &options->passthrough},
        {"private", ", ", &options->private_hosts},
        {"env", "", &options->environment},
        {"share", "", &options->share},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        enum cli_status status = take_list(cli, &lists[i], room);

        if (status != CLI_DONE)
            return status;
    }
    return CLI_DONE;
}

enum cli_status run_arguments_parse(const struct cli *cli, struct run_arguments *out)
{
    struct process_run_options *options = &out->options;
    struct room room;

    if (!take_memory(cli, out, &room))
        return cli_fail("out of memory");
    options->secrets = out->secrets;
    options->config_path = cli_option(cli, "config");
    options->learns = cli_has(cli, "learn");
    options->is_not_isolated = cli_has(cli, "no-isolate");
    options->command = cli->arguments;
    enum cli_status status = take_lists(cli, options, &room);
    if (status == CLI_DONE)
        status = take_secrets(cli, out, &room);
    return status == CLI_DONE ? check_passthrough(cli, options) : status;
}

void run_arguments_clear(struct run_arguments *arguments)
{
    free(arguments->strings);
    free(arguments->secrets);
    free(arguments->text);
}
