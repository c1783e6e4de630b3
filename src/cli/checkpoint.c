/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate sandbox checkpoint: the layering and tokens of a moment. Never sees a value of a secret.
 */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"

static const struct output_column columns[] = {
    {"ID", "id"},
    {"NAME", "name"},
    {"STATUS", "status"},
    {"CREATED", "createdAt"},
};
static const struct output_column details[] = {
    {"id", "id"},         {"name", "name"},         {"sandbox", "sandboxId"},
    {"status", "status"}, {"created", "createdAt"},
};

static enum cli_status checkpoint_create(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), "checkpoints", NULL);
    json_t *body = json_pack("{s:s}", "name", cli_argument(cli, 1));

    return output_object(cli, api_call(cli, "POST", &path, body), details, ARRAY_LEN(details));
}

static enum cli_status checkpoint_list(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), "checkpoints", NULL);

    return output_list(cli, api_get(cli, &path), columns, ARRAY_LEN(columns));
}

static enum cli_status checkpoint_restore(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), "checkpoints",
                                          cli_argument(cli, 1), "restore", NULL);

    return output_done(cli, api_call(cli, "POST", &path, json_object()),
                       "Restored: stores and tokens are those of the checkpoint.");
}

static enum cli_status checkpoint_delete(struct cli *cli)
{
    const struct api_path path =
        api_path("sandboxes", cli_argument(cli, 0), "checkpoints", cli_argument(cli, 1), NULL);

    return output_done(cli, api_call(cli, "DELETE", &path, NULL), "Deleted.");
}

const struct cli_command checkpoint_commands[] = {
    {.name = "create",
     .summary = "make a checkpoint",
     .arguments = "SANDBOX NAME",
     .arguments_min = 2,
     .arguments_max = 2,
     .run = checkpoint_create},
    {.name = "list",
     .summary = "list the checkpoints of a sandbox",
     .arguments = "SANDBOX",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = checkpoint_list},
    {.name = "restore",
     .summary = "put its stores and tokens back",
     .arguments = "SANDBOX CHECKPOINT",
     .arguments_min = 2,
     .arguments_max = 2,
     .run = checkpoint_restore},
    {.name = "delete",
     .summary = "delete a checkpoint",
     .arguments = "SANDBOX CHECKPOINT",
     .arguments_min = 2,
     .arguments_max = 2,
     .run = checkpoint_delete},
    {.name = NULL},
};
