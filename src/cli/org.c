/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate org and api-key: who may use the control API. Never shows a key but once, when it is
 * made. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"

static const struct output_column org_columns[] = {
    {"NAME", "name"}, {"ID", "id"}, {"CREATED", "createdAt"}};
static const struct output_column new_org_columns[] = {
    {"name", "name"}, {"id", "id"}, {"created", "createdAt"}};
static const struct output_column key_columns[] = {
    {"ID", "id"},       {"NAME", "name"},         {"ORGANIZATION", "orgId"},
    {"ADMIN", "admin"}, {"CREATED", "createdAt"}, {"REVOKED", "revokedAt"},
};
static const struct output_column new_key_columns[] = {
    {"key", "key"}, {"id", "id"}, {"name", "name"}, {"organization", "orgId"}, {"admin", "admin"}};

static enum cli_status org_create(struct cli *cli)
{
    const struct api_path path = api_path("orgs", NULL);
    json_t *body = json_pack("{s:s}", "name", cli_argument(cli, 0));

    return output_object(cli, api_call(cli, "POST", &path, body), new_org_columns,
                         ARRAY_LEN(new_org_columns));
}

static enum cli_status org_list(struct cli *cli)
{
    const struct api_path path = api_path("orgs", NULL);

    return output_list(cli, api_get(cli, &path), org_columns, ARRAY_LEN(org_columns));
}

static enum cli_status api_key_create(struct cli *cli)
{
    const struct api_path path = api_path("api-keys", NULL);
    json_t *body = json_object();

    api_set_option(body, "name", cli, "name");
    api_set_option(body, "org", cli, "for-org");
    if (cli_has(cli, "admin"))
        json_object_set_new(body, "admin", json_true());
    return output_object(cli, api_call(cli, "POST", &path, body), new_key_columns,
                         ARRAY_LEN(new_key_columns));
}

static enum cli_status api_key_list(struct cli *cli)
{
    const struct api_path path = api_path("api-keys", NULL);

    return output_list(cli, api_get(cli, &path), key_columns, ARRAY_LEN(key_columns));
}

static enum cli_status api_key_revoke(struct cli *cli)
{
    const struct api_path path = api_path("api-keys", cli_argument(cli, 0), NULL);

    return output_done(cli, api_call(cli, "DELETE", &path, NULL), "Revoked.");
}

static const struct cli_option key_options[] = {
    {"name", "NAME", "what it is for"},
    {"for-org", "ORG", "the organization it acts for, by id or name"},
    {"admin", NULL, "it may administer organizations, keys and rotation"},
};

const struct cli_command org_commands[] = {
    {.name = "create",
     .summary = "make an organization",
     .arguments = "NAME",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = org_create},
    {.name = "list", .summary = "list all organizations", .run = org_list},
    {.name = NULL},
};

const struct cli_command api_key_commands[] = {
    {.name = "create",
     .summary = "make an API key; it is shown this once",
     COMMANDS_OPTIONS(key_options),
     .run = api_key_create},
    {.name = "list", .summary = "list all API keys", .run = api_key_list},
    {.name = "revoke",
     .summary = "make an API key useless",
     .arguments = "ID",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = api_key_revoke},
    {.name = NULL},
};
