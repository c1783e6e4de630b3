/* SPDX-License-Identifier: Apache-2.0 */
/* Formats the table of commands. Never says anything that is not in the table. */
#include "cli/help.h"

#include <ctype.h>
#include <string.h>

enum { COLUMN = 28 };

/* A summary begins small, for lists; alone it is a sentence. */
static void print_sentence(FILE *out, const char *summary)
{
    size_t len = strlen(summary);

    fputc(toupper((unsigned char)summary[0]), out);
    fputs(summary + 1, out);
    if (summary[len - 1] != '.')
        fputc('.', out);
}

static void print_usage(FILE *out, const struct cli_command *command, const char *path)
{
    if (command->children != NULL)
        fprintf(out, "%s COMMAND [OPTION]...", path);
    else if (command->takes_command) /* whose own options begin after the -- */
        fprintf(out, "%s [OPTION]... %s", path, command->arguments);
    else
        fprintf(out, "%s%s%s [OPTION]...", path, command->arguments == NULL ? "" : " ",
                command->arguments == NULL ? "" : command->arguments);
}

static void print_option(FILE *out, const struct cli_option *option)
{
    char text[64];

    snprintf(text, sizeof(text), "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
             option->argument == NULL ? "" : option->argument);
    fprintf(out, "  %-*s %s\n", COLUMN, text, option->help);
}

static void print_children(FILE *out, const struct cli_command *command)
{
    fputs("\nCommands:\n", out);
    for (const struct cli_command *child = command->children; child->name != NULL; child++) {
        if (!child->is_hidden)
            fprintf(out, "  %-*s %s\n", COLUMN, child->name, child->summary);
    }
    fputs("\nEach has --help of its own.\n", out);
}

static void print_options(FILE *out, const struct cli_command *command)
{
    if (command->option_count > 0)
        fputs("\nOptions:\n", out);
    for (size_t i = 0; i < command->option_count; i++)
        print_option(out, &command->options[i]);
    fputs("\nGlobal options:\n", out);
    for (size_t i = 0; i < command_global_option_count; i++)
        print_option(out, &command_global_options[i]);
}

void help_print(FILE *out, const struct cli_command *command, const char *path)
{
    fputs("Usage: ", out);
    print_usage(out, command, path);
    fputs("\n\n", out);
    print_sentence(out, command->summary);
    fputc('\n', out);
    if (command->description != NULL)
        fprintf(out, "\n%s\n", command->description);
    if (command->children != NULL)
        print_children(out, command);
    else
        print_options(out, command);
}

/* A line that begins with a dot or a quote would be a request; a hyphen is a minus in options. */
static void print_roff(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        if (*text == '\n' && (text[1] == '.' || text[1] == '\''))
            fputs("\\&", out);
    }
}

static void print_roff_option(FILE *out, const struct cli_option *option)
{
    fputs(".TP\n\\fB\\-\\-", out);
    print_roff(out, option->name);
    fprintf(out, "\\fR%s%s%s\n", option->argument == NULL ? "" : " \\fI",
            option->argument == NULL ? "" : option->argument,
            option->argument == NULL ? "" : "\\fR");
    print_roff(out, option->help);
    fputc('\n', out);
}

static void print_roff_body(FILE *out, const struct cli_command *command)
{
    print_sentence(out, command->summary);
    fputc('\n', out);
    if (command->description != NULL) {
        fputs(".PP\n", out);
        print_roff(out, command->description);
        fputc('\n', out);
    }
    for (size_t i = 0; i < command->option_count; i++)
        print_roff_option(out, &command->options[i]);
}

static void print_roff_child(FILE *out, const struct cli_command *child, const char *path)
{
    char child_path[96];

    if (child->is_hidden)
        return;
    snprintf(child_path, sizeof(child_path), "%s %s", path, child->name);
    fputs(".SS ", out);
    print_usage(out, child, child_path);
    fputc('\n', out);
    print_roff_body(out, child);
}

static void print_roff_children(FILE *out, const struct cli_command *command, const char *path)
{
    if (command->children == NULL)
        return;
    fputs(".SH COMMANDS\n", out);
    for (const struct cli_command *child = command->children; child->name != NULL; child++)
        print_roff_child(out, child, path);
}

/* "sealgate store" as "sealgate-store". */
static void print_page_name(FILE *out, const char *path)
{
    for (; *path != '\0'; path++)
        fputs(*path == ' ' || *path == '-' ? "\\-" : (char[]){*path, '\0'}, out);
}

void help_print_manual(FILE *out, const struct cli_command *command, const char *path)
{
    fputs(".TH \"", out);
    print_page_name(out, path);
    fputs("\" 1 \"\" \"sealgate " SEALGATE_VERSION "\" \"sealgate\"\n.SH NAME\n", out);
    print_page_name(out, path);
    fputs(" \\- ", out);
    print_roff(out, command->summary);
    fputs("\n.SH SYNOPSIS\n", out);
    print_usage(out, command, path);
    fputs("\n.SH DESCRIPTION\n", out);
    print_roff_body(out, command);
    print_roff_children(out, command, path);
    fputs(".SH \"GLOBAL OPTIONS\"\n", out);
    for (size_t i = 0; i < command_global_option_count; i++)
        print_roff_option(out, &command_global_options[i]);
    fputs(".SH \"EXIT STATUS\"\n0: done; 1: refused or failed; 2: wrong usage.\n", out);
}
