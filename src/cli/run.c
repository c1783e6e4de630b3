/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate run: one command behind a proxy of its own. Decides whose store it is, never
 * what is enforced; the work is in process/. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/run_arguments.h"
#include "cli/run_server.h"

static bool is_declared(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->stores.count; i++) {
        if (slice_equals(config->stores.items[i].name, slice_from_string(name)))
            return true;
    }
    return false;
}

/* The first store that the configuration does not have; NULL: it has all. */
static const char *find_undeclared(const struct config *config,
                                   const struct process_run_strings *stores)
{
    for (size_t i = 0; i < stores->count; i++) {
        if (!is_declared(config, stores->items[i]))
            return stores->items[i];
    }
    return NULL;
}

/* What is decided by a server cannot be added to from here. */
static enum cli_status check_alone(const struct cli *cli, const struct process_run_options *options,
                                   const char *store)
{
    if (options->stores.count > 1)
        return cli_misuse(cli,
                          "--store %s is not in the configuration, and a store of a server stands "
                          "alone: layer stores there, with a checkpoint and a fork",
                          store);
    if (options->secret_count + options->allow.count + options->passthrough.count +
                options->private_hosts.count >
            0 ||
        options->learns)
        return cli_misuse(cli,
                          "--store %s is a store of a server, which decides: set secrets and hosts "
                          "there (`sealgate secret set`, `sealgate store update`) instead of "
                          "--secret, --allow, --passthrough, --private and --learn here",
                          store);
    return CLI_DONE;
}

/* A store that the configuration does not have is the server's, where there is one. */
static enum cli_status choose_server(const struct cli *cli,
                                     const struct process_run_options *options, const char **store)
{
    OWNED_STRUCT(config) *config = NULL;

    if (options->stores.count == 0 || api_url(cli) == NULL)
        return CLI_DONE;
    if (!data_dir_load_config(cli, &config))
        return CLI_FAILED;
    *store = find_undeclared(config, &options->stores);
    return *store == NULL ? CLI_DONE : check_alone(cli, options, *store);
}

static enum cli_status run_with_server(const struct cli *cli, struct process_run_options *options,
                                       const char *store)
{
    struct run_server server = {.cli = cli, .store = store};
    const struct process_run_source source = {run_server_open, &server};

    options->server = &source;
    int exit_status = process_run(options);
    run_server_close(&server);
    return (enum cli_status)exit_status;
}

/* The command's exit status is ours. */
enum cli_status run_run(struct cli *cli)
{
    struct run_arguments arguments = {.strings = NULL};
    const char *store = NULL;
    enum cli_status status = run_arguments_parse(cli, &arguments);

    if (status == CLI_DONE)
        status = choose_server(cli, &arguments.options, &store);
    if (status == CLI_DONE)
        status = store != NULL ? run_with_server(cli, &arguments.options, store)
                               : (enum cli_status)process_run(&arguments.options);
    run_arguments_clear(&arguments);
    return status;
}
