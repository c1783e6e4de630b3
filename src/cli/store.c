/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate store: secret stores and their egress allowlists. Never sees a value of a secret. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"

#include <string.h>

static const struct output_column columns[] = {
    {"NAME", "name"},
    {"ID", "id"},
    {"EGRESS ALLOWLIST", "egressAllowlist"},
};
static const struct output_column details[] = {
    {"name", "name"},
    {"id", "id"},
    {"organization", "orgId"},
    {"egress allowlist", "egressAllowlist"},
    {"passthrough", "passthroughHosts"},
    {"private hosts", "privateHosts"},
    {"hides values", "redactResponses"},
    {"read-only", "readOnly"},
    {"created", "createdAt"},
    {"updated", "updatedAt"},
};

static const struct cli_option change_options[] = {
    {"allow", "HOST", "a host pattern for the egress allowlist; repeat it, or separate by commas",
     option_check_hosts},
    {"passthrough", "HOST",
     "a host pattern whose TLS passes without interception and without secrets",
     option_check_hosts},
    {"private", "HOST", "a name or address that may be reached in a private network",
     option_check_single_hosts},
    {"redact", "yes|no", "hide values of its secrets in responses (default yes)",
     option_check_yes_no},
    {"name", "NAME", "a new name"},
};

static void warn_about_empty_allowlist(const json_t *store)
{
    if (store != NULL && json_array_size(json_object_get(store, "egressAllowlist")) == 0)
        cli_warn("the egress allowlist is empty: sandboxes with this store alone may reach every "
                 "host (with default_deny: true, none); --allow HOST restricts them");
}

static void set_redact(const struct cli *cli, json_t *body)
{
    const char *word = cli_option(cli, "redact");

    if (word != NULL)
        json_object_set_new(body, "redactResponses", json_boolean(strcmp(word, "yes") == 0));
}

static enum cli_status send_store(const struct cli *cli, const char *method,
                                  const struct api_path *path, json_t *body)
{
    set_redact(cli, body);
    api_set_list(body, "egressAllowlist", cli, "allow");
    api_set_list(body, "passthroughHosts", cli, "passthrough");
    api_set_list(body, "privateHosts", cli, "private");
    json_t *store = api_call(cli, method, path, body);
    warn_about_empty_allowlist(store);
    output_warnings(store);
    return output_object(cli, store, details, ARRAY_LEN(details));
}

static enum cli_status store_create(struct cli *cli)
{
    const struct api_path path = api_path("secret-stores", NULL);
    json_t *body = json_object();

    json_object_set_new(body, "name", json_string(cli_argument(cli, 0)));
    return send_store(cli, "POST", &path, body);
}

static enum cli_status store_update(struct cli *cli)
{
    const struct api_path path = api_path("secret-stores", cli_argument(cli, 0), NULL);
    json_t *body = json_object();

    api_set_option(body, "name", cli, "name");
    return send_store(cli, "PUT", &path, body);
}

static enum cli_status store_list(struct cli *cli)
{
    const struct api_path path = api_path("secret-stores", NULL);

    return output_list(cli, api_get(cli, &path), columns, ARRAY_LEN(columns));
}

static enum cli_status store_show(struct cli *cli)
{
    const struct api_path path = api_path("secret-stores", cli_argument(cli, 0), NULL);

    return output_object(cli, api_get(cli, &path), details, ARRAY_LEN(details));
}

static enum cli_status store_delete(struct cli *cli)
{
    const struct api_path path = api_path("secret-stores", cli_argument(cli, 0), NULL);

    return output_done(cli, api_call(cli, "DELETE", &path, NULL),
                       "Deleted. Sandboxes that are bound to it keep what it gave them.");
}

const struct cli_command store_commands[] = {
    {.name = "create",
     .summary = "make a store",
     .arguments = "NAME",
     .arguments_min = 1,
     .arguments_max = 1,
     .options = change_options,
     .option_count = ARRAY_LEN(change_options) - 1, /* all but --name */
     .run = store_create},
    {.name = "list", .summary = "list all stores", .run = store_list},
    {.name = "show",
     .summary = "show a store",
     .arguments = "STORE",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = store_show},
    {.name = "update",
     .summary = "change a store; what is not named stays",
     .arguments = "STORE",
     .description = "--allow, --passthrough and --private each replace a whole list; an empty "
                    "value empties it.",
     .arguments_min = 1,
     .arguments_max = 1,
     COMMANDS_OPTIONS(change_options),
     .run = store_update},
    {.name = "delete",
     .summary = "delete a store",
     .arguments = "STORE",
     .description = "It is hidden and its name is free. Sandboxes that are bound to it go on "
                    "working.",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = store_delete},
    {.name = NULL},
};
