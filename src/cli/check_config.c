/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate check-config: everything that can be known of a configuration before it is used. */
#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/output.h"
#include "policy/policy.h"
#include "process/supervisor/upstream_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_allowed(const struct config_store *store, const struct host_pattern *wanted,
                       bool has_ports)
{
    for (size_t i = 0; i < store->egress.count; i++) {
        struct host_pattern pattern;

        if (host_pattern_parse(store->egress.items[i], &pattern, NULL) != OK)
            continue;
        if (!has_ports)
            pattern.port = wanted->port;
        if (host_pattern_overlaps(&pattern, wanted))
            return true;
    }
    return false;
}

/* Such a list only says how an allowed host is treated. */
static unsigned warn_about_hosts(const struct config_store *store, const char *key,
                                 const struct config_strings *hosts, bool have_ports)
{
    unsigned warnings = 0;

    for (size_t i = 0; i < hosts->count; i++) {
        struct host_pattern wanted;

        if (host_pattern_parse(hosts->items[i], &wanted, NULL) != OK ||
            is_allowed(store, &wanted, have_ports))
            continue;
        cli_warn(
            "the store \"%.*s\" has %.*s in %s, and nothing in its egress list allows that: it "
            "applies only where another store of a sandbox does",
            SLICE_ARG(store->name), SLICE_ARG(hosts->items[i]), key);
        warnings++;
    }
    return warnings;
}

/* What parses and still may surprise. */
static unsigned warn_about_stores(const struct config *config)
{
    unsigned warnings = 0;

    for (size_t i = 0; i < config->stores.count; i++) {
        const struct config_store *store = &config->stores.items[i];

        if (store->egress.count > 0 || config->default_deny) {
            warnings += warn_about_hosts(store, "passthroughHosts", &store->passthrough, true);
            warnings += warn_about_hosts(store, "privateHosts", &store->private_hosts, false);
        }
        if (store->egress.count > 0)
            continue;
        cli_warn("the store \"%.*s\" has an empty egress list: it %s", SLICE_ARG(store->name),
                 config->default_deny ? "allows nothing" : "restricts nothing");
        warnings++;
    }
    return warnings;
}

static unsigned warn_about_files(const struct config *config)
{
    const struct slice files[] = {config->control_cert, config->control_key};
    unsigned warnings = 0;

    for (size_t i = 0; i < ARRAY_LEN(files) + config->trust_files.count; i++) {
        struct slice file =
            i < ARRAY_LEN(files) ? files[i] : config->trust_files.items[i - ARRAY_LEN(files)];

        if (file.len == 0 || access(file.data, R_OK) == 0)
            continue;
        cli_warn("%.*s is not readable here, now", SLICE_ARG(file));
        warnings++;
    }
    return warnings;
}

static unsigned warn_about_sources(const struct config_store *store)
{
    unsigned warnings = 0;

    for (size_t i = 0; i < store->secret_count; i++) {
        const struct config_secret *secret = &store->secrets[i];
        bool is_there = secret->source_kind == CONFIG_SOURCE_ENV
                            ? getenv(secret->source.data) != NULL
                            : access(secret->source.data, R_OK) == 0;

        if (is_there)
            continue;
        cli_warn("the source of %.*s, %s%.*s, is not there here, now", SLICE_ARG(secret->name),
                 secret->source_kind == CONFIG_SOURCE_ENV ? "the variable " : "the file ",
                 SLICE_ARG(secret->source));
        warnings++;
    }
    return warnings;
}

/* What is being found out about files. */
struct findings {
    const char *file;
    struct config_error *error;
    unsigned warnings;
};

/* The first that is certainly wrong is the error; this account may be unable to open what that of
 * the service can. */
static void on_complaint(void *context, const struct upstream_complaint *complaint)
{
    struct findings *findings = context;
    struct config_error *error = findings->error;

    if (complaint->is_fatal && !complaint->is_absent && error->message[0] == '\0') {
        error->line = complaint->line;
        snprintf(error->key, sizeof(error->key), "%s", complaint->key);
        snprintf(error->message, sizeof(error->message), "%s:%u: %s: %.*s: %s", findings->file,
                 complaint->line, complaint->key, SLICE_ARG(complaint->path), complaint->why);
        return;
    }
    cli_warn("%s: %.*s: %s", complaint->key, SLICE_ARG(complaint->path), complaint->why);
    findings->warnings++;
}

static enum error check_upstream_files(const struct config *config, struct findings *findings)
{
    const struct upstream_listener listener = {findings, on_complaint};
    OWNED_STRUCT(upstream_files) *files = NULL;

    enum error error = upstream_files_read(config, &listener, &files);
    return error == ERR_CONFIG ? OK : error;
}

static enum cli_status report(const struct cli *cli, const struct config_error *error,
                              unsigned warnings)
{
    bool is_good = error->message[0] == '\0';

    if (output_is_json(cli)) {
        json_t *object = is_good ? json_pack("{s:b, s:i}", "valid", true, "warnings", (int)warnings)
                                 : json_pack("{s:b, s:s, s:s, s:i, s:i}", "valid", false, "error",
                                             error->message, "key", error->key, "line",
                                             (int)error->line, "warnings", (int)warnings);

        output_json(object);
        json_decref(object);
    } else if (is_good) {
        printf("%s: good\n", cli_argument(cli, 0));
    } else {
        fprintf(stderr, "%s\n", error->message);
    }
    return is_good ? CLI_DONE : CLI_FAILED;
}

enum cli_status check_config_run(struct cli *cli)
{
    OWNED_STRUCT(config) *config = NULL;
    struct config_error error = {.line = 0};
    struct findings findings = {.file = cli_argument(cli, 0), .error = &error};
    struct buffer text;

    if (!data_dir_read_file(cli_argument(cli, 0), CONFIG_TEXT_MAX, &text))
        return CLI_FAILED;
    enum error result =
        config_parse(buffer_view(&text), slice_from_string(cli_argument(cli, 0)), &config, &error);
    buffer_clear(&text);
    if (result != OK && result != ERR_CONFIG)
        return cli_fail("%s", error_text(result));
    for (size_t i = 0; result == OK && i < config->stores.count; i++)
        findings.warnings += warn_about_sources(&config->stores.items[i]);
    if (result == OK)
        findings.warnings += warn_about_stores(config) + warn_about_files(config);
    if (result == OK && check_upstream_files(config, &findings) != OK)
        return cli_fail("%s", error_text(ERR_NO_MEMORY));
    return report(cli, &error, findings.warnings);
}
