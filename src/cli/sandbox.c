/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate sandbox: the clients of the proxy and their environment. Never sees a value of a secret.
 */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/shell_quote.h"

#include <stdio.h>

static const struct output_column columns[] = {
    {"ID", "sandboxID"},         {"STATUS", "status"}, {"STORE", "secretStore"},
    {"BASE", "baseSecretStore"}, {"SOURCE", "source"}, {"LAST ACTIVE", "lastActiveAt"},
};
static const struct output_column details[] = {
    {"id", "sandboxID"},
    {"status", "status"},
    {"store", "secretStore"},
    {"base store", "baseSecretStore"},
    {"source", "source"},
    {"idle timeout (s)", "timeout"},
    {"checkpoint", "checkpointId"},
    {"proxy", "proxyURL"},
    {"created", "createdAt"},
    {"last active", "lastActiveAt"},
};

static const struct cli_option create_options[] = {
    {"store", "STORE", "the secret store to bind"},
    {"env", "NAME=VALUE", "a variable of its environment; repeat it", option_check_variable},
    {"metadata", "NAME=VALUE", "a note to keep with it; repeat it", option_check_variable},
    {"timeout", "SECONDS", "hibernate after so long without a request (default: never)",
     option_check_seconds},
    {"source", "ADDRESS", "recognize it by its address, without proxy credentials"},
};
static const struct cli_option delete_options[] = {
    {"with-store", NULL, "delete its secret store too"},
};

/* Takes it; NULL: it failed. A person reads 0 seconds as the opposite of what it means. */
static enum cli_status show(const struct cli *cli, json_t *sandbox)
{
    const json_t *timeout = json_object_get(sandbox, "timeout");

    if (!output_is_json(cli) && json_is_integer(timeout) && json_integer_value(timeout) == 0)
        json_object_set_new(sandbox, "timeout", json_string("never"));
    return output_object(cli, sandbox, details, ARRAY_LEN(details));
}

static enum cli_status create_at(const struct cli *cli, const struct api_path *path)
{
    json_t *body = json_object();

    api_set_option(body, "secretStore", cli, "store");
    api_set_option(body, "source", cli, "source");
    api_set_map(body, "envs", cli, "env");
    api_set_map(body, "metadata", cli, "metadata");
    api_set_number(body, "timeout", cli, "timeout");
    json_t *sandbox = api_call(cli, "POST", path, body);
    char id[128];
    output_field(sandbox, "sandboxID", id, sizeof(id));
    enum cli_status status = show(cli, sandbox);
    if (status == CLI_DONE && !output_is_json(cli))
        printf("\nIts environment: eval \"$(sealgate sandbox env %s)\"\n", id);
    return status;
}

static enum cli_status sandbox_create(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", NULL);

    return create_at(cli, &path);
}

static enum cli_status sandbox_fork(struct cli *cli)
{
    const struct api_path path =
        api_path("sandboxes", "from-checkpoint", cli_argument(cli, 0), NULL);

    return create_at(cli, &path);
}

static enum cli_status sandbox_list(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", NULL);

    return output_list(cli, api_get(cli, &path), columns, ARRAY_LEN(columns));
}

static enum cli_status sandbox_show(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), NULL);

    return show(cli, api_get(cli, &path));
}

static enum error append_export(const char *name, const json_t *value, struct buffer *out)
{
    struct slice text = slice_of(json_string_value(value), json_string_length(value));

    TRY(buffer_append_format(out, "export %s=", name));
    TRY(shell_quote(text, out));
    return buffer_append_byte(out, '\n');
}

/* All or nothing: half an environment would be taken for a whole one. */
static enum cli_status print_exports(json_t *envs)
{
    OWNED_STRUCT(buffer) *out = &(struct buffer){.limit = (size_t)16 << 20};
    const char *name;
    json_t *value;

