/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to a command. Never runs one whose arguments are not what its table says. */
#include "cli/command.h"

#include "cli/cli.h"
#include "cli/help.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_OPTIONS_MAX = 64, FIRST_CODE = 256 };

const struct cli_option command_global_options[] = {
    {"url", "URL", "the control API of another machine (SEALGATE_URL, OPENCOMPUTER_API_URL)",
     option_check_url},
    {"api-key", "KEY", "the key for it (better in SEALGATE_API_KEY or OPENCOMPUTER_API_KEY)"},
    {"ca-file", "FILE", "trust these certificates for it, not the system's (SEALGATE_CA_FILE)"},
    {"org", "ORG", "over the local socket: in whose name (default: the default organization)"},
    {"config", "FILE", "the configuration file; other commands find the data directory in it"},
    {"data-dir", "DIR", "the data directory (default /var/lib/sealgate)"},
    {"json", NULL, "print JSON, as the API answers it"},
    {"help", NULL, "print this help"}, /* the last: see take_option() */
};
const size_t command_global_option_count = ARRAY_LEN(command_global_options);

const struct cli_command *command_find(const struct cli_command *group, const char *name)
{
    const struct cli_command *child = group->children;

    while (child != NULL && child->name != NULL && strcmp(child->name, name) != 0)
        child++;
    return child == NULL || child->name == NULL ? NULL : child;
}

static size_t option_total(const struct cli_command *command)
{
    return command->option_count + command_global_option_count;
}

static const struct cli_option *option_at(const struct cli_command *command, size_t index)
{
    return index < command->option_count ? &command->options[index]
                                         : &command_global_options[index - command->option_count];
}

static void make_long_options(const struct cli_command *command, struct option *out)
{
    for (size_t i = 0; i < option_total(command) && i < LONG_OPTIONS_MAX; i++) {
        const struct cli_option *option = option_at(command, i);

        out[i] = (struct option){option->name,
                                 option->argument == NULL ? no_argument : required_argument, NULL,
                                 FIRST_CODE + (int)i};
    }
}

static enum cli_status take_option(struct cli *cli, int code)
{
    if (code == '?' || code == ':') {
        fprintf(stderr, "Try '%s --help'.\n", cli->path);
        return CLI_USAGE;
    }
    if (cli->value_count == CLI_OPTIONS_MAX)
        return cli_misuse(cli, "too many options");
    size_t index = code == 'h' ? option_total(cli->command) - 1 : (size_t)(code - FIRST_CODE);
    cli->values[cli->value_count++] = (struct cli_value){option_at(cli->command, index), optarg};
    return CLI_DONE;
}

static enum cli_status parse_options(struct cli *cli, int argc, char **argv)
{
    struct option options[LONG_OPTIONS_MAX + 1] = {0};
    const char *order = cli->command->takes_command ? "+h" : "h";
    int code;

    make_long_options(cli->command, options);
    optind = 0;
    argv[0] = cli->path; /* what getopt calls us in its messages */
    while ((code = getopt_long(argc, argv, order, options, NULL)) != -1) {
        enum cli_status status = take_option(cli, code);

        if (status != CLI_DONE)
            return status;
    }
    cli->arguments = argv + optind;
    cli->argument_count = argc - optind;
    return CLI_DONE;
}

static enum cli_status check_arguments(const struct cli *cli)
{
    const struct cli_command *command = cli->command;

    if (cli->argument_count < command->arguments_min)
        return cli_misuse(cli, "%s needs %s", command->name,
                          command->arguments == NULL ? "more arguments" : command->arguments);
    if (cli->argument_count > command->arguments_max)
        return cli_misuse(cli, "there is no place for the argument \"%s\"",
                          cli->arguments[command->arguments_max]);
    return CLI_DONE;
}

static enum cli_status check_options(const struct cli *cli)
{
    char why[OPTION_WHY_MAX];

    for (size_t i = 0; i < cli->value_count; i++) {
        const struct cli_value *value = &cli->values[i];

        if (value->option->check != NULL && !value->option->check(value->value, why))
            return cli_misuse(cli, "--%s %s", value->option->name, why);
    }
    return CLI_DONE;
}

static enum cli_status run_leaf(struct cli *cli, int argc, char **argv)
{
    enum cli_status status = parse_options(cli, argc, argv);

    if (status != CLI_DONE)
        return status;
    if (cli_has(cli, "help")) {
        help_print(stdout, cli->command, cli->path);
        return CLI_DONE;
    }
    status = check_arguments(cli);
    if (status == CLI_DONE)
        status = check_options(cli);
    return status == CLI_DONE ? cli->command->run(cli) : status;
}

static enum cli_status run_group(struct cli *cli, const char *name)
{
    bool is_help = name != NULL && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
                                    strcmp(name, "help") == 0);

    if (name == NULL || is_help) {
        help_print(is_help ? stdout : stderr, cli->command, cli->path);
        return is_help ? CLI_DONE : CLI_USAGE;
    }
    return cli_misuse(cli, "there is no command \"%s\"", name);
}

static enum cli_status run_raw(struct cli *cli, int argc, char **argv)
{
    cli->arguments = argv;
    cli->argument_count = argc;
    return cli->command->run(cli);
}

static void extend_path(struct cli *cli, const struct cli_command *child)
{
    size_t len = strlen(cli->path);

    snprintf(cli->path + len, sizeof(cli->path) - len, " %s", child->name);
    cli->command = child;
}

/* How many words a global option before the command takes; 0: it is none. */
static int leading_option_words(const char *word)
{
    for (size_t i = 0; i < command_global_option_count; i++) {
        const struct cli_option *option = &command_global_options[i];
        size_t len = strlen(option->name);

        if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, option->name, len) != 0)
            continue;
        if (word[2 + len] == '=' && option->argument != NULL)
            return 1;
        if (word[2 + len] == '\0')
            return option->argument == NULL ? 1 : 2;
    }
    return 0;
}

/* Follows argv down to a command; what stays for it goes to `rest`, global options that came before
 * its name first, and room for the program's name at the front. Returns how many, or -1 when argv
 * names no command. */
static int walk(struct cli *cli, int argc, char **argv, char **rest)
{
    int count = 1, at = 1;

    while (cli->command->children != NULL && at < argc && strcmp(argv[at], "--help") != 0) {
        const struct cli_command *child = command_find(cli->command, argv[at]);
        int words = leading_option_words(argv[at]);

        if (child == NULL && words == 0)
            break;
        if (child != NULL)
            extend_path(cli, child);
        for (int i = 0; i < words && at + i < argc; i++)
            rest[count++] = argv[at + i];
        at += child != NULL ? 1 : words;
    }
    if (cli->command->run == NULL) {
        rest[0] = at < argc ? argv[at] : NULL;
        return -1;
    }
    while (at < argc)
        rest[count++] = argv[at++];
    return count;
}

int command_dispatch(const struct cli_command *root, int argc, char **argv)
{
    struct cli cli = {.command = root};
    char **rest = calloc((size_t)argc + 2, sizeof(*rest));
    enum cli_status status;

    if (rest == NULL)
        return CLI_FAILED;
    snprintf(cli.path, sizeof(cli.path), "%s", root->name);
    int count = walk(&cli, argc, argv, rest);
    if (count < 0)
        status = run_group(&cli, rest[0]);
    else if (cli.command->takes_raw)
        status = run_raw(&cli, argc, argv);
    else
        status = run_leaf(&cli, count, rest);
    free(rest);
    return (int)status;
}
