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

static enum cli_status check_pattern(const struct cli *cli, const char *text)
{
    struct host_pattern pattern;
    const char *why = "";

    if (host_pattern_parse(slice_from_string(text), &pattern, &why) == OK)
        return CLI_DONE;
    return cli_misuse(cli, "\"%s\" is no host that can be allowed: %s", text, why);
}

static enum cli_status check_allow(const struct cli *cli, const char *text)
{
    return check_pattern(cli, text);
}

static enum cli_status check_environment(const struct cli *cli, const char *text)
{
    const char *equals = strchr(text, '=');

    return equals != NULL && equals != text ? CLI_DONE : cli_misuse(cli, "--env is NAME=VALUE");
}

static enum cli_status check_any(const struct cli *cli UNUSED, const char *text UNUSED)
{
    return CLI_DONE;
}

/* All values of an option, after those of the options before. */
static enum cli_status take_list(const struct cli *cli, const char *name,
                                 enum cli_status (*check)(const struct cli *, const char *),
                                 const char ***room, struct process_run_strings *out)
{
    size_t from = 0;

    out->items = *room;
    for (const char *value = cli_next(cli, name, &from); value != NULL;
         value = cli_next(cli, name, &from)) {
        enum cli_status status = check(cli, value);

        if (status != CLI_DONE)
            return status;
        *(*room)++ = value;
        out->count++;
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

/* "host,host", cut in place. */
static enum cli_status take_hosts(const struct cli *cli, char *hosts, const char ***room,
                                  struct process_run_strings *out)
{
    char *rest = NULL;

    out->items = *room;
    for (char *host = strtok_r(hosts, ",", &rest); host != NULL;
         host = strtok_r(NULL, ",", &rest)) {
        enum cli_status status = check_pattern(cli, host);

        if (status != CLI_DONE)
            return status;
        *(*room)++ = host;
        out->count++;
    }
    return out->count > 0 ? CLI_DONE : cli_misuse(cli, "--secret …@ needs a host behind the @");
}

/* NAME=SOURCE[@host,host]; the last @ splits. */
static enum cli_status take_secret(const struct cli *cli, char *text, const char ***room,
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
                                    const char ***room)
{
    char *text = out->text;
    size_t from = 0;

    for (const char *value = cli_next(cli, "secret", &from); value != NULL;
         value = cli_next(cli, "secret", &from)) {
        size_t size = strlen(value) + 1;

        memcpy(text, value, size);
        enum cli_status status =
            take_secret(cli, text, room, &out->secrets[out->options.secret_count++]);
        if (status != CLI_DONE)
            return status;
        text += size;
    }
    return CLI_DONE;
}

static bool take_memory(const struct cli *cli, struct run_arguments *out)
{
    size_t from = 0, size = 1, hosts = 0;

    for (const char *value = cli_next(cli, "secret", &from); value != NULL;
         value = cli_next(cli, "secret", &from)) {
        size += strlen(value) + 1;
        for (const char *comma = value; comma != NULL; comma = strchr(comma + 1, ','))
            hosts++;
    }
    out->strings = calloc(cli->value_count + hosts + 1, sizeof(*out->strings));
    out->secrets = calloc(cli->value_count + 1, sizeof(*out->secrets));
    out->text = malloc(size);
    return out->strings != NULL && out->secrets != NULL && out->text != NULL;
}

enum cli_status run_arguments_parse(const struct cli *cli, struct run_arguments *out)
{
    struct process_run_options *options = &out->options;
    const struct {
        const char *name;
        enum cli_status (*check)(const struct cli *, const char *);
        struct process_run_strings *list;
    } lists[] = {
        {"store", check_any, &options->stores},
        {"allow", check_allow, &options->allow},
        {"env", check_environment, &options->environment},
        {"share", check_any, &options->share},
    };

    if (!take_memory(cli, out))
        return cli_fail("out of memory");
    const char **room = out->strings;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        enum cli_status status =
            take_list(cli, lists[i].name, lists[i].check, &room, lists[i].list);
        if (status != CLI_DONE)
            return status;
    }
    options->secrets = out->secrets;
    options->config_path = cli_option(cli, "config");
    options->learns = cli_has(cli, "learn");
    options->is_not_isolated = cli_has(cli, "no-isolate");
    options->command = cli->arguments;
    return take_secrets(cli, out, &room);
}

void run_arguments_clear(struct run_arguments *arguments)
{
    free(arguments->strings);
    free(arguments->secrets);
    free(arguments->text);
}
