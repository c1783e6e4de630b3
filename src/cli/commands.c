/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of all commands. Never says what one does: each has a file of its own. */
#include "cli/commands.h"

#include <limits.h>

static const struct cli_option explain_options[] = {
    {"secret", "NAME", "would the value of this secret be sent there"},
};
static const struct cli_option run_options[] = {
    {"store", "NAME", "a store of the configuration; repeat it. Or one of the server at --url"},
    {"secret", "NAME=SOURCE[@HOSTS]",
     "a secret from env:VARIABLE, file:PATH or cmd:COMMAND; repeat it"},
    {"allow", "HOST", "a host it may reach; repeat it, or separate by commas", option_check_hosts},
    {"passthrough", "HOST",
     "a host whose TLS passes without interception and without secrets; likewise",
     option_check_hosts},
    {"private", "HOST", "a name or address that may be reached in a private network; likewise",
     option_check_single_hosts},
    {"env", "NAME=VALUE", "a variable of its environment; repeat it", option_check_variable},
    {"learn", NULL, "block nothing, print the allowlist that it needed at the end"},
    {"share", "NAME", "keep a variable like SSH_AUTH_SOCK, and the socket it names; or a path"},
    {"no-isolate", NULL, "go on with variables only where namespaces are not permitted"},
};
static const struct cli_option seal_options[] = {
    {"store", "STORE", "the store that the value is for"},
    {"name", "SECRET", "the name of the secret that it is for"},
    {"hosts", "HOST", "a host pattern the value may go to; repeat it, or separate by commas",
     option_check_hosts},
    {"inject", "PLACE", "where it may stand: header, header:FIELD, websocket", option_check_places},
    {"value", "VALUE", "the value itself (seen by other users: standard input is better)"},
    {"from-file", "FILE", "read the value from a file; - is standard input"},
};

static const struct cli_command commands[] = {
    {.name = "serve",
     .summary = "run the proxy and its control API in the foreground",
     .description = "Every key of the configuration has a default, so it works without one. The "
                    "first start makes the CA, the sealing key, the database and an API key in "
                    "DATA_DIR/api-key. SIGHUP reloads, SIGTERM drains, SIGINT stops.",
     .run = serve_run},
    {.name = "run",
     .summary = "run one command behind a proxy of its own",
     .arguments = "-- COMMAND [ARGUMENT]...",
     .description =
         "Needs no server, no root and no configuration. The command runs in namespaces of its "
         "own, "
         "whose network leads to the proxy alone. With any of --allow, --secret and --store "
         "everything else is denied. The exit status is the command's.",
     .arguments_min = 1,
     .arguments_max = INT_MAX,
     .takes_command = true,
     COMMANDS_OPTIONS(run_options),
     .run = run_run},
    {.name = "store", .summary = "secret stores", .children = store_commands},
    {.name = "secret", .summary = "secrets of a store", .children = secret_commands},
    {.name = "sandbox", .summary = "sandboxes and checkpoints", .children = sandbox_commands},
    {.name = "allowed-hosts",
     .summary = "show what a sandbox may reach",
     .arguments = "SANDBOX",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = explain_run_allowed_hosts},
    {.name = "explain",
     .summary = "why is, or would, a request be allowed or blocked",
     .arguments = "SANDBOX URL",
     .description = "Ends with status 0 when it is allowed, 1 when it is blocked.",
     COMMANDS_OPTIONS(explain_options),
     .arguments_min = 2,
     .arguments_max = 2,
     .run = explain_run},
    {.name = "seal",
     .summary = "seal a value for a store, with the public key only",
     .description = "The value is read from standard input and never leaves this process. What is "
                    "printed goes to `sealgate secret set --sealed`, on any machine.",
     COMMANDS_OPTIONS(seal_options),
     .run = seal_run},
    {.name = "ca", .summary = "the certificate authority", .children = ca_commands},
    {.name = "keys", .summary = "the sealing keys", .children = keys_commands},
    {.name = "org", .summary = "organizations", .children = org_commands},
    {.name = "api-key", .summary = "keys of the control API", .children = api_key_commands},
    {.name = "audit", .summary = "what sandboxes asked for", .children = audit_commands},
    {.name = "check-config",
     .summary = "check a configuration, and say what is wrong with it",
     .arguments = "FILE",
     .arguments_min = 1,
     .arguments_max = 1,
     .run = check_config_run},
    {.name = "doctor",
     .summary = "what on this machine would keep it from working",
     .run = doctor_run},
    {.name = "version", .summary = "print the version", .run = version_run},
    {.name = "--version", .summary = "print the version", .is_hidden = true, .run = version_run},
    {.name = "manual",
     .summary = "print a manual page in roff",
     .arguments = "[COMMAND]...",
     .arguments_max = 3,
     .is_hidden = true,
     .run = manual_run},
    {.name = "process",
     .summary = "one of the processes of serve",
     .is_hidden = true,
     .takes_raw = true,
     .run = serve_run_process},
    {.name = NULL},
};

const struct cli_command commands_root = {
    .name = "sealgate",
    .summary = "An egress proxy that keeps real secrets out of sandboxes.",
    .description = "Commands talk to DATA_DIR/control.sock, or with --url to another machine. Exit "
                   "status: 0 done, 1 refused or failed, 2 wrong usage.",
    .children = commands,
};
