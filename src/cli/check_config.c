/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate check-config: everything that can be known of a configuration before it is used. */
#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What parses and still may surprise. */
static unsigned warn_about_stores(const struct config *config)
{
    unsigned warnings = 0;

    for (size_t i = 0; i < config->stores.count; i++) {
        const struct config_store *store = &config->stores.items[i];

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

static enum cli_status report(const struct cli *cli, const struct config_error *error,
                              unsigned warnings)
{
    bool is_good = error->message[0] == '\0';

    if (output_is_json(cli)) {
        json_t *object =
            json_pack("{s:b, s:s, s:s, s:i, s:i}", "valid", is_good, "error", error->message, "key",
                      error->key, "line", (int)error->line, "warnings", (int)warnings);

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
    struct buffer text;
    unsigned warnings = 0;

    if (!data_dir_read_file(cli_argument(cli, 0), CONFIG_TEXT_MAX, &text))
        return CLI_FAILED;
    enum error result =
        config_parse(buffer_view(&text), slice_from_string(cli_argument(cli, 0)), &config, &error);
    buffer_clear(&text);
    if (result != OK && result != ERR_CONFIG)
        return cli_fail("%s", error_text(result));
    if (result == OK)
        warnings = warn_about_stores(config) + warn_about_files(config);
    for (size_t i = 0; result == OK && i < config->stores.count; i++)
        warnings += warn_about_sources(&config->stores.items[i]);
    return report(cli, &error, warnings);
}
