/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate explain and allowed-hosts: what the proxy enforces, and why. Never decides itself: the
 * server answers with what the data plane uses. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "control/explain_url.h"

#include <stdio.h>

static void print_field(const json_t *answer, const char *title, const char *field)
{
    char text[2048];

    if (json_object_get(answer, field) != NULL)
        printf("  %-10s %s\n", title, output_field(answer, field, text, sizeof(text)));
}

static void print_explanation(const json_t *answer, bool is_allowed)
{
    char sentence[1024];

    output_field(answer, "sentence", sentence, sizeof(sentence));
    printf("%s: %s\n", is_allowed ? "allowed" : "blocked", sentence);
    print_field(answer, "code", "code");
    print_field(answer, "rule", "pattern");
    print_field(answer, "store", "store");
    print_field(answer, "secret", "secret");
    print_field(answer, "layers", "layers");
    print_field(answer, "address", "address");
}

enum cli_status explain_run(struct cli *cli)
{
    struct api_path path = api_path("sandboxes", cli_argument(cli, 0), "explain", NULL);
    struct explain_url url;

    if (explain_url_parse(slice_from_string(cli_argument(cli, 1)), &url) != OK)
        return cli_misuse(cli, "URL is one with http:// or https://, a host, and no user name");
    api_path_add(&path, "url", cli_argument(cli, 1));
    api_path_add(&path, "secret", cli_option(cli, "secret"));
    json_t *answer = api_get(cli, &path);
    if (answer == NULL)
        return CLI_FAILED;
    bool is_allowed = json_is_true(json_object_get(answer, "allowed"));
    if (output_is_json(cli))
        output_json(answer);
    else
        print_explanation(answer, is_allowed);
    json_decref(answer);
    return is_allowed ? CLI_DONE : CLI_FAILED;
}

static void print_secrets(json_t *secrets)
{
    const char *name;
    json_t *hosts;

    json_object_foreach(secrets, name, hosts)
    {
        char clean[256], text[2048];
        json_t *row = json_pack("{s:O}", "hosts", hosts);

        output_clean(name, clean, sizeof(clean));
        printf("  %-28s %s\n", clean, output_field(row, "hosts", text, sizeof(text)));
        json_decref(row);
    }
}

enum cli_status explain_run_allowed_hosts(struct cli *cli)
{
    static const struct output_column columns[] = {
        {"sandbox", "sandboxID"},
        {"store", "secretStore"},
        {"base store", "baseSecretStore"},
        {"egress allowlist", "egressAllowlist"},
        {"passthrough", "passthroughHosts"},
        {"private hosts", "privateHosts"},
    };
    const struct api_path path = api_path("sandboxes", cli_argument(cli, 0), "allowed-hosts", NULL);
    json_t *answer = api_get(cli, &path);
    json_t *secrets = json_incref(json_object_get(answer, "perSecretAllowedHosts"));
    enum cli_status status = output_object(cli, answer, columns, ARRAY_LEN(columns));

    if (status == CLI_DONE && !output_is_json(cli) && json_object_size(secrets) > 0) {
        puts("secrets with hosts of their own");
        print_secrets(secrets);
    }
    json_decref(secrets);
    return status;
}
