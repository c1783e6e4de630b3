/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate secret: secrets of a store. Never prints a value, sealed or not. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/value_input.h"
#include "seal/seal.h"

#include <stdio.h>

static const struct output_column columns[] = {
    {"NAME", "name"},
    {"INJECT", "inject"},
    {"UPDATED", "updatedAt"},
    {"ALLOWED HOSTS", "allowedHosts"},
};

static const struct cli_option set_options[] = {
    {"value", "VALUE", "the value itself (seen by other users: standard input is better)"},
    {"from-file", "FILE", "read the value from a file; - is standard input"},
    {"sealed", NULL, "what is read is a sealed value, from `sealgate seal`"},
    {"hosts", "HOST", "a host pattern the value may go to; repeat it, or separate by commas",
     option_check_hosts},
    {"inject", "PLACE", "where it may stand: header, header:FIELD, websocket", option_check_places},
    {"keep-value", NULL, "change only --hosts or --inject"},
};

static bool read_value(const struct cli *cli, json_t *body)
{
    bool is_sealed = cli_has(cli, "sealed");
    struct buffer value;

    if (cli_has(cli, "keep-value"))
        return true;
    if (!value_input_read(cli, is_sealed ? "Sealed value" : "Value",
                          is_sealed ? SEAL_TEXT_MAX : SECRET_VALUE_MAX, &value))
        return false;
    struct slice text = buffer_view(&value);
    json_t *string = json_stringn(text.data, text.len);
    buffer_clear(&value);
    if (string != NULL)
        return json_object_set_new(body, is_sealed ? "sealedValue" : "value", string) == 0;
    cli_fail("the value is not UTF-8 text");
    return false;
}

static enum cli_status check_value_options(const struct cli *cli)
{
    if (cli_has(cli, "keep-value") &&
        (cli_has(cli, "value") || cli_has(cli, "from-file") || cli_has(cli, "sealed")))
        return cli_misuse(cli, "--keep-value takes no new value");
    return value_input_check(cli);
}

static enum cli_status secret_set(struct cli *cli)
{
    const struct api_path path =
        api_path("secret-stores", cli_argument(cli, 0), "secrets", cli_argument(cli, 1), NULL);
    char sentence[128];
    enum cli_status usage = check_value_options(cli);

    if (usage != CLI_DONE)
        return usage;
    json_t *body = json_object();
    if (!read_value(cli, body)) {
        json_decref(body);
        return CLI_FAILED;
    }
    api_set_list(body, "allowedHosts", cli, "hosts");
    api_set_list(body, "inject", cli, "inject");
    json_t *answer = api_call(cli, "PUT", &path, body);
    output_warnings(answer);
    snprintf(sentence, sizeof(sentence), "Set. Running sandboxes that use it from now on: %lld.",
             (long long)json_integer_value(json_object_get(answer, "refreshed")));
    return output_done(cli, answer, sentence);
}

static enum cli_status secret_list(struct cli *cli)
{
    const struct api_path path = api_path("secret-stores", cli_argument(cli, 0), "secrets", NULL);

    return output_list(cli, api_get(cli, &path), columns, ARRAY_LEN(columns));
}

static enum cli_status secret_delete(struct cli *cli)
{
    const struct api_path path =
        api_path("secret-stores", cli_argument(cli, 0), "secrets", cli_argument(cli, 1), NULL);

    return output_done(cli, api_call(cli, "DELETE", &path, NULL),
                       "Deleted. Its tokens stop working at once.");
}

const struct cli_command secret_commands[] = {
    {.name = "set",
     .summary = "set a secret; running sandboxes use the new value at once",
     .arguments = "STORE NAME",
     .description = "The value is read from standard input, without echo on a terminal. One line "
                    "break at its end is dropped. Without --hosts or --inject, what was set "
                    "before stays.",
     .arguments_min = 2,
     .arguments_max = 2,
     COMMANDS_OPTIONS(set_options),
     .run = secret_set},
    {.name = "list",
     .summary = "list the secrets of a store, without values",
     .arguments = "STORE",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = secret_list},
    {.name = "delete",
     .summary = "delete a secret",
     .arguments = "STORE NAME",
     .arguments_min = 2,
     .arguments_max = 2,
     .run = secret_delete},
    {.name = NULL},
};