    json_object_foreach(envs, name, value)
    {
        if (!shell_quote_is_name(slice_from_string(name)) || !json_is_string(value))
            cli_warn("a variable is left out: its name is none that a shell takes");
        else if (append_export(name, value, out) != OK)
            return cli_fail("the environment cannot be printed");
    }
    struct slice text = buffer_view(out);
    bool is_whole = fwrite(text.data, 1, text.len, stdout) == text.len;
    return is_whole ? CLI_DONE : cli_fail("standard output is closed");
}

static enum cli_status sandbox_env(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), "env", NULL);
    json_t *answer = api_get(cli, &path);
    enum cli_status status = CLI_DONE;

    if (answer == NULL)
        return CLI_FAILED;
    if (output_is_json(cli))
        output_json(json_object_get(answer, "envs"));
    else
        status = print_exports(json_object_get(answer, "envs"));
    json_decref(answer);
    return status;
}

static enum cli_status sandbox_delete(struct cli *cli)
{
    struct api_path path = api_path("sandboxes", cli_argument(cli, 0), NULL);

    api_path_add(&path, "deleteSecretStore", cli_has(cli, "with-store") ? "true" : NULL);
    return output_done(cli, api_call(cli, "DELETE", &path, NULL), "Deleted.");
}

static enum cli_status post_to(const struct cli *cli, const char *verb)
{
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), verb, NULL);

    return show(cli, api_call(cli, "POST", &path, json_object()));
}

static enum cli_status sandbox_hibernate(struct cli *cli)
{
    return post_to(cli, "hibernate");
}

static enum cli_status sandbox_wake(struct cli *cli)
{
    return post_to(cli, "wake");
}

static enum cli_status sandbox_timeout(struct cli *cli)
{
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), "timeout", NULL);
    uint64_t seconds;

    if (!slice_parse_u64(slice_from_string(cli_argument(cli, 1)), &seconds) || seconds > INT64_MAX)
        return cli_misuse(cli, "SECONDS is a number, 0 for never");
    json_t *body = json_pack("{s:I}", "timeout", (json_int_t)seconds);
    return show(cli, api_call(cli, "POST", &path, body));
}

#define ONE(what) .arguments = (what), .arguments_min = 1, .arguments_max = 1

const struct cli_command sandbox_commands[] = {
    {.name = "create",
     .summary = "make a sandbox",
     COMMANDS_OPTIONS(create_options),
     .run = sandbox_create},
    {.name = "list", .summary = "list all sandboxes", .run = sandbox_list},
    {.name = "show", .summary = "show a sandbox", ONE("SANDBOX"), .run = sandbox_show},
    {.name = "env",
     .summary = "print the environment to start it with",
     .description = "As export lines for a shell: eval \"$(sealgate sandbox env SANDBOX)\". With "
                    "--json, as a map.",
     ONE("SANDBOX"),
     .run = sandbox_env},
    {.name = "fork",
     .summary = "make a sandbox from a checkpoint, with one more store on top",
     ONE("CHECKPOINT"),
     COMMANDS_OPTIONS(create_options),
     .run = sandbox_fork},
    {.name = "hibernate",
     .summary = "suspend its access; tokens survive",
     ONE("SANDBOX"),
     .run = sandbox_hibernate},
    {.name = "wake", .summary = "resume its access", ONE("SANDBOX"), .run = sandbox_wake},
    {.name = "timeout",
     .summary = "set after how many idle seconds it hibernates",
     .arguments = "SANDBOX SECONDS",
     .arguments_min = 2,
     .arguments_max = 2,
     .run = sandbox_timeout},
    {.name = "delete",
     .summary = "delete a sandbox; its tokens stop at once",
     ONE("SANDBOX"),
     COMMANDS_OPTIONS(delete_options),
     .run = sandbox_delete},
    {.name = "checkpoint",
     .summary = "keep its stores and tokens as of now, and come back to them",
     .children = checkpoint_commands},
    {.name = NULL},
};
